//! Cuts a user of the mirror to what the configuration needs, and says what that changes.
//!
//! Pure. The bus gets only attributes that some configuration names and groups that some configuration refers to, and of users in no scope
//! no attributes but one. An attribute that is needed and was never mentioned is empty: everything selected is mentioned unless it is null.
//! One that was not read is left out.

use std::collections::BTreeSet;

use xtsync_domain::delta::{Gone, Kind, State, User};
use xtsync_domain::link::Class;
use xtsync_domain::resource::Projection;
use xtsync_domain::{Attributes, Value};

use crate::closure::Memberships;

/// The name under which a change of memberships stands among the changed attributes.
const GROUPS: &str = "groups";

/// The attribute that says whether a user may sign in.
const SIGN_IN: &str = "accountEnabled";

/// Cuts a user to a projection. Of `unverified` attributes a value may exist though none was mentioned.
pub(crate) fn project(
    body: &Attributes,
    kind: Kind,
    memberships: Memberships,
    projection: &Projection,
    unverified: &BTreeSet<String>,
) -> User {
    let is_read = |name: &str| !body.is_unread(name) && (body.get(name).is_some() || !unverified.contains(name));
    let read = projection.attributes.iter().filter(|name| is_read(name));
    let attributes = read.map(|name| (name.clone(), body.get(name).cloned().unwrap_or(Value::Null))).collect();
    User { attributes, groups: memberships.direct, nested_groups: memberships.nested, kind }
}

/// Reduces a user in no scope to whether they may sign in: a left-out attribute was not read, which is not the same as empty.
pub(crate) fn project_out_of_scope(body: &Attributes, kind: Kind, memberships: Memberships) -> User {
    let attributes = body.get(SIGN_IN).map(|value| (SIGN_IN, value.clone())).into_iter().collect();
    User { attributes, groups: memberships.direct, nested_groups: memberships.nested, kind }
}

/// What differs between two states of a user: names, and what the attributes were before.
pub(crate) fn changes(before: Option<&State>, after: &State) -> (Vec<String>, Attributes) {
    let (Some(State::Present(before)), State::Present(after)) = (before, after) else {
        return (Vec::new(), Attributes::default());
    };
    let differing = after.attributes.iter().filter(|(name, value)| before.attributes.get(name) != Some(value));
    let mut changed: Vec<String> = differing.map(|(name, _)| name.to_owned()).collect();
    let previous = changed.iter().map(|name| (name.clone(), before.attributes.get(name).cloned().unwrap_or(Value::Null))).collect();
    if (&before.groups, &before.nested_groups) != (&after.groups, &after.nested_groups) {
        changed.push(GROUPS.to_owned());
    }
    (changed, previous)
}

/// The class of a change that is no backlog: deleted or disabled users first, then users who lost a group.
pub(crate) fn class(before: Option<&State>, after: &State) -> Class {
    let leaves = !may_sign_in(after) && before.is_none_or(|before| may_sign_in(before) || matches!(after, State::Gone(_)));
    match (leaves, lost_group(before, after)) {
        (true, _) => Class::Leaver,
        (false, true) => Class::Revoke,
        (false, false) => Class::Live,
    }
}

fn may_sign_in(state: &State) -> bool {
    match state {
        State::Gone(Gone::SoftDeleted | Gone::Deleted) => false,
        State::Present(user) => user.attributes.flag(SIGN_IN) != Some(false),
    }
}

/// Whether a user was in a referenced group that they have left, directly or through others.
fn lost_group(before: Option<&State>, after: &State) -> bool {
    let (Some(State::Present(before)), State::Present(after)) = (before, after) else {
        return false;
    };
    let mut previous = before.groups.iter().chain(&before.nested_groups);
    previous.any(|group| !after.groups.contains(group) && !after.nested_groups.contains(group))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(city: Value, groups: &[&str]) -> State {
        let attributes = [("city", city), ("accountEnabled", Value::Flag(true))].into_iter().collect();
        State::Present(User {
            attributes,
            groups: groups.iter().map(|id| (*id).into()).collect(),
            nested_groups: vec![],
            kind: Kind::Internal,
        })
    }

    #[test]
    fn only_projected_attributes_are_published_and_unmentioned_ones_are_empty() {
        let body: Attributes = [("city", Value::from("Paris")), ("birthday", Value::from("1990-01-01"))].into_iter().collect();
        let mut body = body;
        body.set_unread("officeLocation");
        let attributes = ["city", "department", "officeLocation"].map(str::to_owned).into();
        let projection = Projection { attributes, ..Projection::default() };
        let projected = |unverified: &[&str]| {
            let unverified = unverified.iter().map(|name| (*name).to_owned()).collect();
            project(&body, Kind::Internal, Memberships::default(), &projection, &unverified).attributes
        };
        assert_eq!(projected(&[]), [("city", Value::from("Paris")), ("department", Value::Null)].into_iter().collect());
        assert_eq!(projected(&["city", "department"]), [("city", Value::from("Paris"))].into_iter().collect(), "not read is not empty");
    }

    #[test]
    fn changes_name_what_differs_and_what_it_was() {
        let (paris, rome) = (user("Paris".into(), &["all"]), user("Rome".into(), &[]));
        let was: Attributes = [("city", Value::from("Paris"))].into_iter().collect();
        assert_eq!(changes(Some(&paris), &rome), (vec!["city".to_owned(), "groups".to_owned()], was));
        for (before, after) in [(None, &rome), (Some(&rome), &rome), (Some(&paris), &State::Gone(Gone::Deleted))] {
            assert_eq!(changes(before, after), (vec![], Attributes::default()));
        }
    }

    #[test]
    fn lost_access_goes_first() {
        let disabled = State::Present(User {
            attributes: [("accountEnabled", Value::Flag(false))].into_iter().collect(),
            groups: vec![],
            nested_groups: vec![],
            kind: Kind::Internal,
        });
        let (here, gone, member) = (user(Value::Null, &[]), State::Gone(Gone::SoftDeleted), user(Value::Null, &["all"]));
        for (before, after, want) in [
            (Some(&here), &gone, Class::Leaver),
            (Some(&disabled), &gone, Class::Leaver),
            (None, &gone, Class::Leaver),
            (Some(&here), &disabled, Class::Leaver),
            (Some(&member), &disabled, Class::Leaver),
            (None, &disabled, Class::Leaver),
            (Some(&disabled), &disabled, Class::Live),
            (Some(&member), &here, Class::Revoke),
            (Some(&here), &here, Class::Live),
            (None, &here, Class::Live),
        ] {
            assert_eq!(class(before, after), want, "{before:?} {after:?}");
        }
        assert!(lost_group(Some(&user(Value::Null, &["all"])), &here));
        assert!(!lost_group(Some(&here), &user(Value::Null, &["all"])));
    }
}
