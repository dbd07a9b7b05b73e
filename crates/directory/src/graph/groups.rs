//! Objects of `groups/delta` as changes of groups and of their direct members.

use serde::Deserialize;
use serde_json::Value as Json;
use xtsync_domain::{GroupId, is_id};

use super::users;
use crate::{GroupChange, Member, MemberKind};

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
    let Some(id) = group.id.filter(|id| !id.is_empty()).map(GroupId) else {
        wrong.push("it has no id".to_owned());
        return None;
    };
    if group.removed.is_some() {
        return Some(GroupChange::Gone { id });
    }
    let (mut joined, mut left) = (Vec::new(), Vec::new());
    for (index, member) in group.members.into_iter().flatten().enumerate() {
        let Some(member_id) = member.id.filter(|id| is_id(id)) else {
            wrong.push(format!("member {index} of group {id} has no id"));
            continue;
        };
        match (member.removed, member.kind.as_deref()) {
            (Some(_), _) => left.push(member_id),
            (None, Some("#microsoft.graph.user")) => joined.push(Member { id: member_id, kind: MemberKind::User }),
            (None, Some("#microsoft.graph.group")) => joined.push(Member { id: member_id, kind: MemberKind::Group }),
            // Devices, contacts and applications are nobody to synchronize.
            (None, Some(_) | None) => {}
        }
    }
    Some(GroupChange::Changed { id, name: group.name, joined, left })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_becomes_the_change_that_it_tells() {
        let member = |id: &str, kind| Member { id: id.to_owned(), kind };
        let changed = |name: Option<&str>, joined, left: &[&str]| {
            let (name, left) = (name.map(str::to_owned), left.iter().map(|id| (*id).to_owned()).collect());
            (Some(GroupChange::Changed { id: "g".into(), name, joined, left }), vec![])
        };
        for (object, want) in [
            (json!({"id": "g", "displayName": "Sales"}), changed(Some("Sales"), vec![], &[])),
            (json!({"id": "g", "members@delta": null}), changed(None, vec![], &[])),
            (
                json!({"id": "g", "members@delta": [
                    {"@odata.type": "#microsoft.graph.user", "id": "u"},
                    {"@odata.type": "#microsoft.graph.group", "id": "h"},
                    {"@odata.type": "#microsoft.graph.device", "id": "d"},
                    {"@odata.type": "#microsoft.graph.user", "id": "v", "@removed": {"reason": "deleted"}},
                    {"id": "w", "@removed": {"reason": "deleted"}},
                ]}),
                changed(None, vec![member("u", MemberKind::User), member("h", MemberKind::Group)], &["v", "w"]),
            ),
            (json!({"id": "g", "@removed": {"reason": "changed"}}), (Some(GroupChange::Gone { id: "g".into() }), vec![])),
            (json!({"id": "g", "@removed": {"reason": "deleted"}}), (Some(GroupChange::Gone { id: "g".into() }), vec![])),
            (json!({"id": "g", "@odata.type": "#microsoft.graph.user"}), (None, vec![])),
            (json!({"displayName": "Sales"}), (None, vec!["it has no id"])),
            (json!({"id": "g", "displayName": 7}), (None, vec!["it is no group"])),
            (
                json!({"id": "g", "members@delta": [{"@removed": {}, "id": "u"}, {}]}),
                (changed(None, vec![], &["u"]).0, vec!["member 1 of group g has no id"]),
            ),
            (json!([]), (None, vec!["it is no group"])),
        ] {
            let mut wrong = Vec::new();
            assert_eq!(change(object.clone(), &mut wrong), want.0, "{object}");
            assert_eq!(wrong, want.1, "{object}");
        }
    }
}
