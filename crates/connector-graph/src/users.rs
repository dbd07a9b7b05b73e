//! Objects of `users/delta` as changes of users, and who of them is at home elsewhere.

use serde_json::{Map, Value as Json};
use xtsync_domain::delta::{Gone, Kind};
use xtsync_domain::{Attributes, UserId, Value, canonical_id, is_id, mapping};

use super::extensions::Kinds;
use super::value;
use xtsync_directory::UserChange;

/// One object of a page: `None` when it is no user, or none that can be read; `wrong` notes what was left out.
pub(super) fn change(object: Json, kinds: &Kinds, wrong: &mut Vec<String>) -> Option<UserChange> {
    let Json::Object(fields) = object else {
        wrong.push("it is no object".to_owned());
        return None;
    };
    if !is(&fields, "#microsoft.graph.user") {
        return None;
    }
    let Some(id) = fields.get("id").and_then(Json::as_str).filter(|id| is_id(id)).map(canonical_id).map(UserId) else {
        wrong.push("it has no id".to_owned());
        return None;
    };
    Some(match fields.get("@removed") {
        Some(removed) => UserChange::Gone { id, how: how(removed) },
        None => UserChange::Changed { attributes: attributes(&id, &fields, kinds, wrong), id },
    })
}

/// What tells whether a user is at home.
pub(super) const KIND: [&str; 3] = ["creationType", "externalUserState", "userPrincipalName"];

/// Whether the tenant is the home of a user that it holds.
///
/// It is not if the user was created by invitation, has a redemption state, or has a principal name of the form that Entra gives to
/// external users. An internal guest, created by hand in this tenant, has none of the three and is at home here: Entra's own documents
/// call such users internal, and its synchronization includes them.
pub(super) fn kind(attributes: &Attributes) -> Kind {
    let invited = attributes.text("creationType") == Some("Invitation");
    let redeems = attributes.get("externalUserState").is_some_and(|state| *state != Value::Null);
    let external = attributes.text("userPrincipalName").is_some_and(|name| name.to_ascii_uppercase().contains("#EXT#"));
    if invited || redeems || external { Kind::External } else { Kind::Internal }
}

/// Whether an object says that it is of that type; one that says nothing is of the type that was asked for.
pub(super) fn is(fields: &Map<String, Json>, kind: &str) -> bool {
    fields.get("@odata.type").and_then(Json::as_str).is_none_or(|said| said.eq_ignore_ascii_case(kind))
}

/// A user removed for an unknown reason counts as one that may return.
fn how(removed: &Json) -> Gone {
    match removed.get("reason").and_then(Json::as_str) {
        Some("deleted") => Gone::Deleted,
        Some(_) | None => Gone::SoftDeleted,
    }
}

/// The largest value that is taken, far above what Entra allows of any attribute. All that a user is becomes one record of the bus, which
/// holds 1 MB: larger values would end there, without a word to their administrator.
const VALUE_BYTES_MAX: usize = 64 * 1024;

/// The most that is taken of a user at once: where more is mentioned, the largest values are left out.
const USER_BYTES_MAX: usize = 256 * 1024;

/// Values up to this size are never left out.
const SMALL_BYTES: usize = 1024;

/// Attributes that decide about access: a value of another type is handed over as it came, for it must never be taken for "not set".
const DECIDING: [&str; 2] = ["accountEnabled", "externalUserState"];

/// What was mentioned; annotations are no attributes. Any other attribute of another type is as if it were not mentioned.
fn attributes(id: &UserId, fields: &Map<String, Json>, kinds: &Kinds, wrong: &mut Vec<String>) -> Attributes {
    let mut attributes = Attributes::default();
    for (name, json) in fields.iter().filter(|(name, _)| *name != "id" && !name.contains('@')) {
        match value::from_json(kinds.of(name), json) {
            Some(value) if value.size() > VALUE_BYTES_MAX => {
                wrong.push(format!("{name} of user {id} is larger than {VALUE_BYTES_MAX} bytes and is left out"));
                leave_out(&mut attributes, name);
            }
            Some(value) => attributes.insert(mapping::name(name), value),
            None => {
                wrong.push(format!("{name} of user {id} is of another type"));
                if DECIDING.contains(&name.as_str()) {
                    attributes.insert(mapping::name(name), value::unexpected(json));
                }
            }
        }
    }
    while attributes.iter().map(|(_, value)| value.size()).sum::<usize>() > USER_BYTES_MAX {
        let largest = attributes.iter().max_by_key(|(_, value)| value.size());
        let Some(name) = largest.filter(|(_, value)| value.size() > SMALL_BYTES).map(|(name, _)| name.to_owned()) else { break };
        wrong.push(format!("user {id} is larger than {USER_BYTES_MAX} bytes: {name} is left out"));
        leave_out(&mut attributes, &name);
    }
    attributes
}

/// Leaves out a value that is too large. Of one that decides about access it must be seen that there was one.
fn leave_out(attributes: &mut Attributes, name: &str) {
    if DECIDING.contains(&name) {
        attributes.insert(mapping::name(name), Value::from("(too large)"));
    } else {
        attributes.set_unread(name);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn set(pairs: &[(&'static str, Value)]) -> Attributes {
        pairs.iter().cloned().collect()
    }

    #[test]
    fn an_object_becomes_its_change() {
        let changed = |attributes| (Some(UserChange::Changed { id: "u".into(), attributes }), vec![]);
        let gone = |how| (Some(UserChange::Gone { id: "u".into(), how }), vec![]);
        for (object, want) in [
            (json!({"id": "u"}), changed(set(&[]))),
            (json!({"id": "u", "city": "Rome"}), changed(set(&[("city", "Rome".into())]))),
            (json!({"id": "u", "city": null, "manager@delta": []}), changed(set(&[("city", Value::Null)]))),
            (json!({"id": "u", "@odata.type": "#microsoft.graph.user"}), changed(set(&[]))),
            (json!({"id": "u", "@odata.type": "#microsoft.graph.device"}), (None, vec![])),
            (json!({"id": "u", "@removed": {"reason": "changed"}}), gone(Gone::SoftDeleted)),
            (json!({"id": "u", "@removed": {"reason": "deleted"}}), gone(Gone::Deleted)),
            (json!({"id": "u", "@removed": {}}), gone(Gone::SoftDeleted)),
            (
                json!({"id": "8F2C1A00-0000-4000-8000-00000000ABCD", "@removed": {"reason": "deleted"}}),
                (Some(UserChange::Gone { id: "8f2c1a00-0000-4000-8000-00000000abcd".into(), how: Gone::Deleted }), vec![]),
            ),
            (json!({"city": "Rome"}), (None, vec!["it has no id"])),
            (json!({"id": "", "city": "Rome"}), (None, vec!["it has no id"])),
            (json!({"id": "a\u{0}b", "city": "Rome"}), (None, vec!["it has no id"])),
            (json!({"id": 7}), (None, vec!["it has no id"])),
            (json!("u"), (None, vec!["it is no object"])),
            (
                json!({"id": "u", "city": ["Rome"], "accountEnabled": false}),
                (changed(set(&[("accountEnabled", Value::Flag(false))])).0, vec!["city of user u is of another type"]),
            ),
            (
                json!({"id": "u", "city": "x".repeat(900_000), "department": "Sales"}),
                (
                    changed(set(&[("city@unread", Value::Flag(true)), ("department", "Sales".into())])).0,
                    vec!["city of user u is larger than 65536 bytes and is left out"],
                ),
            ),
            (
                json!({"id": "u", "accountEnabled": "false"}),
                (changed(set(&[("accountEnabled", "false".into())])).0, vec!["accountEnabled of user u is of another type"]),
            ),
            (
                json!({"id": "u", "accountEnabled": 0, "externalUserState": {"a": 1}}),
                (
                    changed(set(&[("accountEnabled", Value::Number(0)), ("externalUserState", "(no value of a user's)".into())])).0,
                    vec!["accountEnabled of user u is of another type", "externalUserState of user u is of another type"],
                ),
            ),
        ] {
            let mut wrong = Vec::new();
            assert_eq!(change(object.clone(), &Kinds::default(), &mut wrong), want.0, "{object}");
            assert_eq!(wrong, want.1, "{object}");
        }
    }

    #[test]
    fn the_largest_values_of_an_oversized_user_are_left_out() {
        let value = "x".repeat(60_000);
        let object = json!({"id": "u", "a": value, "b": value, "c": value, "d": value, "e": format!("{value}x"), "f": "Rome"});
        let mut wrong = Vec::new();
        let Some(UserChange::Changed { attributes, .. }) = change(object, &Kinds::default(), &mut wrong) else {
            panic!("the user is there")
        };
        assert!(attributes.is_unread("e") && attributes.text("d") == Some(&value) && attributes.text("f") == Some("Rome"));
        assert_eq!(wrong, ["user u is larger than 262144 bytes: e is left out"]);
    }

    #[test]
    fn an_external_user_is_recognized_by_invitation_redemption_or_principal_name() {
        for (pairs, want) in [
            (vec![("userType", "Member".into())], Kind::Internal),
            (vec![("userType", "Guest".into()), ("userPrincipalName", "ana@hub.example".into())], Kind::Internal),
            (vec![("creationType", "LocalAccount".into()), ("externalUserState", Value::Null)], Kind::Internal),
            (vec![("creationType", "Invitation".into()), ("userType", "Member".into())], Kind::External),
            (vec![("externalUserState", "Accepted".into())], Kind::External),
            (vec![("userPrincipalName", "ana_emea.example#ext#@hub.example".into())], Kind::External),
            (vec![], Kind::Internal),
        ] {
            assert_eq!(kind(&set(&pairs)), want, "{pairs:?}");
        }
    }
}
