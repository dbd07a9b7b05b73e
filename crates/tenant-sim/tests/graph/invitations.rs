//! Invitations: the answers that real tenants give, and redemption without a prompt.

use serde_json::{Value as Json, json};
use xtsync_tenant_sim::{Redemption, Sim};

use crate::world::{Graph, World, text};

fn invitation(address: &str) -> Json {
    json!({"invitedUserEmailAddress": address, "inviteRedirectUrl": "https://portal.example", "sendInvitationMessage": false})
}

async fn guest(graph: &Graph, id: &str) -> Json {
    let select = "userType,creationType,externalUserState,userPrincipalName,mail,otherMails,proxyAddresses,accountEnabled,displayName";
    graph.get(&format!("/users/{id}?$select={select}")).await.ok()
}

#[tokio::test]
async fn a_new_address_becomes_a_pending_guest() {
    let world = World::small().await;
    let hub = world.graph("hub").await;
    let answer = hub.post("/invitations", invitation("Ana.Li@emea.example")).await;
    assert_eq!((answer.status, &answer.body["status"]), (201, &json!("PendingAcceptance")));
    let user = guest(&hub, &text(&answer.body["invitedUser"]["id"])).await;
    for (name, want) in [
        ("userType", json!("Guest")),
        ("creationType", json!("Invitation")),
        ("externalUserState", json!("PendingAcceptance")),
        ("userPrincipalName", json!("Ana.Li_emea.example#EXT#@hub.onmicrosoft.example")),
        ("mail", json!("Ana.Li@emea.example")),
        ("otherMails", json!(["Ana.Li@emea.example"])),
        ("accountEnabled", json!(true)),
        ("displayName", json!("Ana.Li")),
    ] {
        assert_eq!(user[name], want, "{name}");
    }
    assert_eq!(world.sim.tenant("hub").unwrap().messages_sent(), 0);
}

#[tokio::test]
async fn a_known_guest_is_returned_and_an_internal_user_conflicts_even_when_soft_deleted() {
    let world = World::small().await;
    let hub = world.graph("hub").await;
    let first = text(&hub.post("/invitations", invitation("ana@emea.example")).await.ok()["invitedUser"]["id"]);
    let again = hub.post("/invitations", invitation("ANA@emea.example")).await;
    assert_eq!((again.status, text(&again.body["invitedUser"]["id"])), (201, first.clone()), "silent adoption");
    let by_other_mail = json!({"otherMails": ["ana@emea.example", "ana@other.example"]});
    hub.patch(&format!("/users/{first}"), by_other_mail).await.ok();
    assert_eq!(hub.post("/invitations", invitation("ana@other.example")).await.ok()["invitedUser"]["id"], *first);
    let eva = hub.create_user("eva").await;
    let refused = hub.post("/invitations", invitation("eva@hub.example")).await;
    assert_eq!(refused.status, 400);
    assert!(refused.message().contains(&format!("already exists in the directory as object ID: {eva}")));
    hub.delete(&format!("/users/{eva}")).await.ok();
    assert_eq!(hub.post("/invitations", invitation("eva@hub.example")).await.status, 400);
}

#[tokio::test]
async fn a_guest_with_the_address_of_a_contact_has_no_mail() {
    let world = World::small().await;
    let hub = world.graph("hub").await;
    world.sim.tenant("hub").unwrap().add_contact("ana@emea.example");
    let id = text(&hub.post("/invitations", invitation("ana@emea.example")).await.ok()["invitedUser"]["id"]);
    let user = guest(&hub, &id).await;
    assert_eq!((&user["mail"], &user["proxyAddresses"], &user["otherMails"]), (&Json::Null, &json!([]), &json!(["ana@emea.example"])));
    for (filter, found) in [("mail eq 'ana@emea.example'", 0), ("otherMails/any(x:x eq 'ana@emea.example')", 1)] {
        assert_eq!(hub.ids(&format!("/users?$filter={filter}")).await.len(), found, "{filter}");
    }
    assert_eq!(hub.get("/contacts").await.ok()["value"][0]["mail"], "ana@emea.example");
}

#[tokio::test]
async fn contacts_are_looked_up_and_paged() {
    let world = World::small().await;
    let hub = world.graph("hub").await;
    for number in 0..120 {
        world.sim.tenant("hub").unwrap().add_contact(&format!("contact.{number}@emea.example"));
    }
    assert_eq!(hub.get("/contacts").await.ok()["value"].as_array().unwrap().len(), 100);
    assert_eq!(hub.ids("/contacts").await.len(), 120);
    for (filter, found) in [
        ("mail eq 'CONTACT.7@emea.example'", 1),
        ("mail eq 'unknown@emea.example'", 0),
        ("mail eq 'unknown@emea.example' or proxyAddresses/any(p:p eq 'smtp:contact.7@emea.example')", 1),
    ] {
        let answer = hub.get(&format!("/contacts?$filter={filter}&$select=id,mail,proxyAddresses")).await.ok();
        let mails: Vec<String> = answer["value"].as_array().unwrap().iter().map(|contact| text(&contact["mail"])).collect();
        assert_eq!(mails, vec!["contact.7@emea.example"; found], "{filter}");
    }
}

#[tokio::test]
async fn invalid_invitations_are_refused() {
    let world = World::small().await;
    let hub = world.graph("hub").await;
    let with = |name: &str, value: Json| {
        let mut body = invitation("ana@emea.example");
        body[name] = value;
        body
    };
    for (body, status) in [
        (json!({"inviteRedirectUrl": "https://x"}), 400),
        (json!({"invitedUserEmailAddress": "ana@emea.example"}), 400),
        (invitation("no address"), 400),
        (invitation("ana@home@emea.example"), 400),
        (invitation("ana+sales@emea.example"), 400),
        (invitation("ana&eva@emea.example"), 400),
        (invitation(".ana@emea.example"), 400),
        (invitation("unknown@hub.example"), 400),
        (with("invitedUserType", json!("Member")), 403),
    ] {
        assert_eq!(hub.post("/invitations", body.clone()).await.status, status, "{body}");
    }
    for (address, message) in
        [("no address", "is not a valid email address"), ("ana+sales@emea.example", "The Primary SMTP Address is an invalid value.")]
    {
        let refused = hub.post("/invitations", invitation(address)).await;
        assert_eq!((refused.code(), refused.message().contains(message)), ("BadRequest", true), "{address}: {refused:?}");
        assert_eq!(refused.body["error"]["innerError"]["request-id"], refused.header("request-id"));
    }
    world.sim.tenant("hub").unwrap().allow_invitations(false);
    let refused = hub.post("/invitations", invitation("ana@emea.example")).await;
    assert_eq!((refused.status, refused.code()), (403, "Unauthorized"));
    assert!(world.sim.journal().is_empty());
}

#[tokio::test]
async fn refusals_by_settings_and_group_addresses_have_distinct_messages() {
    let world = World::small().await;
    let (hub, emea) = (world.graph("hub").await, world.graph("emea").await);
    let refusal = |address: &'static str| {
        let hub = hub.clone();
        async move {
            let answer = hub.post("/invitations", invitation(address)).await;
            (answer.status, answer.code().to_owned(), answer.message().split(['.', ':']).next().unwrap_or_default().to_owned())
        }
    };
    let bad = |message: &str| (400, "BadRequest".to_owned(), message.to_owned());
    let allowed = (201, String::new(), String::new());
    let blocked = bad("The invited user's domain is blocked by policy");
    for (domains, want) in [
        (json!({"allBut": ["EMEA.example"]}), [&blocked, &allowed]),
        (json!({"only": ["emea.example"]}), [&allowed, &blocked]),
        (json!("any"), [&allowed, &allowed]),
    ] {
        let body = json!({"tenant": "hub", "domains": domains});
        assert_eq!(world.admin(reqwest::Method::POST, "domains", body).await.status, 200);
        assert_eq!([&refusal("ana@emea.example").await, &refusal("bo@gmail.example").await], want, "{domains}");
    }
    let group = hub.group("team").await;
    hub.patch(&format!("/groups/{group}"), json!({"mail": "team@partner.example"})).await.ok();
    assert_eq!(refusal("Team@partner.example").await, bad("Group email address is not supported"));
    let partner = json!({"tenantId": world.sim.tenant("hub").unwrap().id().to_string(), "b2bCollaborationOutbound": {"usersAndGroups": {"accessType": "blocked"}}});
    emea.post("/policies/crossTenantAccessPolicy/partners", partner).await.ok();
    let stopped = "This invitation is blocked by the cross-tenant access policy of the invited organization";
    assert_eq!([refusal("eva@emea.example").await, refusal("eva@gmail.example").await], [bad(stopped), allowed]);
}

#[tokio::test]
async fn the_invited_address_determines_the_home_tenant_despite_changes_of_the_mail() {
    let world = World::start(Sim::builder().tenant("emea", 0).tenant("us", 0).tenant("hub", 0).allow("us", "hub")).await;
    let hub = world.sim.tenant("hub").unwrap();
    let [by_us, by_emea] = ["ana@us.example", "ana@emea.example"].map(|address| hub.invite(&invitation(address)).unwrap());
    hub.patch_user(by_us, &json!({"mail": "ana.us@emea.example"})).unwrap();
    hub.patch_user(by_emea, &json!({"mail": "ana.emea@us.example"})).unwrap();
    assert_eq!([hub.redeem(by_us).unwrap(), hub.redeem(by_emea).unwrap()], [Redemption::Accepted, Redemption::Prompted]);
}

#[tokio::test]
async fn a_requested_invitation_message_is_counted() {
    let world = World::small().await;
    let hub = world.graph("hub").await;
    let mut body = invitation("ana@emea.example");
    body["sendInvitationMessage"] = json!(true);
    assert_eq!(hub.post("/invitations", body).await.ok()["sendInvitationMessage"], true);
    assert_eq!(world.sim.tenant("hub").unwrap().messages_sent(), 1);
}

#[tokio::test]
async fn a_guest_becomes_a_member_by_a_patch_of_the_user_type() {
    let world = World::small().await;
    let hub = world.graph("hub").await;
    let id = text(&hub.post("/invitations", invitation("ana@emea.example")).await.ok()["invitedUser"]["id"]);
    assert_eq!(hub.patch(&format!("/users/{id}"), json!({"userType": "Member"})).await.status, 204);
    assert_eq!(guest(&hub, &id).await["userType"], "Member");
    let again = hub.post("/invitations", invitation("ana@emea.example")).await;
    assert_eq!(again.ok()["invitedUser"]["id"], *id, "an invitation returns an external member");
}

#[tokio::test]
async fn redemption_is_silent_only_if_both_tenants_allow_it() {
    for (allowed, outbound_withdrawn, want) in
        [(false, false, Redemption::Prompted), (true, true, Redemption::Prompted), (true, false, Redemption::Accepted)]
    {
        let builder = Sim::builder().tenant("emea", 3).tenant("hub", 0).seed(7);
        let world = World::start(if allowed { builder.allow("emea", "hub") } else { builder }).await;
        let (hub, emea) = (world.sim.tenant("hub").unwrap(), world.sim.tenant("emea").unwrap());
        if outbound_withdrawn {
            let path = format!("/policies/crossTenantAccessPolicy/partners/{}", hub.id());
            let body = json!({"automaticUserConsentSettings": {"outboundAllowed": false}});
            assert_eq!(world.graph("emea").await.patch(&path, body).await.status, 204);
        }
        let id = hub.invite(&invitation(&format!("ana@{}", emea.domain()))).unwrap();
        assert_eq!(hub.redeem(id).unwrap(), want);
        let (state, prompts) = match want {
            Redemption::Accepted => ("Accepted", vec![]),
            Redemption::Prompted => ("PendingAcceptance", vec![id]),
        };
        assert_eq!((hub.user(id).unwrap()["externalUserState"].as_str(), hub.prompted()), (Some(state), prompts));
    }
}
