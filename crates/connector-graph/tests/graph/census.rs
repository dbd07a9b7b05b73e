//! A census of a tenant lists whatever a look-up finds.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value as Json, json};
use xtsync_connector_graph::{Options, Writer};
use xtsync_directory::{Cursor, Error, Invitation, Target};
use xtsync_domain::Attributes;
use xtsync_tenant_sim::Rule;

use crate::tenants::Tenants;

fn writer(tenants: &Tenants) -> Writer {
    tenants.writer_with("hub", Options { page_objects_max: 3, ..Options::default() })
}

async fn census(writer: &Writer) -> Result<BTreeSet<String>, Error> {
    let (mut keys, mut cursor) = (BTreeSet::new(), None::<Cursor>);
    loop {
        let page = writer.census(cursor.as_ref()).await?;
        keys.extend(page.keys);
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok(keys),
        }
    }
}

fn lists(writer: &Writer, census: &BTreeSet<String>, address: &str) -> bool {
    writer.census_keys(address).iter().any(|key| census.contains(key))
}

#[tokio::test]
async fn users_soft_deleted_users_and_contacts_are_listed_by_every_address_field() {
    let tenants = Tenants::with_people(0).await;
    let (hub, writer) = (tenants.tenant("hub"), writer(&tenants));
    let account = |name: &str, more: Json| {
        let mut body = json!({"displayName": name, "mailNickname": name, "userPrincipalName": format!("{name}@hub.example"),
            "accountEnabled": true, "passwordProfile": {"password": "x"}});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        hub.create_user(&body).unwrap()
    };
    account("bob", json!({"mail": "Bob.Mail@emea.example"}));
    account("eve", json!({"otherMails": ["eve.other@emea.example", "eve.third@emea.example"]}));
    let gone = account("gone", json!({"mail": "gone@emea.example"}));
    hub.delete_user(gone).unwrap();
    hub.add_contact("contact@emea.example");
    // With a contact in the way the guest has no mail, and the other mails are taken from this one: its name alone is left.
    let invitation = Invitation { address: "contact@emea.example".to_owned(), display_name: None };
    let guest = writer.invite(&invitation).await.unwrap();
    hub.patch_user(guest.0.parse().unwrap(), &json!({"otherMails": []})).unwrap();
    writer.patch(&guest, Some("Home/Guest"), &Attributes::default()).await.unwrap();
    for number in 0..7 {
        account(&format!("more{number}"), json!({}));
    }
    let listed = census(&writer).await.unwrap();
    for address in [
        "bob@hub.example",
        "bob.mail@EMEA.example",
        "eve.other@emea.example",
        "eve.third@emea.example",
        "gone@emea.example",
        "contact@emea.example",
        "more6@hub.example",
    ] {
        assert!(lists(&writer, &listed, address), "{address}");
        assert!(!writer.find("no/anchor", address).await.unwrap().by_address.is_empty(), "{address}");
    }
    assert!(listed.contains("Home/Guest"));
    assert!(listed.contains("contact_emea.example#ext#@"), "the guest by its name");
    assert!(!lists(&writer, &listed, "zoe@emea.example"));
}

#[tokio::test]
async fn contacts_that_may_not_be_listed_are_left_out_and_remembered() {
    let tenants = Tenants::with_people(0).await;
    let writer = writer(&tenants);
    tenants.tenant("hub").add_contact("contact@emea.example");
    let fail_next = |path: &str, status| tenants.sim.script().install(Rule::on("GET", path).times(1).fail(status)).unwrap();
    fail_next("/contacts", 403);
    assert!(!lists(&writer, &census(&writer).await.unwrap(), "contact@emea.example"));
    // They are not asked for again, as in look-ups: that would fail.
    fail_next("/contacts", 503);
    census(&writer).await.unwrap();
    assert_eq!(writer.find("no/anchor", "contact@emea.example").await.unwrap().by_address, []);
}

/// What was not listed must not count as absent.
#[tokio::test]
async fn a_census_that_fails_in_part_has_failed() {
    for path in ["/users", "/directory/deletedItems/**", "/contacts"] {
        let tenants = Tenants::with_people(0).await;
        let writer = writer(&tenants);
        tenants.sim.script().install(Rule::on("GET", path).times(1).fail(400)).unwrap();
        assert!(matches!(census(&writer).await, Err(Error::Refused { .. })), "{path}");
        let wait = Duration::from_secs(9);
        tenants.sim.script().install(Rule::on("GET", path).times(1).fail(429).retry_after(Some(wait))).unwrap();
        assert_eq!(census(&writer).await, Err(Error::Throttled { wait }), "{path}");
    }
}

#[tokio::test]
async fn a_cursor_leads_nowhere_else() {
    let tenants = Tenants::with_people(0).await;
    let writer = writer(&tenants);
    for cursor in ["users https://elsewhere.example/v1.0/users", "groups ", "", "users"] {
        let listed = writer.census(Some(&Cursor(cursor.to_owned()))).await;
        assert!(matches!(listed, Err(Error::Malformed { .. })), "{cursor}: {listed:?}");
    }
}
