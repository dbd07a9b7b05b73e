//! Objects of a target as Graph shows them.

use serde_json::{Map, Value as Json};
use xtsync_domain::shadow::{Object, ObjectKind};
use xtsync_domain::{Attributes, TargetId, Timestamp, Value, is_id, mapping};

use super::anchor::Extensions;
use super::{attribute, value};
use xtsync_directory::{Error, Result};

/// Where an object was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Users,
    DeletedItems,
    Contacts,
}

/// What is selected of a user, in the directory or its bin.
pub(super) fn selection(extensions: &Extensions) -> Vec<String> {
    let seen = ["id", "createdDateTime", "creationType", "deletedDateTime", "externalUserState", "proxyAddresses"];
    let known = seen.into_iter().chain(attribute::written()).map(str::to_owned);
    known.chain(extensions.others.iter().cloned()).chain([extensions.anchor.clone()]).collect()
}

/// One object as the domain sees it.
pub(super) fn object(fields: &Map<String, Json>, place: Place, extensions: &Extensions) -> Result<Object> {
    let id = text(fields, "id").filter(|id| is_id(id)).ok_or_else(|| Error::Malformed { reason: "an object without an id".to_owned() })?;
    Ok(Object {
        id: TargetId::from(id),
        kind: match place {
            Place::Contacts => ObjectKind::Contact,
            Place::Users | Place::DeletedItems if text(fields, "creationType") == Some("Invitation") => ObjectKind::Invited,
            Place::Users | Place::DeletedItems => ObjectKind::Internal,
        },
        soft_deleted: (place == Place::DeletedItems).then(|| time(fields, "deletedDateTime")),
        anchor: text(fields, &extensions.anchor).map(str::to_owned),
        enabled: fields.get("accountEnabled").and_then(Json::as_bool).unwrap_or(false),
        redeemed: text(fields, "externalUserState") == Some("Accepted"),
        created_at: time(fields, "createdDateTime"),
        attributes: if place == Place::Contacts { Attributes::default() } else { attributes(fields, extensions) },
    })
}

/// Whether an object holds the address in any of its fields, whatever its case.
pub(super) fn holds(fields: &Map<String, Json>, address: &str) -> bool {
    let (held, keys) = (held(fields), keys(address));
    held.iter().any(|held| keys.contains(held))
}

/// The keys of an address: an object holds the address if it has one of them.
pub(super) fn keys(address: &str) -> [String; 2] {
    [address.to_lowercase(), external_name(address).to_lowercase()]
}

/// The keys of every address that an object holds.
pub(super) fn held(fields: &Map<String, Json>) -> Vec<String> {
    let list = |name: &str| fields.get(name).and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
    let name = text(fields, "userPrincipalName").map(str::to_lowercase);
    let external = name.as_ref().and_then(|name| Some(name[..name.find(EXTERNAL)? + EXTERNAL.len()].to_owned()));
    let proxies = list("proxyAddresses").filter_map(|proxy| proxy.split_once(':')).map(|(_, proxy)| proxy);
    let addresses = text(fields, "mail").into_iter().chain(list("otherMails")).chain(proxies).map(str::to_lowercase);
    name.into_iter().chain(external).chain(addresses).collect()
}

/// What follows the address in the principal name that Entra gives to an external user, in lower case.
const EXTERNAL: &str = "#ext#@";

/// How the principal name begins that Entra gives to an external user with that address.
pub(super) fn external_name(address: &str) -> String {
    format!("{}#EXT#@", address.replace('@', "_"))
}

/// All that was selected and can be written; what Graph did not mention of it is empty.
fn attributes(fields: &Map<String, Json>, extensions: &Extensions) -> Attributes {
    let written = attribute::written().map(|name| -> &str { name });
    let names = written.chain(extensions.others.iter().map(String::as_str));
    let kinds = &extensions.kinds;
    let read = |name: &str| fields.get(name).and_then(|json| value::from_json(kinds.of(name), json)).unwrap_or(Value::Null);
    names.map(|name| (mapping::name(name), read(name))).collect()
}

fn text<'a>(fields: &'a Map<String, Json>, name: &str) -> Option<&'a str> {
    fields.get(name).and_then(Json::as_str)
}

fn time(fields: &Map<String, Json>, name: &str) -> Option<Timestamp> {
    text(fields, name).and_then(Timestamp::parse)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::extensions::Kinds;

    #[test]
    fn an_address_is_held_in_any_field_whatever_its_case() {
        for (object, want) in [
            (json!({"mail": "Ana@emea.example"}), true),
            (json!({"userPrincipalName": "ana@emea.example"}), true),
            (json!({"userPrincipalName": "ana_emea.example#EXT#@hub.example"}), true),
            (json!({"proxyAddresses": ["smtp:x@y.example", "SMTP:ANA@emea.example"]}), true),
            (json!({"otherMails": ["ana@emea.example"]}), true),
            (json!({"mail": "ana@emea.example.org", "otherMails": [], "proxyAddresses": null}), false),
            (json!({"userPrincipalName": "ana_emea.example@hub.example"}), false),
            (json!({"userPrincipalName": "bana_emea.example#EXT#@hub.example"}), false),
            (json!({"userPrincipalName": "Ana_EMEA.example#ext#@hub.example#EXT#@hub.example"}), true),
            (json!({}), false),
        ] {
            assert_eq!(holds(object.as_object().unwrap(), "ana@emea.example"), want, "{object}");
        }
    }

    #[test]
    fn what_is_not_mentioned_of_a_user_is_empty() {
        let others = vec!["extension_1_cost".to_owned()];
        let extensions = Extensions { anchor: "extension_1_xtsyncAnchor".to_owned(), others, kinds: Kinds::default() };
        let json = json!({"id": "u", "accountEnabled": true, "city": "Rome", "creationType": "Invitation", "externalUserState": "Accepted",
            "extension_1_xtsyncAnchor": "a/b", "extension_1_cost": "7", "deletedDateTime": "2026-11-21T08:00:00Z"});
        let object = object(json.as_object().unwrap(), Place::DeletedItems, &extensions).unwrap();
        assert_eq!((object.kind, object.enabled, object.redeemed), (ObjectKind::Invited, true, true));
        assert_eq!(object.soft_deleted, Some(Timestamp::parse("2026-11-21T08:00:00Z")));
        assert_eq!(object.anchor.as_deref(), Some("a/b"));
        for (name, want) in [("city", "Rome".into()), ("extension_1_cost", "7".into()), ("department", Value::Null)] {
            assert_eq!(object.attributes.get(name), Some(&want), "{name}");
        }
        assert_eq!(object.attributes.get("creationType"), None);
    }
}
