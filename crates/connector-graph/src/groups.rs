//! Objects of `groups/delta` as changes of groups and of their direct members.

use serde::Deserialize;
use serde_json::Value as Json;
use xtsync_domain::{GroupId, canonical_id, is_id};

use super::{users, value};
use xtsync_directory::{Error, GroupChange, Member, MemberChange, MemberKind, Result};

#[derive(Deserialize)]
struct Group {
    id: Option<String>,
    #[serde(rename = "displayName")]
    name: Option<String>,
    #[serde(rename = "@removed")]
    removed: Option<Json>,
    #[serde(rename = "members@delta")]
    members: Option<Vec<Reference>>,
}

#[derive(Deserialize)]
struct Reference {
    id: Option<String>,
    #[serde(rename = "@odata.type")]
    kind: Option<String>,
    #[serde(rename = "@removed")]
    removed: Option<Json>,
}

/// One object of a page: `None` when it is no group, or none that can be read; `wrong` notes what was left out.
pub(super) fn change(object: Json, wrong: &mut Vec<String>) -> Option<GroupChange> {
    if object.as_object().is_some_and(|fields| !users::is(fields, "#microsoft.graph.group")) {
        return None;
    }
    // The error's own text would quote the object.
    let Ok(group) = serde_json::from_value::<Group>(object) else {
        wrong.push("it is no group".to_owned());
        return None;
    };
    let Some(id) = group.id.filter(|id| is_id(id)).map(|id| GroupId(canonical_id(&id))) else {
        wrong.push("it has no id".to_owned());
        return None;
    };
    if group.removed.is_some() {
        return Some(GroupChange::Gone { id });
    }
    let mut members = Vec::new();
    for (index, reference) in group.members.into_iter().flatten().enumerate() {
        match reference.change() {
            Ok(change) => members.extend(change),
            Err(NoId) => wrong.push(format!("member {index} of group {id} has no id")),
        }
    }
    Some(GroupChange::Changed { id, name: group.name.as_deref().map(value::storable), members })
}

/// An object of a listing as a member; none where it is neither user nor group. A listing that holds anything else is not complete.
pub(super) fn member(object: Json) -> Result<Option<Member>> {
    let change = serde_json::from_value::<Reference>(object).ok().and_then(|reference| reference.change().ok());
    match change {
        Some(Some(MemberChange::Joined(member))) => Ok(Some(member)),
        Some(Some(MemberChange::Left { .. }) | None) => Ok(None),
        None => Err(Error::Malformed { reason: "a member without an id".to_owned() }),
    }
}

/// A reference names no object.
struct NoId;

impl Reference {
    /// What the reference says of the member; nothing of a device, a contact or an application, which are not synchronized. One that
    /// does not say what it refers to is taken for a user: as such a device does no harm.
    fn change(self) -> std::result::Result<Option<MemberChange>, NoId> {
        let id = self.id.filter(|id| is_id(id)).map(|id| canonical_id(&id)).ok_or(NoId)?;
        if self.removed.is_some() {
            return Ok(Some(MemberChange::Left { id }));
        }
        let kind = match self.kind.map(|kind| kind.to_ascii_lowercase()).as_deref() {
            Some("#microsoft.graph.user") | None => MemberKind::User,
            Some("#microsoft.graph.group") => MemberKind::Group,
            Some(_) => return Ok(None),
        };
        Ok(Some(MemberChange::Joined(Member { id, kind })))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_becomes_its_change() {
        let user = |id: &str| MemberChange::Joined(Member { id: id.to_owned(), kind: MemberKind::User });
        let group = |id: &str| MemberChange::Joined(Member { id: id.to_owned(), kind: MemberKind::Group });
        let left = |id: &str| MemberChange::Left { id: id.to_owned() };
        let changed =
            |name: Option<&str>, members| (Some(GroupChange::Changed { id: "g".into(), name: name.map(str::to_owned), members }), vec![]);
        for (object, want) in [
            (json!({"id": "g", "displayName": "Sales"}), changed(Some("Sales"), vec![])),
            (json!({"id": "g", "members@delta": null}), changed(None, vec![])),
            (
                json!({"id": "g", "members@delta": [
                    {"@odata.type": "#microsoft.graph.user", "id": "u"},
                    {"@odata.type": "#microsoft.graph.group", "id": "h"},
                    {"@odata.type": "#microsoft.graph.device", "id": "d"},
                    {"@odata.type": "#microsoft.graph.user", "id": "v", "@removed": {"reason": "deleted"}},
                    {"id": "w", "@removed": {"reason": "deleted"}},
                    {"@odata.type": "#Microsoft.Graph.User", "id": "v"},
                    {"id": "w", "@removed": null},
                    {"@odata.type": "#microsoft.graph.user", "id": "8F2C1A00-0000-4000-8000-00000000ABCD"},
                    {"id": "8f2c1a00-0000-4000-8000-00000000abcd", "@removed": {"reason": "deleted"}},
                ]}),
                changed(
                    None,
                    vec![
                        user("u"),
                        group("h"),
                        left("v"),
                        left("w"),
                        user("v"),
                        user("w"),
                        user("8f2c1a00-0000-4000-8000-00000000abcd"),
                        left("8f2c1a00-0000-4000-8000-00000000abcd"),
                    ],
                ),
            ),
            (
                json!({"id": "8F2C1A00-0000-4000-8000-00000000ABCD", "@removed": {"reason": "deleted"}}),
                (Some(GroupChange::Gone { id: "8f2c1a00-0000-4000-8000-00000000abcd".into() }), vec![]),
            ),
            (json!({"id": "g", "@removed": {"reason": "changed"}}), (Some(GroupChange::Gone { id: "g".into() }), vec![])),
            (json!({"id": "g", "@removed": {"reason": "deleted"}}), (Some(GroupChange::Gone { id: "g".into() }), vec![])),
            (json!({"id": "g", "@odata.type": "#microsoft.graph.user"}), (None, vec![])),
            (json!({"displayName": "Sales"}), (None, vec!["it has no id"])),
            (json!({"id": "g", "displayName": 7}), (None, vec!["it is no group"])),
            (
                json!({"id": "g", "members@delta": [{"@removed": {}, "id": "u"}, {}]}),
                (changed(None, vec![left("u")]).0, vec!["member 1 of group g has no id"]),
            ),
            (json!([]), (None, vec!["it is no group"])),
        ] {
            let mut wrong = Vec::new();
            assert_eq!(change(object.clone(), &mut wrong), want.0, "{object}");
            assert_eq!(wrong, want.1, "{object}");
        }
    }

    #[test]
    fn a_listing_has_users_and_groups_as_members_and_no_object_without_an_id() {
        let object = |kind: &str, id: &str| serde_json::json!({"@odata.type": kind, "id": id});
        let kind = |object| member(object).map(|member| member.map(|member| member.kind));
        let id = "4a0f5c1e-6a0b-4b0e-9a52-3f6f0c6b8e11";
        for (of, want) in [("user", Some(MemberKind::User)), ("group", Some(MemberKind::Group)), ("device", None)] {
            assert_eq!(kind(object(&format!("#microsoft.graph.{of}"), id)).unwrap(), want, "{of}");
        }
        assert!(kind(serde_json::json!({"@odata.type": "#microsoft.graph.user"})).is_err());
    }
}
