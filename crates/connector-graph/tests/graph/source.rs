//! Reading a tenant of the simulator.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::json;
use uuid::Uuid;
use xtsync_connector_graph::{Options, Reader};
use xtsync_directory::{Cursor, Error, GroupChange, MemberChange, MemberKind, Next, Result, Source, UserChange};
use xtsync_domain::delta::{Gone, Kind};
use xtsync_domain::fact::{GroupState, Redemption};
use xtsync_domain::{Attributes, GroupId, UserId, Value};
use xtsync_tenant_sim::{ALL_USERS, Rule};

use crate::tenants::Tenants;

const PAGES_MAX: usize = 200;

/// Reads a round of users to its end.
async fn users(reader: &Reader, from: Option<Cursor>) -> Result<(Vec<UserChange>, Cursor)> {
    let (mut changes, mut cursor) = (Vec::new(), from);
    for _ in 0..PAGES_MAX {
        let page = reader.users(&[], cursor.as_ref()).await?;
        assert_eq!(page.rejected, []);
        changes.extend(page.changes);
        match page.next {
            Next::Page(next) => cursor = Some(next),
            Next::Complete(end) => return Ok((changes, end)),
        }
    }
    panic!("a round without an end")
}

/// Reads a round of groups to its end.
async fn groups(reader: &Reader, from: Option<Cursor>) -> Result<(Vec<GroupChange>, Cursor)> {
    let (mut changes, mut cursor) = (Vec::new(), from);
    for _ in 0..PAGES_MAX {
        let page = reader.groups(cursor.as_ref()).await?;
        changes.extend(page.changes);
        match page.next {
            Next::Page(next) => cursor = Some(next),
            Next::Complete(end) => return Ok((changes, end)),
        }
    }
    panic!("a round without an end")
}

fn paged(page_objects_max: u32) -> Options {
    Options { page_objects_max, ..Options::default() }
}

fn id(user: Uuid) -> UserId {
    UserId(user.to_string())
}

fn merged(changes: Vec<UserChange>) -> BTreeMap<UserId, Attributes> {
    let mut users = BTreeMap::<UserId, Attributes>::new();
    for change in changes {
        match change {
            UserChange::Changed { id, attributes } => users.entry(id).or_default().extend(attributes),
            UserChange::Gone { id, .. } => drop(users.remove(&id)),
        }
    }
    users
}

#[tokio::test]
async fn the_initial_cycle_lists_all_users_page_by_page_with_their_attributes() {
    let tenants = Tenants::with_people(60).await;
    let emea = tenants.tenant("emea");
    emea.start_delta_empty(true);
    let reader = tenants.reader_with("emea", paged(25));
    let users = merged(users(&reader, None).await.unwrap().0);
    assert_eq!(users.keys().cloned().collect::<BTreeSet<_>>(), emea.users().into_iter().map(id).collect());
    assert_eq!(reader.user_count().await.unwrap(), 60);
    for (user, attributes) in users {
        let whole = emea.user(user.0.parse().unwrap()).unwrap();
        for name in ["displayName", "userPrincipalName", "department", "mail"] {
            assert_eq!(attributes.text(name), whole[name].as_str(), "{name}");
        }
        let external = whole["userPrincipalName"].as_str().unwrap().contains("#EXT#");
        assert_eq!(reader.kind(&attributes) == Kind::External, external);
    }
}

#[tokio::test]
async fn an_incremental_cycle_lists_changed_cleared_and_removed() {
    let tenants = Tenants::with_people(10).await;
    let (emea, reader) = (tenants.tenant("emea"), tenants.reader("emea"));
    let (_, cursor) = users(&reader, None).await.unwrap();
    let all = emea.users();
    emea.patch_user(all[0], &json!({"city": "Rome", "department": null})).unwrap();
    emea.delete_user(all[1]).unwrap();
    emea.delete_user(all[2]).unwrap();
    emea.purge_user(all[2]).unwrap();
    let (changes, cursor) = users(&reader, Some(cursor)).await.unwrap();
    assert!(changes.contains(&UserChange::Gone { id: id(all[1]), how: Gone::SoftDeleted }));
    assert!(changes.contains(&UserChange::Gone { id: id(all[2]), how: Gone::Deleted }));
    let changed = &merged(changes)[&id(all[0])];
    assert_eq!((changed.text("city"), changed.get("department")), (Some("Rome"), Some(&Value::Null)));

    emea.restore_user(all[1]).unwrap();
    let (changes, cursor) = users(&reader, Some(cursor)).await.unwrap();
    assert_eq!(merged(changes).into_keys().collect::<Vec<_>>(), [id(all[1])]);
    let (changes, _) = users(&reader, Some(cursor)).await.unwrap();
    assert_eq!(changes, []);
}

#[tokio::test]
async fn an_attribute_that_a_configuration_names_is_read_and_an_unknown_one_is_refused_by_name() {
    let tenants = Tenants::with_people(1).await;
    let (emea, reader) = (tenants.tenant("emea"), tenants.reader("emea"));
    emea.register_extension("extension_1_cost").unwrap();
    emea.patch_user(emea.users()[0], &json!({"extension_1_cost": "100"})).unwrap();
    let page = reader.users(&["extension_1_cost".to_owned()], None).await.unwrap();
    assert_eq!(merged(page.changes).into_values().next().unwrap().text("extension_1_cost"), Some("100"));

    let error = reader.users(&["extension_1_shoe".to_owned()], None).await.unwrap_err();
    let refused = Error::Refused { code: "refused_400".into(), attribute: Some("extension_1_shoe".to_owned()) };
    assert_eq!(error, refused);
}

#[tokio::test]
async fn groups_come_with_their_direct_members_users_and_groups() {
    let tenants = Tenants::with_people(40).await;
    let (emea, reader) = (tenants.tenant("emea"), tenants.reader_with("emea", paged(5)));
    let (changes, cursor) = groups(&reader, None).await.unwrap();
    let all_users = emea.groups(ALL_USERS)[0];
    let mut members = BTreeSet::new();
    let mut named = false;
    for change in changes {
        match change {
            GroupChange::Changed { id, name, members: changes } if id.0 == all_users.to_string() => {
                named |= name.as_deref() == Some(ALL_USERS);
                members.extend(changes.into_iter().map(|change| match change {
                    MemberChange::Joined(member) => member.id,
                    MemberChange::Left { id } => panic!("{id} has not left"),
                }));
            }
            GroupChange::Changed { .. } => {}
            GroupChange::Gone { id } => panic!("{id} is not gone"),
        }
    }
    assert!(named);
    assert_eq!(members, emea.members(all_users).into_iter().map(|member| member.to_string()).collect());

    let (user, team) = (emea.users()[0], emea.create_group(&team("Chess")).unwrap());
    emea.add_member(team, user).unwrap();
    let leaver = *emea.members(all_users).iter().find(|member| emea.user(**member).is_some()).unwrap();
    emea.remove_member(all_users, leaver).unwrap();
    emea.add_member(all_users, team).unwrap();
    let (changes, cursor) = groups(&reader, Some(cursor)).await.unwrap();
    let mut seen = BTreeSet::new();
    for change in changes {
        let GroupChange::Changed { id, members, .. } = change else { panic!("nothing is gone") };
        seen.extend(members.into_iter().map(|change| match change {
            MemberChange::Joined(member) => (id.0.clone(), member.id, Some(member.kind)),
            MemberChange::Left { id: member } => (id.0.clone(), member, None),
        }));
    }
    let edge = |group: Uuid, member: Uuid, kind| (group.to_string(), member.to_string(), kind);
    let want = [edge(team, user, Some(MemberKind::User)), edge(all_users, leaver, None), edge(all_users, team, Some(MemberKind::Group))];
    assert_eq!(seen, want.into());

    emea.delete_group(team).unwrap();
    let (changes, _) = groups(&reader, Some(cursor)).await.unwrap();
    assert!(changes.contains(&GroupChange::Gone { id: GroupId(team.to_string()) }));
}

fn team(name: &str) -> serde_json::Value {
    json!({"displayName": name, "mailNickname": name.to_lowercase().replace(['\'', ' '], ""), "mailEnabled": false, "securityEnabled": true})
}

#[tokio::test]
async fn a_group_is_found_by_name_and_is_present_gone_or_unreadable() {
    let tenants = Tenants::with_people(5).await;
    let (emea, reader) = (tenants.tenant("emea"), tenants.reader("emea"));
    let name = "Ana's Team";
    assert_eq!(reader.find_groups(name).await.unwrap(), []);
    let first = emea.create_group(&team(name)).unwrap();
    assert_eq!(reader.find_groups(name).await.unwrap(), [GroupId(first.to_string())]);
    emea.create_group(&json!({"displayName": name, "mailNickname": "two", "mailEnabled": false, "securityEnabled": true})).unwrap();
    assert_eq!(reader.find_groups(name).await.unwrap().len(), 2);

    let id = GroupId(first.to_string());
    assert_eq!(reader.group(&id).await.unwrap(), (Some(name.to_owned()), GroupState::Present));
    tenants.sim.script().install(Rule::on("", &format!("/groups/{first}**")).fail(403)).unwrap();
    assert_eq!(reader.group(&id).await.unwrap(), (None, GroupState::Unreadable));
    tenants.sim.script().clear();
    tenants.sim.script().install(Rule::on("GET", "/groups/*/members").times(1).fail(403)).unwrap();
    assert_eq!(reader.group(&id).await.unwrap(), (Some(name.to_owned()), GroupState::Unreadable));
    emea.delete_group(first).unwrap();
    assert_eq!(reader.group(&id).await.unwrap(), (None, GroupState::Gone));
}

#[tokio::test]
async fn the_live_policy_and_identity_are_read_as_the_administrator_has_them() {
    let tenants = Tenants::with_people(0).await;
    let (emea, hub) = (tenants.tenant("emea"), tenants.tenant("hub"));
    let identity = tenants.reader("hub").identity().await.unwrap();
    assert_eq!(identity.directory_id, hub.id().to_string().into());
    assert!(identity.verified_domains.contains(&"hub.example".to_owned()));
    assert_eq!(identity.default_domain.as_deref(), Some("hub.example"));

    let policy = tenants.reader("hub").access_policy().await.unwrap();
    assert_eq!(policy.default, Redemption { inbound: Some(false), outbound: Some(false) });
    let partner = policy.partners[&emea.id().to_string().into()];
    assert_eq!((partner.sync_allowed, partner.redemption.inbound), (Some(true), Some(true)));
    let policy = tenants.reader("emea").access_policy().await.unwrap();
    let partner = policy.partners[&hub.id().to_string().into()];
    assert_eq!((partner.sync_allowed, partner.redemption.outbound), (None, Some(true)));
}

#[tokio::test]
async fn every_form_of_an_expired_cursor_is_a_resync() {
    let tenants = Tenants::with_people(3).await;
    let (emea, reader) = (tenants.tenant("emea"), tenants.reader("emea"));
    let (_, cursor) = users(&reader, None).await.unwrap();
    let (_, group_cursor) = groups(&reader, None).await.unwrap();
    emea.expire_delta();
    assert_eq!(reader.users(&[], Some(&cursor)).await.unwrap_err(), Error::Resync);
    assert_eq!(reader.groups(Some(&group_cursor)).await.unwrap_err(), Error::Resync);
}

#[tokio::test]
async fn failures_of_a_read_are_classified_by_what_to_do_next() {
    let tenants = Tenants::with_people(1).await;
    let reader = tenants.reader("emea");
    reader.user_count().await.unwrap();
    let wait = Duration::from_millis(250);
    let failing = |reason: &str, wait| Error::Failing { reason: reason.to_owned(), wait };
    for (status, retry_after, want) in [
        (429, Some(wait), Error::Throttled { wait }),
        (429, None, Error::Throttled { wait: Duration::from_secs(10) }),
        (503, Some(wait), failing("status 503, serviceNotAvailable", Some(wait))),
        (504, Some(wait), failing("status 504, timeout", Some(wait))),
        (503, None, failing("status 503, serviceNotAvailable", None)),
        (500, None, failing("status 500, InternalServerError", None)),
        (403, None, Error::Forbidden { code: "insufficient_privileges".into() }),
        (404, None, Error::NotFound),
        (400, None, Error::Refused { code: "refused_400".into(), attribute: None }),
    ] {
        tenants.sim.script().install(Rule::on("GET", "/users/$count").times(1).fail(status).retry_after(retry_after)).unwrap();
        assert_eq!(reader.user_count().await.unwrap_err(), want);
    }
    tenants.sim.script().install(Rule::default().times(1).answer_html()).unwrap();
    let malformed = Error::Malformed { reason: "an answer of a type that is not graph's".to_owned() };
    assert_eq!(reader.user_count().await.unwrap_err(), malformed);
}

#[tokio::test]
async fn a_revoked_token_is_replaced_once_and_refused_credentials_are_reported() {
    let tenants = Tenants::with_people(1).await;
    let reader = tenants.reader("emea");
    reader.user_count().await.unwrap();
    tenants.sim.expire_tokens();
    assert_eq!(reader.user_count().await.unwrap(), 1);
    tenants.sim.script().install(Rule::on("GET", "/users/$count").times(2).fail(401)).unwrap();
    let unauthorized = |code: &str| Error::Unauthorized { code: code.into() };
    assert_eq!(reader.user_count().await.unwrap_err(), unauthorized("token_refused"));

    let asked = || tenants.sim.count("POST", "/emea/oauth2/v2.0/token");
    let before = asked();
    // The secret is read at each request for a token: a rotated one is seen, a wrong or missing one is said.
    let graph = tenants.graph("emea");
    let file = &tenants.secret_file("emea", "reader");
    for (secret, want) in [(Some("wrong"), "secret_invalid"), (Some(" \n"), "secret_empty"), (None, "secret_unreadable")] {
        match secret {
            Some(secret) => std::fs::write(file, secret).unwrap(),
            None => std::fs::remove_file(file).unwrap(),
        }
        let fresh = Reader::new(&graph, tenants.options("emea")).unwrap();
        // Those who wait for one token share its failure too.
        for answer in futures::future::join_all((0..5).map(|_| fresh.user_count())).await {
            assert_eq!(answer.unwrap_err(), unauthorized(want));
        }
    }
    assert_eq!(asked(), before + 1, "for the wrong secret, once");
}

#[tokio::test]
async fn no_token_goes_to_another_machine_in_the_clear() {
    let tenants = Tenants::with_people(1).await;
    for (field, code) in [("endpoint", "plain_http_endpoint"), ("authority", "plain_http_authority")] {
        let mut graph = tenants.graph("emea");
        let url = if field == "endpoint" { &mut graph.endpoint } else { &mut graph.authority };
        *url = "http://graph.example".parse().unwrap();
        let error = Reader::new(&graph, Options::default()).err().unwrap();
        assert_eq!(error, Error::Forbidden { code: code.into() });
    }
}
