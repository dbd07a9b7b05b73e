//! Checks of a source.

use std::collections::BTreeMap;
use std::time::Duration;

use xtsync_directory::{Collection, Cursor, Error, GroupChange, MemberChange, MemberKind, Next, Source, Subscribe, UserChange};
use xtsync_domain::capability::ConsentSource;
use xtsync_domain::delta::Kind;
use xtsync_domain::fact::GroupState;
use xtsync_domain::{Attributes, GroupId, Timestamp, UserId, Value};

use crate::{Fixture, is_unsupported};

/// The most pages of a round.
const PAGES_MAX: usize = 100;

/// A round of users, to its end.
struct Round {
    changes: Vec<UserChange>,
    pages: usize,
    end: Cursor,
}

async fn read(source: &dyn Source, from: Option<&Cursor>) -> Round {
    let (mut changes, mut cursor) = (Vec::new(), from.cloned());
    for pages in 1..=PAGES_MAX {
        let page = source.users(&["city".to_owned()], cursor.as_ref()).await.unwrap();
        assert_eq!(page.rejected, [], "every object makes sense");
        changes.extend(page.changes);
        match page.next {
            Next::Page(next) => cursor = Some(next),
            Next::Complete(end) => return Round { changes, pages, end },
        }
    }
    panic!("a round without an end")
}

/// What a reader knows after a round, on top of what it knew.
fn merge(known: &mut BTreeMap<UserId, Attributes>, changes: &[UserChange]) {
    for change in changes {
        match change {
            UserChange::Changed { id, attributes } => known.entry(id.clone()).or_default().extend(attributes.clone()),
            UserChange::Gone { id, .. } => drop(known.remove(id)),
        }
    }
}

/// Every user is listed over all pages, with the attributes that are always read and those asked for; the count agrees.
pub async fn a_full_reading_lists_every_user_with_what_is_asked_for(fixture: &dyn Fixture) {
    let users: Vec<UserId> = ["ana", "bob", "eve", "zoe", "liu"].into_iter().map(|name| fixture.add_user(name)).collect();
    let source = fixture.source();
    let round = read(&*source, None).await;
    assert!(round.pages > 1, "the fixture lists two users a page");
    let mut known = BTreeMap::new();
    merge(&mut known, &round.changes);
    assert_eq!(known.len(), users.len());
    assert_eq!(source.user_count().await.unwrap(), users.len() as u64);
    for (user, name) in users.iter().zip(["ana", "bob", "eve", "zoe", "liu"]) {
        let attributes = &known[user];
        assert_eq!((attributes.text("displayName"), attributes.text("city")), (Some(name), Some("Paris")));
        assert!(attributes.text("mail").is_some_and(|mail| mail.contains('@')), "{attributes:?}");
        assert_eq!(source.kind(attributes), Kind::Internal);
    }
}

/// After a full reading, a cursor lists what has changed since; without delta queries it lists everything again.
pub async fn an_incremental_reading_lists_what_has_changed(fixture: &dyn Fixture) {
    let (ana, bob) = (fixture.add_user("ana"), fixture.add_user("bob"));
    let source = fixture.source();
    let first = read(&*source, None).await;
    let mut known = BTreeMap::new();
    merge(&mut known, &first.changes);
    fixture.set(&ana, "city", Some("Rome"));
    fixture.set(&bob, "city", None);
    let eve = fixture.add_user("eve");
    let second = read(&*source, Some(&first.end)).await;
    merge(&mut known, &second.changes);
    assert_eq!(known[&ana].text("city"), Some("Rome"));
    assert_eq!(known[&bob].get("city"), Some(&Value::Null), "what was cleared is mentioned as empty");
    assert_eq!(known[&eve].text("displayName"), Some("eve"));
    if fixture.capabilities().delta {
        assert_eq!(read(&*source, Some(&second.end)).await.changes, [], "without a change there is nothing to list");
    }
}

/// A deletion is said, once the user was listed.
pub async fn a_deleted_user_is_gone(fixture: &dyn Fixture) {
    let (ana, bob) = (fixture.add_user("ana"), fixture.add_user("bob"));
    let source = fixture.source();
    let first = read(&*source, None).await;
    fixture.remove(&ana);
    let second = read(&*source, Some(&first.end)).await;
    let is_gone = |user: &UserId| second.changes.iter().any(|change| matches!(change, UserChange::Gone { id, .. } if id == user));
    assert_eq!((is_gone(&ana), is_gone(&bob)), (fixture.capabilities().delta, false));
    let mut afresh = BTreeMap::new();
    merge(&mut afresh, &read(&*source, None).await.changes);
    assert_eq!(afresh.into_keys().collect::<Vec<_>>(), [bob]);
}

/// Objects may come more than once, and a round may be read again: what a reader knows afterwards is the same.
pub async fn of_an_object_mentioned_repeatedly_the_last_word_holds(fixture: &dyn Fixture) {
    let users = [fixture.add_user("ana"), fixture.add_user("bob")];
    let source = fixture.source();
    fixture.repeat_objects();
    let first = read(&*source, None).await;
    assert_eq!(first.changes.len(), 2 * users.len(), "each is mentioned twice");
    let mut known = BTreeMap::new();
    merge(&mut known, &first.changes);
    assert_eq!(known.len(), users.len());
    fixture.set(&users[0], "city", Some("Rome"));
    fixture.set(&users[0], "city", Some("Oslo"));
    for _ in 0..2 {
        merge(&mut known, &read(&*source, Some(&first.end)).await.changes);
        assert_eq!(known[&users[0]].text("city"), Some("Oslo"));
        assert_eq!(known[&users[1]].text("city"), Some("Paris"));
    }
}

/// A change may mention a part of its user only. What it does not mention keeps its value; what was not asked for is not said to be empty.
pub async fn what_was_not_read_is_never_empty(fixture: &dyn Fixture) {
    let ana = fixture.add_user("ana");
    fixture.set(&ana, "jobTitle", Some("Chef"));
    let source = fixture.source();
    let first = read(&*source, None).await;
    let mut known = BTreeMap::new();
    merge(&mut known, &first.changes);
    fixture.set(&ana, "city", Some("Rome"));
    let second = read(&*source, Some(&first.end)).await;
    for change in first.changes.iter().chain(&second.changes) {
        let UserChange::Changed { attributes, .. } = change else { panic!("no user is gone: {change:?}") };
        for name in ["displayName", "mail", "city", "jobTitle"] {
            assert_ne!(attributes.get(name), Some(&Value::Null), "{name} has a value, whether it is read or not");
        }
    }
    merge(&mut known, &second.changes);
    assert_eq!((known[&ana].text("city"), known[&ana].text("displayName")), (Some("Rome"), Some("ana")));
}

/// A void cursor is no error of the tenant and no empty round: everything is to be read again.
pub async fn a_lost_cursor_asks_for_a_full_reading(fixture: &dyn Fixture) {
    let ana = fixture.add_user("ana");
    let source = fixture.source();
    let first = read(&*source, None).await;
    fixture.lose_cursors();
    assert_eq!(source.users(&["city".to_owned()], Some(&first.end)).await, Err(Error::Resync));
    let foreign = Cursor("the cursor of another directory".to_owned());
    assert_eq!(source.users(&["city".to_owned()], Some(&foreign)).await, Err(Error::Resync));
    let mut known = BTreeMap::new();
    merge(&mut known, &read(&*source, None).await.changes);
    assert!(known.contains_key(&ana));
}

/// The directory's own wait is handed on.
pub async fn a_throttled_reading_says_how_long_to_wait(fixture: &dyn Fixture) {
    fixture.add_user("ana");
    let (source, wait) = (fixture.source(), Duration::from_secs(7));
    fixture.throttle_source(wait);
    assert_eq!(source.users(&[], None).await, Err(Error::Throttled { wait }));
    assert_eq!(read(&*source, None).await.changes.len(), 1);
}

async fn groups(source: &dyn Source, from: Option<&Cursor>) -> (Vec<GroupChange>, Cursor) {
    let (mut changes, mut cursor) = (Vec::new(), from.cloned());
    for _ in 0..PAGES_MAX {
        let page = source.groups(cursor.as_ref()).await.unwrap();
        changes.extend(page.changes);
        match page.next {
            Next::Page(next) => cursor = Some(next),
            Next::Complete(end) => return (changes, end),
        }
    }
    panic!("a round without an end")
}

/// The changes of members of one group.
fn members<'a>(changes: &'a [GroupChange], group: &GroupId) -> Vec<&'a MemberChange> {
    let of = |change: &'a GroupChange| match change {
        GroupChange::Changed { id, members, .. } if id == group => Some(members),
        GroupChange::Changed { .. } | GroupChange::Gone { .. } => None,
    };
    changes.iter().filter_map(of).flatten().collect()
}

/// Groups come with their direct members, or the directory has none.
pub async fn groups_are_listed_with_their_members_or_there_are_none(fixture: &dyn Fixture) {
    let ana = fixture.add_user("ana");
    let source = fixture.source();
    if !fixture.capabilities().group_membership {
        let (changes, end) = groups(&*source, None).await;
        assert_eq!(changes, []);
        assert_eq!(groups(&*source, Some(&end)).await.0, []);
        assert_eq!(source.find_groups("Sales").await.unwrap(), []);
        return;
    }
    let sales = fixture.add_group("Sales", &ana);
    assert_eq!(source.find_groups("Sales").await.unwrap(), std::slice::from_ref(&sales));
    assert_eq!(source.group(&sales).await.unwrap(), (Some("Sales".to_owned()), GroupState::Present));
    assert_eq!(listed(&*source, &sales).await.join(","), ana.0);
    let (changes, cursor) = groups(&*source, None).await;
    assert!(
        matches!(members(&changes, &sales)[..], [MemberChange::Joined(member)] if member.id == ana.0 && member.kind == MemberKind::User)
    );
    fixture.leave(&sales, &ana);
    let (changes, cursor) = groups(&*source, Some(&cursor)).await;
    assert!(matches!(members(&changes, &sales).last(), Some(MemberChange::Left { id }) if *id == ana.0), "{changes:?}");
    assert_eq!(listed(&*source, &sales).await.join(","), "");
    fixture.remove_group(&sales);
    let (changes, _) = groups(&*source, Some(&cursor)).await;
    assert!(changes.contains(&GroupChange::Gone { id: sales.clone() }));
    assert_eq!(source.group(&sales).await.unwrap().1, GroupState::Gone);
}

/// The ids of the members that a group itself lists.
async fn listed(source: &dyn Source, group: &GroupId) -> Vec<String> {
    let (mut ids, mut cursor) = (Vec::new(), None);
    for _ in 0..PAGES_MAX {
        let page = source.members(group, cursor.as_ref()).await.unwrap();
        ids.extend(page.members.into_iter().map(|member| member.id));
        match page.next {
            Some(next) => cursor = Some(next),
            None => return ids,
        }
    }
    panic!("the listing has more than {PAGES_MAX} pages");
}

/// The identity is stable, with a domain to know addresses by, and the access policy can be read where it is live.
pub async fn the_tenant_has_one_identity_and_an_access_policy(fixture: &dyn Fixture) {
    let source = fixture.source();
    let identity = source.identity().await.unwrap();
    assert!(!identity.directory_id.to_string().is_empty() && !identity.verified_domains.is_empty(), "{identity:?}");
    assert_eq!(fixture.source().identity().await.unwrap(), identity, "it is the same at each reading");
    match fixture.capabilities().consent {
        ConsentSource::Live => drop(source.access_policy().await.unwrap()),
        ConsentSource::Hosted => {}
    }
}

/// A directory that sends no notifications is subscribed to nowhere.
pub async fn notifications_are_subscribed_to_or_unsupported(fixture: &dyn Fixture) {
    if fixture.capabilities().notifications {
        return;
    }
    let source = fixture.source();
    assert_eq!(source.notification_url(), None);
    let url = "https://xtsync.example/notifications".parse().unwrap();
    let asked = Subscribe { of: Collection::Users, url, client_state: "state".into(), until: Timestamp(1) };
    assert!(is_unsupported(&source.subscribe(&asked).await));
    assert!(is_unsupported(&source.renew("id", Timestamp(1)).await));
    assert!(is_unsupported(&source.unsubscribe("id").await));
}
