"""Microsoft's Graph SDK for Python works against the simulator, without knowing it."""

import uuid
from datetime import datetime, timezone

import pytest
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_abstractions.headers_collection import HeadersCollection
from msgraph.generated.directory.deleted_items.graph_user.graph_user_request_builder import GraphUserRequestBuilder
from msgraph.generated.groups.delta.delta_request_builder import DeltaRequestBuilder as GroupsDelta
from msgraph.generated.groups.groups_request_builder import GroupsRequestBuilder
from msgraph.generated.models.cross_tenant_access_policy_configuration_partner import CrossTenantAccessPolicyConfigurationPartner
from msgraph.generated.models.cross_tenant_identity_sync_policy_partner import CrossTenantIdentitySyncPolicyPartner
from msgraph.generated.models.cross_tenant_user_sync_inbound import CrossTenantUserSyncInbound
from msgraph.generated.models.group import Group
from msgraph.generated.models.inbound_outbound_policy_configuration import InboundOutboundPolicyConfiguration
from msgraph.generated.models.invitation import Invitation
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.password_profile import PasswordProfile
from msgraph.generated.models.reference_create import ReferenceCreate
from msgraph.generated.models.reference_update import ReferenceUpdate
from msgraph.generated.models.user import User
from msgraph.generated.policies.cross_tenant_access_policy.partners.partners_request_builder import PartnersRequestBuilder
from msgraph.generated.users.count.count_request_builder import CountRequestBuilder
from msgraph.generated.users.delta.delta_request_builder import DeltaRequestBuilder as UsersDelta
from msgraph.generated.users.item.get_member_groups.get_member_groups_post_request_body import GetMemberGroupsPostRequestBody
from msgraph.generated.users.item.user_item_request_builder import UserItemRequestBuilder
from msgraph.generated.users.users_request_builder import UsersRequestBuilder
from msgraph.generated.directory_objects.get_available_extension_properties.get_available_extension_properties_post_request_body import (
    GetAvailableExtensionPropertiesPostRequestBody,
)
from msgraph_core.requests.batch_request_content import BatchRequestContent
from msgraph_core.requests.batch_request_item import BatchRequestItem
from msgraph_core.tasks.page_iterator import PageIterator

EVENTUAL = {"ConsistencyLevel": "eventual"}


def asking(builder, headers=None, **query):
    """The SDK's way to give query options and headers."""
    name = next(name for name in dir(builder) if name.endswith("QueryParameters"))
    configuration = RequestConfiguration(query_parameters=getattr(builder, name)(**query))
    configuration.headers = HeadersCollection()
    for header, value in (headers or {}).items():
        configuration.headers.add(header, value)
    return configuration


def person(domain, **more):
    name = f"sdk-{uuid.uuid4().hex[:12]}"
    return User(
        account_enabled=True, display_name="Sam Sdk", mail_nickname=name, user_principal_name=f"{name}@{domain}",
        mail=f"{name}@{domain}", password_profile=PasswordProfile(password="not-kept-1"), **more,
    )


def invitation(address, **more):
    return Invitation(invited_user_email_address=address, invite_redirect_url="https://portal.example", send_invitation_message=False, **more)


async def cycle(builder, configuration):
    """All objects of a delta cycle, and the link to the next."""
    objects, page = [], await builder.get(request_configuration=configuration)
    while True:
        objects += page.value
        if page.odata_delta_link:
            return objects, page.odata_delta_link
        page = await builder.with_url(page.odata_next_link).get()


def test_the_organization_tells_its_verified_domains(emea, run):
    (organization,) = run(emea.organization.get()).value
    assert uuid.UUID(organization.id)
    assert "emea.example" in [domain.name for domain in organization.verified_domains]


def test_pages_are_followed_to_the_end(emea, run):
    sales = "department eq 'Sales'"

    async def pages():
        page = await emea.users.get(request_configuration=asking(UsersRequestBuilder, filter=sales, select=["id", "displayName"], top=5))
        seen = []
        await PageIterator(page, emea.request_adapter).iterate(lambda user: seen.append(user.id) or True)
        count = await emea.users.count.get(request_configuration=asking(CountRequestBuilder, EVENTUAL, filter=sales))
        return seen, count

    seen, count = run(pages())
    assert len(seen) == len(set(seen)) == count >= 10


def test_a_user_is_created_read_changed_and_deleted(hub, run):
    async def life():
        made = await hub.users.post(person("hub.example", department="Sales"))
        by_id = hub.users.by_user_id(made.id)
        select = asking(UserItemRequestBuilder, select=["id", "department", "accountEnabled", "userType", "createdDateTime"])
        before = await by_id.get(request_configuration=select)
        await by_id.patch(User(department="Legal", account_enabled=False))
        after = await by_id.get(request_configuration=select)
        by_name = await hub.users.by_user_id(made.user_principal_name).get()
        revoked = await by_id.revoke_sign_in_sessions.post()
        await by_id.delete()
        with pytest.raises(ODataError) as gone:
            await by_id.get()
        return made, before, after, by_name, revoked, gone.value

    made, before, after, by_name, revoked, gone = run(life())
    assert (before.department, before.account_enabled, before.user_type) == ("Sales", True, "Member")
    assert abs(datetime.now(timezone.utc) - before.created_date_time).total_seconds() < 60
    assert (after.department, after.account_enabled, by_name.id, revoked.value) == ("Legal", False, made.id, True)
    assert by_name.department is None, "a plain GET shows the default properties only"
    assert (gone.response_status_code, gone.error.code) == (404, "Request_ResourceNotFound")
    assert gone.error.inner_error.request_id


@pytest.mark.parametrize("condition", [
    "mail eq '{mail}'",
    "startsWith(mail,'{mail}')",
    "proxyAddresses/any(p:p eq 'smtp:{mail}')",
    "otherMails/any(x:x eq '{id}@home.example') and accountEnabled eq true",
    "userPrincipalName in ('{mail}', 'unknown@hub.example')",
])
def test_a_user_is_found_by_filter(hub, run, condition):
    async def find():
        made = await hub.users.post(person("hub.example"))
        await hub.users.by_user_id(made.id).patch(User(other_mails=[f"{made.id}@home.example"]))
        text = condition.format(mail=made.mail, id=made.id)
        return made, await hub.users.get(request_configuration=asking(UsersRequestBuilder, filter=text))

    made, found = run(find())
    assert [user.id for user in found.value] == [made.id]


def test_an_advanced_query_needs_the_header_and_the_count(emea, run):
    query = {"filter": "endsWith(mail,'@partner.example')", "top": 5, "count": True}
    with pytest.raises(ODataError) as refused:
        run(emea.users.get(request_configuration=asking(UsersRequestBuilder, **query)))
    assert refused.value.error.code == "Request_UnsupportedQuery"
    page = run(emea.users.get(request_configuration=asking(UsersRequestBuilder, EVENTUAL, **query)))
    assert page.odata_count > len(page.value) == 5


def test_the_manager_is_set_expanded_and_removed(hub, run):
    async def life():
        boss, report = [await hub.users.post(person("hub.example")) for _ in range(2)]
        item = hub.users.by_user_id(report.id)
        await item.manager.ref.put(ReferenceUpdate(odata_id=f"https://graph.microsoft.com/v1.0/users/{boss.id}"))
        manager = await item.manager.get()
        expanded = await item.get(request_configuration=asking(UserItemRequestBuilder, select=["id"], expand=["manager"]))
        await item.manager.ref.delete()
        with pytest.raises(ODataError) as none:
            await item.manager.get()
        return boss, manager, expanded, none.value

    boss, manager, expanded, none = run(life())
    assert manager.id == boss.id and isinstance(manager, User)
    assert expanded.manager.id == boss.id
    assert none.response_status_code == 404


def test_the_anchor_extension_is_registered_and_found_by(hub, run):
    async def life():
        body = GetAvailableExtensionPropertiesPostRequestBody(is_synced_from_on_premises=False)
        (extension,) = (await hub.directory_objects.get_available_extension_properties.post(body)).value
        made = await hub.users.post(person("hub.example"))
        await hub.users.by_user_id(made.id).patch(User(additional_data={extension.name: "home/ana"}))
        found = await hub.users.get(request_configuration=asking(
            UsersRequestBuilder, filter=f"{extension.name} eq 'home/ana'", select=["id", extension.name]))
        await hub.users.by_user_id(made.id).patch(User(additional_data={extension.name: None}))
        return extension, made, found.value

    extension, made, found = run(life())
    assert extension.name.endswith("_xtsyncAnchor") and extension.target_objects == ["User"]
    assert [(user.id, user.additional_data[extension.name]) for user in found] == [(made.id, "home/ana")]


def test_the_users_delta_tells_changes_and_removals(hub, run):
    async def life():
        select = asking(UsersDelta, {"Prefer": "odata.maxpagesize=2"}, select=["displayName", "department"])
        people = [await hub.users.post(person("hub.example")) for _ in range(3)]
        first, link = await cycle(hub.users.delta, select)
        nothing, link = await cycle(hub.users.delta.with_url(link), None)
        await hub.users.by_user_id(people[0].id).patch(User(department="Legal"))
        await hub.users.by_user_id(people[1].id).delete()
        await hub.users.by_user_id(people[2].id).delete()
        await hub.directory.deleted_items.by_directory_object_id(people[2].id).delete()
        second, _ = await cycle(hub.users.delta.with_url(link), None)
        return people, first, nothing, second

    people, first, nothing, second = run(life())
    assert {user.id for user in people} <= {user.id for user in first} and nothing == []
    result = {user.id: user for user in second}
    assert result[people[0].id].department == "Legal"
    reasons = [result[user.id].additional_data["@removed"]["reason"] for user in people[1:]]
    assert reasons == ["changed", "deleted"]


def test_groups_hold_users_and_groups_and_the_delta_tells(hub, run):
    def group(name):
        return Group(display_name=name, mail_enabled=False, mail_nickname=f"g{uuid.uuid4().hex[:10]}", security_enabled=True)

    def link(id):
        return ReferenceCreate(odata_id=f"https://graph.microsoft.com/v1.0/directoryObjects/{id}")

    async def life():
        outer, inner = await hub.groups.post(group("Sdk outer")), await hub.groups.post(group("Sdk inner"))
        member = await hub.users.post(person("hub.example"))
        _, before = await cycle(hub.groups.delta, asking(GroupsDelta, select=["displayName", "members"]))
        await hub.groups.by_group_id(outer.id).members.ref.post(link(inner.id))
        await hub.groups.by_group_id(inner.id).members.ref.post(link(member.id))
        named = await hub.groups.get(request_configuration=asking(GroupsRequestBuilder, filter="displayName eq 'Sdk outer'"))
        direct = await hub.groups.by_group_id(outer.id).members.get()
        users = await hub.groups.by_group_id(outer.id).transitive_members.graph_user.get()
        member_of = await hub.users.by_user_id(member.id).transitive_member_of.get()
        ids = await hub.users.by_user_id(member.id).get_member_groups.post(GetMemberGroupsPostRequestBody(security_enabled_only=False))
        added, between = await cycle(hub.groups.delta.with_url(before), None)
        await hub.groups.by_group_id(inner.id).members.by_directory_object_id(member.id).ref.delete()
        removed, _ = await cycle(hub.groups.delta.with_url(between), None)
        with pytest.raises(ODataError) as itself:
            await hub.groups.by_group_id(outer.id).members.ref.post(link(outer.id))
        return locals()

    result = run(life())
    outer, inner, member = result["outer"].id, result["inner"].id, result["member"].id
    assert outer in [group.id for group in result["named"].value]
    assert [(type(object), object.id) for object in result["direct"].value] == [(Group, inner)]
    assert [user.id for user in result["users"].value] == [member]
    assert {group.id for group in result["member_of"].value} == set(result["ids"].value) == {outer, inner}
    changes = {group.id: group.additional_data["members@delta"] for group in result["added"]}
    assert [(of["@odata.type"], str(of["id"])) for of in changes[inner]] == [("#microsoft.graph.user", member)]
    assert [(of["@odata.type"], str(of["id"])) for of in changes[outer]] == [("#microsoft.graph.group", inner)]
    (left,) = result["removed"]
    assert left.additional_data["members@delta"][0]["@removed"] == {"reason": "deleted"}
    assert result["itself"].value.response_status_code == 400


def test_an_invitation_makes_a_guest_once(hub, run):
    async def life():
        address = f"ana{uuid.uuid4().hex[:8]}@emea.example"
        first = await hub.invitations.post(invitation(address, invited_user_display_name="Ana"))
        again = await hub.invitations.post(invitation(address))
        guest = await hub.users.by_user_id(first.invited_user.id).get(request_configuration=asking(
            UserItemRequestBuilder, select=["userType", "creationType", "externalUserState", "userPrincipalName", "mail", "otherMails"]))
        internal = await hub.users.post(person("hub.example"))
        with pytest.raises(ODataError) as refused:
            await hub.invitations.post(invitation(internal.mail))
        return address, first, again, guest, refused.value

    address, first, again, guest, refused = run(life())
    assert (first.status, first.invited_user.id) == ("PendingAcceptance", again.invited_user.id)
    assert (guest.user_type, guest.creation_type, guest.external_user_state) == ("Guest", "Invitation", "PendingAcceptance")
    assert (guest.mail, guest.other_mails) == (address, [address])
    assert guest.user_principal_name == address.replace("@", "_") + "#EXT#@hub.onmicrosoft.example"
    assert refused.response_status_code == 400 and "already exists in the directory" in refused.error.message


def test_a_deleted_user_is_found_in_the_bin_restored_and_purged(hub, run):
    async def life():
        made = await hub.users.post(person("hub.example"))
        await hub.users.by_user_id(made.id).delete()
        bin = hub.directory.deleted_items
        found = await bin.graph_user.get(request_configuration=asking(GraphUserRequestBuilder, filter=f"mail eq '{made.mail}'"))
        item = bin.by_directory_object_id(made.id)
        single = await item.get()
        restored = await item.restore.post()
        back = await hub.users.by_user_id(made.id).get()
        await hub.users.by_user_id(made.id).delete()
        await item.delete()
        with pytest.raises(ODataError) as gone:
            await item.restore.post()
        return made, found.value, single, restored, back, gone.value

    made, found, single, restored, back, gone = run(life())
    assert [user.id for user in found] == [made.id] and single.deleted_date_time
    assert (restored.id, back.user_principal_name) == (made.id, made.user_principal_name)
    assert gone.response_status_code == 404


def test_the_access_policy_starts_closed_and_is_opened_by_both_sides(emea, hub, run):
    async def life():
        home = (await emea.organization.get()).value[0].id
        policy = hub.policies.cross_tenant_access_policy
        default, before = await policy.default.get(), await policy.partners.get()
        consent = InboundOutboundPolicyConfiguration(inbound_allowed=True)
        await policy.partners.post(CrossTenantAccessPolicyConfigurationPartner(tenant_id=home))
        with pytest.raises(ODataError) as twice:
            await policy.partners.post(CrossTenantAccessPolicyConfigurationPartner(tenant_id=home))
        item = policy.partners.by_cross_tenant_access_policy_configuration_partner_tenant_id(home)
        fresh = await item.get()
        await item.patch(CrossTenantAccessPolicyConfigurationPartner(automatic_user_consent_settings=consent))
        sync = CrossTenantIdentitySyncPolicyPartner(display_name="EMEA", user_sync_inbound=CrossTenantUserSyncInbound(is_sync_allowed=True))
        await item.identity_synchronization.put(sync)
        opened = await policy.partners.get(request_configuration=asking(PartnersRequestBuilder, expand=["identitySynchronization"]))
        await item.identity_synchronization.delete()
        await item.delete()
        return home, default, before.value, twice.value, fresh, opened.value

    home, default, before, twice, fresh, opened = run(life())
    assert (default.is_service_default, default.automatic_user_consent_settings.inbound_allowed, before) == (True, False, [])
    assert twice.error.code == "Request_MultipleObjectsWithSameKeyValue"
    assert (fresh.tenant_id, fresh.automatic_user_consent_settings, fresh.inbound_trust) == (home, None, None)
    (partner,) = opened
    assert partner.automatic_user_consent_settings.inbound_allowed is True
    assert partner.identity_synchronization.user_sync_inbound.is_sync_allowed is True


def test_a_batch_answers_each_request(emea, run):
    async def life():
        batch = BatchRequestContent()
        items = [BatchRequestItem(request) for request in (
            emea.organization.to_get_request_information(),
            emea.users.to_get_request_information(asking(UsersRequestBuilder, top=3)),
            emea.users.by_user_id(str(uuid.uuid4())).to_get_request_information(),
        )]
        for item in items:
            batch.add_request(item.id, item)
        return [item.id for item in items], await emea.batch.post(batch)

    ids, answer = run(life())
    codes = answer.get_response_status_codes()
    assert [codes[id] for id in ids] == [200, 200, 404]
