// Microsoft's Graph SDK for JavaScript works against the simulator, without knowing it.
//
// XTSYNC_SIM_URL is the address of simulated tenants; `run` starts them, over TLS, since the SDK sends tokens over https only.
'use strict';

const assert = require('node:assert/strict');
const { before, test } = require('node:test');
const { BatchRequestContent, BatchResponseContent, Client, GraphError, PageIterator } = require('@microsoft/microsoft-graph-client');

let url, emea, hub;

async function token(tenant) {
  const form = { grant_type: 'client_credentials', client_id: 'app', client_secret: 'secret', scope: 'https://graph.microsoft.com/.default' };
  const answer = await fetch(`${url}/${tenant}/oauth2/v2.0/token`, { method: 'POST', body: new URLSearchParams(form) });
  return (await answer.json()).access_token;
}

function connect(tenant) {
  const authProvider = { getAccessToken: () => token(tenant) };
  return Client.initWithMiddleware({ authProvider, baseUrl: url, customHosts: new Set(['127.0.0.1']) });
}

function person(name) {
  return {
    accountEnabled: true, displayName: name, mailNickname: name, userPrincipalName: `${name}@hub.example`, mail: `${name}@hub.example`,
    passwordProfile: { password: 'not-kept-1' },
  };
}

async function faults(body) {
  const answer = await fetch(`${url}/sim/v1/faults`, { method: 'POST', body: JSON.stringify(body) });
  assert.equal(answer.status, 200);
}

before(() => {
  url = process.env.XTSYNC_SIM_URL;
  [emea, hub] = [connect('emea'), connect('hub')];
});

test('a user is created, read, changed and deleted', async () => {
  const made = await hub.api('/users').post({ ...person('ana'), department: 'Sales' });
  const path = `/users/${made.id}`;
  await hub.api(path).patch({ department: 'Legal' });
  assert.equal((await hub.api(path).select(['department']).get()).department, 'Legal');
  await hub.api(path).delete();
  await assert.rejects(hub.api(path).get(), (error) => error instanceof GraphError && error.statusCode === 404 && error.code === 'Request_ResourceNotFound');
  const [binned] = (await hub.api('/directory/deletedItems/microsoft.graph.user').filter("mail eq 'ana@hub.example'").get()).value;
  assert.equal(binned.id, made.id);
});

test('pages are followed to the end', async () => {
  const seen = new Set();
  const page = await emea.api('/users').select(['id']).top(50).get();
  await new PageIterator(emea, page, (user) => seen.add(user.id)).iterate();
  assert.equal(seen.size, 300);
  assert.equal(await emea.api('/users/$count').header('ConsistencyLevel', 'eventual').get(), '300');
});

test('a delta cycle ends in a link that tells only what changed', async () => {
  const cycle = async (path) => {
    const seen = [];
    const page = await emea.api(path).header('Prefer', 'odata.maxpagesize=100').get();
    const iterator = new PageIterator(emea, page, (user) => seen.push(user.id));
    await iterator.iterate();
    return [seen, iterator.getDeltaLink()];
  };
  const [all, link] = await cycle('/users/delta?$select=department');
  assert.equal(new Set(all).size, 300);
  await emea.api(`/users/${all[0]}`).patch({ department: 'Changed' });
  const [changed] = await cycle(link);
  assert.deepEqual(changed, [all[0]]);
});

test('a batch answers each request', async () => {
  const request = (id, path) => ({ id, request: new Request(`${url}${path}`) });
  const batch = new BatchRequestContent([request('1', '/organization'), request('2', '/users?$top=3'), request('3', '/users/unknown')]);
  const answer = new BatchResponseContent(await emea.api('/$batch').post(await batch.getContent()));
  assert.deepEqual(['1', '2', '3'].map((id) => answer.getResponseById(id).status), [200, 200, 404]);
});

test('an invitation gives a pending guest', async () => {
  const body = { invitedUserEmailAddress: 'eva@emea.example', inviteRedirectUrl: 'https://portal.example', sendInvitationMessage: false };
  const { invitedUser, status } = await hub.api('/invitations').post(body);
  assert.equal(status, 'PendingAcceptance');
  assert.equal((await hub.api(`/users/${invitedUser.id}`).select('userType').get()).userType, 'Guest');
});

test('the SDK honours Retry-After when it is throttled, and completes every request', async () => {
  await faults({ seed: 7, throttle: { writes: [4, 1] } });
  for (let number = 0; number < 8; number += 1) {
    await hub.api('/users').post(person(`p${number}`));
  }
  const injected = await (await fetch(`${url}/sim/v1/injected-faults`)).json();
  assert.ok(injected.throttled > 0);
  await faults('7:none');
});
