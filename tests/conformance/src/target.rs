//! Checks of a target.

use std::collections::BTreeSet;
use std::time::Duration;

use xtsync_directory::{Error, Invitation, NewUser, Patched, Result, Target};
use xtsync_domain::capability::{Anchor, Create};
use xtsync_domain::shadow::{Found, Object, ObjectKind};
use xtsync_domain::{Attributes, Capabilities, TargetId, Value};

use crate::{Fixture, is_unsupported};

const ANCHOR: &str = "home/ana";
const ADDRESS: &str = "ana@emea.example";

/// The verbs of creation as the state table calls them.
struct Creator<'a> {
    target: &'a dyn Target,
    can: Capabilities,
}

impl Creator<'_> {
    /// Creates Ana: the one call after which an object may be there.
    async fn create(&self, address: &str) -> Result<TargetId> {
        self.create_as(ANCHOR, address).await
    }

    async fn create_as(&self, anchor: &str, address: &str) -> Result<TargetId> {
        match self.can.create {
            Create::Invite => self.target.invite(&Invitation { address: address.to_owned(), display_name: Some("Ana".to_owned()) }).await,
            Create::Put => {
                let user = NewUser { anchor: anchor.to_owned(), address: address.to_owned(), attributes: attributes() };
                self.target.put(&user).await
            }
        }
    }

    /// Creates Ana to the end: with anchor and attributes.
    async fn complete(&self) -> TargetId {
        let id = self.create(ADDRESS).await.unwrap();
        match self.can.create {
            Create::Invite => drop(self.target.patch(&id, Some(ANCHOR), &attributes()).await.unwrap()),
            Create::Put => {}
        }
        id
    }

    async fn read(&self, id: &TargetId) -> Object {
        self.target.read(id).await.unwrap().expect("the object is there")
    }
}

fn attributes() -> Attributes {
    [("displayName", "Ana".into()), ("city", "Paris".into())].into_iter().collect()
}

/// Looks before and after; a second creation gives no second object where the directory can tell.
pub async fn a_user_is_created_once_and_read_back(fixture: &dyn Fixture) {
    let (target, can) = (fixture.target(), fixture.capabilities());
    let creator = Creator { target: &*target, can: can.clone() };
    let found = target.find(ANCHOR, ADDRESS).await.unwrap();
    assert_eq!((found.by_anchor.len(), found.by_address.len()), (0, 0));
    let id = creator.complete().await;
    let object = creator.read(&id).await;
    assert_eq!((object.id.clone(), object.kind, object.anchor.as_deref()), (id.clone(), ObjectKind::Invited, Some(ANCHOR)));
    assert_eq!((object.enabled, object.soft_deleted), (true, None));
    assert_eq!(attributes().differing_from(&object.attributes), Attributes::default());
    let found = target.find(ANCHOR, &ADDRESS.to_uppercase()).await.unwrap();
    assert_eq!((&found.by_anchor[..], &found.by_address[..]), (std::slice::from_ref(&object), std::slice::from_ref(&object)));
    assert_eq!(
        target.find(ANCHOR, "other@emea.example").await.unwrap().by_anchor,
        std::slice::from_ref(&object),
        "also without the address"
    );
    if (can.create, can.anchor) != (Create::Put, Anchor::Attribute) {
        assert_eq!(creator.create(ADDRESS).await.unwrap(), id, "the object that is there is returned");
        assert_eq!(creator.read(&id).await, object, "and unchanged");
    }
    let put = NewUser { anchor: ANCHOR.to_owned(), address: ADDRESS.to_owned(), attributes: attributes() };
    match can.create {
        Create::Invite => assert!(is_unsupported(&target.put(&put).await)),
        Create::Put => {
            assert!(is_unsupported(&target.invite(&Invitation { address: ADDRESS.to_owned(), display_name: None }).await));
        }
    }
    if can.anchor == Anchor::Native {
        assert!(is_unsupported(&target.patch(&id, Some("home/other"), &Attributes::default()).await));
    }
}

/// The answer says that it is unknown, and a look finds what was made.
pub async fn a_creation_whose_answer_is_lost_is_found(fixture: &dyn Fixture) {
    let (target, can) = (fixture.target(), fixture.capabilities());
    let creator = Creator { target: &*target, can: can.clone() };
    fixture.lose_creation_answer();
    let lost = creator.create(ADDRESS).await;
    assert!(matches!(lost, Err(Error::Unknown { .. } | Error::Malformed { .. })), "{lost:?}");
    let found = target.find(ANCHOR, ADDRESS).await.unwrap();
    let [object] = &found.by_address[..] else { panic!("one object: {found:?}") };
    let (anchor, by_anchor) = match can.create {
        Create::Invite => (None, 0),
        Create::Put => (Some(ANCHOR), 1),
    };
    assert_eq!((object.anchor.as_deref(), found.by_anchor.len()), (anchor, by_anchor));
}

/// A patch changes what it names, an empty value clears, and an empty patch writes nothing.
pub async fn only_what_differs_is_updated(fixture: &dyn Fixture) {
    let target = fixture.target();
    let creator = Creator { target: &*target, can: fixture.capabilities() };
    let id = creator.complete().await;
    let rome: Attributes = [("city", "Rome".into())].into_iter().collect();
    assert_eq!(target.patch(&id, None, &rome).await.unwrap(), Patched::default());
    let object = creator.read(&id).await;
    assert_eq!((object.attributes.text("city"), object.attributes.text("displayName")), (Some("Rome"), Some("Ana")));
    let none: Attributes = [("city", Value::Null)].into_iter().collect();
    target.patch(&id, None, &none).await.unwrap();
    assert_eq!(none.differing_from(&creator.read(&id).await.attributes), Attributes::default());
    let before = fixture.writes();
    target.patch(&id, None, &Attributes::default()).await.unwrap();
    assert_eq!(fixture.writes(), before);
}

/// Both verbs do what the capabilities say, any number of times.
pub async fn sign_in_is_blocked_and_sessions_are_revoked_where_that_can_be(fixture: &dyn Fixture) {
    let (target, can) = (fixture.target(), fixture.capabilities());
    let creator = Creator { target: &*target, can: can.clone() };
    let id = creator.complete().await;
    let revoked = target.revoke_sessions(&id).await;
    assert!(if can.sessions { revoked.is_ok() } else { is_unsupported(&revoked) }, "{revoked:?}");
    for enabled in [false, false, true, true] {
        let done = target.set_enabled(&id, enabled).await;
        assert!(if can.disable { done.is_ok() } else { is_unsupported(&done) }, "{done:?}");
        assert_eq!(creator.read(&id).await.enabled, enabled || !can.disable);
    }
}

/// With a recycle bin the object is found there and comes back as it was; without one it is gone, and its user is created anew.
pub async fn a_deleted_user_is_restored_or_created_anew(fixture: &dyn Fixture) {
    let (target, can) = (fixture.target(), fixture.capabilities());
    let creator = Creator { target: &*target, can: can.clone() };
    let id = creator.complete().await;
    if can.restores() {
        for _ in 0..2 {
            target.soft_delete(&id).await.unwrap();
            assert!(creator.read(&id).await.soft_deleted.is_some());
        }
        let found = target.find(ANCHOR, ADDRESS).await.unwrap();
        assert!(found.by_anchor.iter().any(|object| object.id == id && object.soft_deleted.is_some()), "{found:?}");
        for _ in 0..2 {
            target.restore(&id).await.unwrap();
        }
        let object = creator.read(&id).await;
        assert_eq!((object.soft_deleted, object.anchor.as_deref(), object.attributes.text("city")), (None, Some(ANCHOR), Some("Paris")));
        target.soft_delete(&id).await.unwrap();
        target.purge(&id).await.unwrap();
        assert!(is_unsupported(&target.delete(&id).await));
    } else {
        for _ in 0..2 {
            target.delete(&id).await.unwrap();
        }
        assert!(is_unsupported(&target.soft_delete(&id).await));
        assert!(is_unsupported(&target.restore(&id).await));
        assert!(is_unsupported(&target.purge(&id).await));
    }
    assert_eq!(target.read(&id).await.unwrap(), None);
    let found = target.find(ANCHOR, ADDRESS).await.unwrap();
    assert_eq!((found.by_anchor.len(), found.by_address.len()), (0, 0));
    let again = creator.complete().await;
    assert_eq!(creator.read(&again).await.anchor.as_deref(), Some(ANCHOR));
}

/// An object of the directory's own is shown as such, and a creation neither takes it nor changes it.
pub async fn an_address_that_another_object_holds_is_a_conflict(fixture: &dyn Fixture) {
    let target = fixture.target();
    let creator = Creator { target: &*target, can: fixture.capabilities() };
    fixture.occupy(ADDRESS);
    let found = target.find(ANCHOR, ADDRESS).await.unwrap();
    let [object] = &found.by_address[..] else { panic!("one object: {found:?}") };
    assert_eq!((object.kind, object.anchor.as_deref(), found.by_anchor.len()), (ObjectKind::Internal, None, 0));
    let refused = creator.create(ADDRESS).await;
    assert!(matches!(&refused, Err(Error::Refused { code, .. }) if code.code == "already_exists"), "{refused:?}");
    assert_eq!(target.find(ANCHOR, ADDRESS).await.unwrap(), found);
}

/// The directory's own wait is handed on, and nothing was made.
pub async fn a_throttled_creation_did_nothing(fixture: &dyn Fixture) {
    let (target, wait) = (fixture.target(), Duration::from_secs(7));
    let creator = Creator { target: &*target, can: fixture.capabilities() };
    fixture.throttle_target(wait);
    assert_eq!(creator.create(ADDRESS).await, Err(Error::Throttled { wait }));
    assert_eq!(target.find(ANCHOR, ADDRESS).await.unwrap().by_address, []);
    creator.complete().await;
}

/// A look finds nothing, and a write is refused as such.
pub async fn an_object_that_is_not_there_is_said_not_to_be(fixture: &dyn Fixture) {
    let target = fixture.target();
    let creator = Creator { target: &*target, can: fixture.capabilities() };
    let id = creator.complete().await;
    let unknown = TargetId(id.0.chars().rev().collect());
    assert_eq!(target.read(&unknown).await.unwrap(), None);
    let rome = [("city", "Rome".into())].into_iter().collect();
    assert_eq!(target.patch(&unknown, None, &rome).await, Err(Error::NotFound));
}

/// Each of many readings at once is answered for itself: of objects that are there, that are deleted, and that never were.
pub async fn objects_read_at_once_are_each_answered(fixture: &dyn Fixture) {
    const OBJECTS: usize = 40;
    let (target, can) = (fixture.target(), fixture.capabilities());
    let creator = Creator { target: &*target, can: can.clone() };
    let mut ids = Vec::new();
    for number in 0..OBJECTS {
        ids.push(creator.create_as(&format!("home/{number}"), &format!("u{number}@emea.example")).await.unwrap());
    }
    let (gone, unknown) = (ids[7].clone(), TargetId(ids[3].0.chars().rev().collect()));
    match can.restores() {
        true => target.soft_delete(&gone).await.unwrap(),
        false => target.delete(&gone).await.unwrap(),
    }
    ids.insert(20, unknown.clone());
    ids.push(ids[0].clone());
    let read = futures::future::join_all(ids.iter().map(|id| target.read(id))).await;
    for (id, object) in ids.iter().zip(read) {
        let shown = object.unwrap().map(|object| (object.id, object.soft_deleted.is_some()));
        let is_there = *id != unknown && (*id != gone || can.restores());
        assert_eq!(shown, is_there.then(|| (id.clone(), *id == gone)));
    }
}

/// What a census does not list, a look finds neither by anchor nor by address, whatever the case; and what is nowhere is not listed.
pub async fn what_a_census_does_not_list_is_not_found(fixture: &dyn Fixture) {
    let (target, can) = (fixture.target(), fixture.capabilities());
    if is_unsupported(&target.census(None).await) {
        return;
    }
    let creator = Creator { target: &*target, can: can.clone() };
    let gone = creator.create_as("home/gone", "gone@emea.example").await.unwrap();
    match can.restores() {
        true => target.soft_delete(&gone).await.unwrap(),
        false => target.delete(&gone).await.unwrap(),
    }
    creator.complete().await;
    for name in ["bob", "O'Neil", "eve"] {
        fixture.occupy(&format!("{name}@emea.example"));
    }
    let listed = census(&*target).await;
    let mut found = 0;
    for (anchor, address) in [
        (ANCHOR, "elsewhere@emea.example"),
        ("home/other", ADDRESS),
        ("home/other", "ANA@emea.example"),
        ("home/other", "bob@emea.example"),
        ("home/other", "o'neil@EMEA.example"),
        ("home/other", "eve@emea.example"),
        ("home/gone", "gone@emea.example"),
        ("home/other", "gone@emea.example"),
        ("home/other", "zoe@emea.example"),
        ("HOME/ANA", "na@emea.example"),
    ] {
        let is_listed = listed.contains(anchor) || target.census_keys(address).iter().any(|key| listed.contains(key));
        let is_found = target.find(anchor, address).await.unwrap() != Found::default();
        assert!(is_listed || !is_found, "{anchor} {address} is found and not listed");
        found += usize::from(is_found);
        assert!(is_found || !is_listed || address == "gone@emea.example", "{anchor} {address} is listed and not found");
    }
    assert!(found >= 6, "{found}");
    let late = creator.create_as("home/late", "late@emea.example").await.unwrap();
    let listed = census(&*target).await;
    assert!(target.census_keys("late@emea.example").iter().any(|key| listed.contains(key)), "another census lists {late}");
}

async fn census(target: &dyn Target) -> BTreeSet<String> {
    let (mut keys, mut cursor, mut pages) = (BTreeSet::new(), None, 0);
    loop {
        let page = target.census(cursor.as_ref()).await.unwrap();
        keys.extend(page.keys);
        pages += 1;
        assert!(pages < 100, "a census without an end");
        cursor = page.next;
        if cursor.is_none() {
            return keys;
        }
    }
}
