//! Writing a tenant of the simulator.

use std::time::Duration;

use serde_json::json;
use uuid::Uuid;
use xtsync_connector_graph::{Options, Writer};
use xtsync_directory::{Error, Invitation, Patched, Target};
use xtsync_domain::shadow::ObjectKind;
use xtsync_domain::{Attributes, TargetId, Value};
use xtsync_tenant_sim::{Rule, TenantHandle};

use crate::fake::{Fake, Reply};
use crate::tenants::Tenants;

const ADDRESS: &str = "ana.o'neil@emea.example";
const ANCHOR: &str = "home/ana";

fn invitation(address: &str) -> Invitation {
    Invitation { address: address.to_owned(), display_name: Some("Ana".to_owned()) }
}

fn target(id: Uuid) -> TargetId {
    TargetId(id.to_string())
}

fn uuid(id: &TargetId) -> Uuid {
    id.0.parse().unwrap()
}

fn set(pairs: &[(&'static str, Value)]) -> Attributes {
    pairs.iter().cloned().collect()
}

fn user(tenant: &TenantHandle, id: &TargetId) -> serde_json::Value {
    tenant.user(uuid(id)).unwrap()
}

#[tokio::test]
async fn a_user_is_invited_without_a_mail_anchored_and_read_back() {
    let tenants = Tenants::with_people(0).await;
    let (hub, writer) = (tenants.tenant("hub"), tenants.writer("hub"));
    let id = writer.invite(&invitation(ADDRESS)).await.unwrap();
    assert_eq!(hub.messages_sent(), 0);
    let attributes = set(&[("city", "Rome".into()), ("userType", "Member".into()), ("businessPhones", Value::Texts(vec!["1".to_owned()]))]);
    let before = hub.journal_len();
    assert_eq!(writer.patch(&id, Some(ANCHOR), &attributes).await.unwrap(), Patched::default());
    assert_eq!(hub.journal_len(), before + 1, "one write for a fresh object");

    let object = writer.read(&id).await.unwrap().unwrap();
    assert_eq!((object.kind, object.soft_deleted, object.enabled, object.redeemed), (ObjectKind::Invited, None, true, false));
    assert_eq!(object.anchor.as_deref(), Some(ANCHOR));
    assert!(attributes.differing_from(&object.attributes).is_empty());
    hub.redeem(uuid(&id)).unwrap();
    assert!(writer.read(&id).await.unwrap().unwrap().redeemed);

    let cleared = set(&[("city", Value::Null), ("businessPhones", Value::Null)]);
    writer.patch(&id, None, &cleared).await.unwrap();
    assert!(cleared.differing_from(&writer.read(&id).await.unwrap().unwrap().attributes).is_empty());
    let before = hub.journal_len();
    writer.patch(&id, None, &Attributes::default()).await.unwrap();
    assert_eq!(hub.journal_len(), before, "nothing is sent where there is nothing to say");
}

#[tokio::test]
async fn a_user_is_found_by_anchor_and_by_address_also_among_deleted_items() {
    let tenants = Tenants::with_people(0).await;
    let (hub, writer) = (tenants.tenant("hub"), tenants.writer("hub"));
    let found = writer.find(ANCHOR, ADDRESS).await.unwrap();
    assert_eq!((found.by_anchor.len(), found.by_address.len()), (0, 0));

    let id = writer.invite(&invitation(ADDRESS)).await.unwrap();
    let found = writer.find(ANCHOR, ADDRESS).await.unwrap();
    assert_eq!((found.by_anchor.len(), found.by_address.len()), (0, 1));
    writer.patch(&id, Some(ANCHOR), &Attributes::default()).await.unwrap();
    let found = writer.find(ANCHOR, &ADDRESS.to_uppercase()).await.unwrap();
    assert_eq!((found.by_anchor.len(), found.by_address.len()), (1, 1));
    assert_eq!(found.by_anchor[0], writer.read(&id).await.unwrap().unwrap());
    // The address has changed; the anchor still finds the guest.
    let found = writer.find(ANCHOR, "other@emea.example").await.unwrap();
    assert_eq!((found.by_anchor.len(), found.by_address.len()), (1, 0));

    writer.soft_delete(&id).await.unwrap();
    let found = writer.find(ANCHOR, ADDRESS).await.unwrap();
    assert_eq!((found.by_anchor.len(), found.by_address.len()), (1, 1));
    assert!(matches!(found.by_anchor[0].soft_deleted, Some(Some(_))));
    assert_eq!(found.by_anchor[0], writer.read(&id).await.unwrap().unwrap());
    assert!(hub.user(uuid(&id)).is_none());
}

#[tokio::test]
async fn an_address_is_found_in_every_field_that_can_hold_one() {
    let tenants = Tenants::with_people(0).await;
    let (hub, writer) = (tenants.tenant("hub"), tenants.writer("hub"));
    let account = |name: &str, more: serde_json::Value| {
        let mut body = json!({"displayName": name, "mailNickname": name, "userPrincipalName": format!("{name}@hub.example"),
            "accountEnabled": true, "passwordProfile": {"password": "x"}});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        hub.create_user(&body).unwrap();
    };
    account("bob", json!({"mail": "shared@emea.example"}));
    account("eve", json!({"otherMails": ["shared@emea.example"]}));
    account("dan", json!({"otherMails": ["unshared@emea.example"]}));
    hub.add_contact("shared@emea.example");
    hub.add_contact("another@emea.example");
    let found = writer.find(ANCHOR, "shared@emea.example").await.unwrap();
    let kinds: Vec<ObjectKind> = found.by_address.iter().map(|object| object.kind).collect();
    assert_eq!(kinds, [ObjectKind::Internal, ObjectKind::Internal, ObjectKind::Contact]);
    let found = writer.find(ANCHOR, "bob@hub.example").await.unwrap();
    assert_eq!(found.by_address.len(), 1, "by principal name");

    // With a contact in the way the guest has no mail, and is found by the other mails and the principal name.
    let id = writer.invite(&invitation("another@emea.example")).await.unwrap();
    let found = writer.find(ANCHOR, "another@emea.example").await.unwrap();
    assert!(found.by_address.iter().any(|object| object.id == id));
    assert!(found.by_address.iter().any(|object| object.kind == ObjectKind::Contact));
}

#[tokio::test]
async fn a_refused_lookup_is_retried_condition_by_condition() {
    let tenants = Tenants::with_people(0).await;
    let writer = tenants.writer("hub");
    let id = writer.invite(&invitation(ADDRESS)).await.unwrap();
    writer.patch(&id, Some(ANCHOR), &Attributes::default()).await.unwrap();
    let fail_next = |path: &str, status| tenants.sim.script().install(Rule::on("GET", path).times(1).fail(status)).unwrap();
    fail_next("/users", 400);
    fail_next("/contacts", 403);
    let found = writer.find(ANCHOR, ADDRESS).await.unwrap();
    assert_eq!((found.by_anchor.len(), found.by_address.len()), (1, 1));
    // Contacts are not asked for again: that would fail.
    fail_next("/contacts", 503);
    assert_eq!(writer.find(ANCHOR, ADDRESS).await.unwrap().by_address.len(), 1);
    // A look-up that fails in part has failed: what was not looked for is not absent.
    fail_next("/directory/deletedItems/**", 503);
    assert!(matches!(writer.find(ANCHOR, ADDRESS).await, Err(Error::Failing { .. })));
}

/// An interruption between two writes leaves no object that has the anchor and lacks other attributes.
#[tokio::test]
async fn the_anchor_is_written_last_when_each_attribute_goes_alone() {
    let refusal = crate::fake::json(400, r#"{"error":{"code":"Request_BadRequest","message":"Invalid."}}"#);
    let done = || Reply::Raw("HTTP/1.1 204 No Content\r\n\r\n".to_owned());
    let registered = crate::fake::json(200, r#"{"value":[{"name":"extension_1_xtsyncAnchor","targetObjects":["User"]}]}"#);
    let fake = Fake::replying([registered, refusal, done(), done(), done()]).await;
    let attributes = set(&[("city", "Rome".into()), ("jobTitle", "Clerk".into())]);
    let patched = fake.writer(Options::default()).patch(&TargetId("1".to_owned()), Some(ANCHOR), &attributes).await.unwrap();
    assert_eq!(patched.refused, []);
    let seen = fake.seen();
    let patches: Vec<&String> = seen.iter().filter(|request| request.starts_with("PATCH")).collect();
    let names = |request: &str| ["city", "jobTitle", "_xtsyncAnchor"].into_iter().filter(|name| request.contains(name)).collect::<Vec<_>>();
    let written: Vec<Vec<&str>> = patches.iter().map(|request| names(request)).collect();
    assert_eq!(written, [vec!["city", "jobTitle", "_xtsyncAnchor"], vec!["city"], vec!["jobTitle"], vec!["_xtsyncAnchor"]]);
}

#[tokio::test]
async fn a_refused_attribute_takes_no_other_with_it() {
    let tenants = Tenants::with_people(0).await;
    let (hub, writer) = (tenants.tenant("hub"), tenants.writer("hub"));
    let id = writer.invite(&invitation(ADDRESS)).await.unwrap();
    let attributes = set(&[
        ("city", "Rome".into()),
        ("department", "Sales".into()),
        ("displayName", Value::Null),
        ("extension_1_shoe", "42".into()),
        ("mobilePhone", "1".into()),
        ("thumbnailPhoto", Value::Binary(vec![1])),
    ]);
    let patched = writer.patch(&id, Some(ANCHOR), &attributes).await.unwrap();
    let refused: Vec<&str> = patched.refused.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(refused, ["displayName", "extension_1_shoe", "thumbnailPhoto"]);
    let user = user(&hub, &id);
    assert_eq!((&user["city"], &user["department"], &user["mobilePhone"]), (&json!("Rome"), &json!("Sales"), &json!("1")));
    assert_eq!(writer.read(&id).await.unwrap().unwrap().anchor.as_deref(), Some(ANCHOR));

    // On an administrator only the sensitive attributes are forbidden; for a writer without rights all are, and that is an error.
    let fail_next = |times, status| tenants.sim.script().install(Rule::on("PATCH", "/users/*").times(times).fail(status)).unwrap();
    let mixed = set(&[("accountEnabled", false.into()), ("mobilePhone", "2".into())]);
    fail_next(2, 403);
    let patched = writer.patch(&id, None, &mixed).await.unwrap();
    assert_eq!(patched.refused, [("accountEnabled".to_owned(), "insufficient_privileges".to_owned())]);
    fail_next(1, 403);
    let error = writer.patch(&id, None, &set(&[("city", "Bonn".into())])).await.unwrap_err();
    assert_eq!(error, Error::Forbidden { code: "insufficient_privileges".into() });
    // A fresh object: all are forbidden together, then the sensitive ones, and the others are written.
    fail_next(2, 403);
    let fresh = set(&[("city", "Bern".into()), ("mobilePhone", "3".into())]);
    let patched = writer.patch(&id, Some(ANCHOR), &fresh).await.unwrap();
    assert_eq!(patched.refused, [("mobilePhone".to_owned(), "insufficient_privileges".to_owned())]);
    assert_eq!(writer.read(&id).await.unwrap().unwrap().attributes.text("city"), Some("Bern"));
    // Without its anchor the write has failed: refused as a set, then each attribute alone.
    fail_next(3, 400);
    let error = writer.patch(&id, Some(ANCHOR), &set(&[("zip", "1".into())])).await.unwrap_err();
    assert!(matches!(error, Error::Refused { attribute: Some(name), .. } if name.ends_with("_xtsyncAnchor")));
}

#[tokio::test]
async fn an_account_is_disabled_deleted_restored_and_purged() {
    let tenants = Tenants::with_people(0).await;
    let (hub, writer) = (tenants.tenant("hub"), tenants.writer("hub"));
    let id = writer.invite(&invitation(ADDRESS)).await.unwrap();
    writer.revoke_sessions(&id).await.unwrap();
    writer.set_enabled(&id, false).await.unwrap();
    assert!(!writer.read(&id).await.unwrap().unwrap().enabled);
    for _ in 0..2 {
        writer.soft_delete(&id).await.unwrap();
        assert_eq!(hub.deleted_users(), [uuid(&id)]);
    }
    for _ in 0..2 {
        writer.restore(&id).await.unwrap();
        assert_eq!(hub.users(), [uuid(&id)]);
    }
    writer.soft_delete(&id).await.unwrap();
    writer.purge(&id).await.unwrap();
    assert_eq!(writer.read(&id).await.unwrap(), None);
    for verb in ["delete", "restore", "purge", "enable", "revoke", "patch"] {
        let error = match verb {
            "delete" => writer.soft_delete(&id).await.unwrap_err(),
            "restore" => writer.restore(&id).await.unwrap_err(),
            "purge" => writer.purge(&id).await.unwrap_err(),
            "enable" => writer.set_enabled(&id, true).await.unwrap_err(),
            "revoke" => writer.revoke_sessions(&id).await.unwrap_err(),
            _ => writer.patch(&id, None, &set(&[("city", "Rome".into())])).await.unwrap_err(),
        };
        assert_eq!(error, Error::NotFound, "{verb}");
    }
}

#[tokio::test]
async fn a_redemption_is_reset_without_a_mail_and_the_user_redeems_anew() {
    let tenants = Tenants::with_people(0).await;
    let (hub, writer) = (tenants.tenant("hub"), tenants.writer("hub"));
    let id = writer.invite(&invitation(ADDRESS)).await.unwrap();
    hub.redeem(uuid(&id)).unwrap();
    for _ in 0..2 {
        writer.reset_redemption(&id, ADDRESS).await.unwrap();
        assert!(!writer.read(&id).await.unwrap().unwrap().redeemed);
    }
    assert_eq!((hub.users(), hub.messages_sent()), (vec![uuid(&id)], 0));
    hub.redeem(uuid(&id)).unwrap();
    assert!(writer.read(&id).await.unwrap().unwrap().redeemed);
    let error = writer.reset_redemption(&id, "another@emea.example").await.unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error:?}");
    assert_eq!(writer.reset_redemption(&target(Uuid::nil()), ADDRESS).await, Err(Error::NotFound));
}

#[tokio::test]
async fn refusals_of_an_invitation_are_distinguished() {
    let tenants = Tenants::with_people(0).await;
    let (hub, writer) = (tenants.tenant("hub"), tenants.writer("hub"));
    let first = writer.invite(&invitation(ADDRESS)).await.unwrap();
    assert_eq!(writer.invite(&invitation(ADDRESS)).await.unwrap(), first, "a user invited before is returned");
    let body = json!({"displayName": "Bob", "mailNickname": "bob", "userPrincipalName": "bob@hub.example", "mail": "bob@emea.example",
        "accountEnabled": true, "passwordProfile": {"password": "x"}});
    hub.create_user(&body).unwrap();
    for (address, want) in [("bob@emea.example", "already_exists"), ("no address", "invalid_address"), ("new@hub.example", "own_domain")] {
        let error = writer.invite(&invitation(address)).await.unwrap_err();
        assert!(matches!(&error, Error::Refused { code, .. } if code.code == want), "{address}: {error:?}");
    }
    hub.allow_invitations(false);
    let error = writer.invite(&invitation("new@emea.example")).await.unwrap_err();
    assert_eq!(error, Error::Forbidden { code: "invitations_not_allowed".into() });
}

#[tokio::test]
async fn failures_of_a_write_are_classified_by_whether_it_may_have_happened() {
    let tenants = Tenants::with_people(0).await;
    let writer = tenants.writer("hub");
    let wait = Duration::from_millis(1500);
    for (status, retry_after, want) in [
        (429, Some(wait), Error::Throttled { wait }),
        (503, Some(wait), Error::Failing { reason: "status 503, serviceNotAvailable".to_owned(), wait: Some(wait) }),
        (503, None, Error::Unknown { reason: "status 503, serviceNotAvailable".to_owned() }),
        (504, Some(wait), Error::Unknown { reason: "status 504, timeout".to_owned() }),
        (500, None, Error::Unknown { reason: "status 500, InternalServerError".to_owned() }),
        (403, None, Error::Forbidden { code: "insufficient_privileges".into() }),
    ] {
        tenants.sim.script().install(Rule::on("POST", "/invitations").times(1).fail(status).retry_after(retry_after)).unwrap();
        assert_eq!(writer.invite(&invitation(ADDRESS)).await.unwrap_err(), want);
    }
    tenants.sim.script().install(Rule::default().times(1).answer_html()).unwrap();
    assert!(matches!(writer.invite(&invitation(ADDRESS)).await, Err(Error::Unknown { .. })));
}

#[tokio::test]
async fn a_tenant_without_a_writer_cannot_be_written_and_a_reader_writes_nothing() {
    let tenants = Tenants::with_people(0).await;
    let mut graph = tenants.graph("hub");
    graph.writer = Some(graph.reader.clone());
    let error = Writer::new(&graph, tenants.options("hub")).unwrap().set_enabled(&target(Uuid::nil()), false).await.unwrap_err();
    assert!(matches!(error, Error::Forbidden { .. }), "{error:?}");
    graph.writer = None;
    let error = Writer::new(&graph, Options::default()).err().unwrap();
    assert_eq!(error, Error::Forbidden { code: "no_writer".into() });
}
