//! Objects of `groups/delta` as changes of groups and of their direct members.

use serde::Deserialize;
use serde_json::Value as Json;
use xtsync_domain::GroupId;

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

/// One object of a page: `None` when it is no group, an error that names the place when it cannot be read.
pub(super) fn change(object: Json) -> Result<Option<GroupChange>, String> {
    if object.as_object().is_some_and(|fields| !users::is(fields, "#microsoft.graph.group")) {
        return Ok(None);
    }
    // The error's own text would quote the object.
    let group: Group = serde_json::from_value(object).map_err(|_| "it is no group".to_owned())?;
    let id = GroupId(group.id.filter(|id| !id.is_empty()).ok_or("it has no id")?);
    if group.removed.is_some() {
        return Ok(Some(GroupChange::Gone { id }));
    }
    let (mut joined, mut left) = (Vec::new(), Vec::new());
    for (index, member) in group.members.into_iter().flatten().enumerate() {
        let member_id = member.id.filter(|id| !id.is_empty()).ok_or_else(|| format!("its member {index} has no id"))?;
        match (member.removed, member.kind.as_deref()) {
            (Some(_), _) => left.push(member_id),
            (None, Some("#microsoft.graph.user")) => joined.push(Member { id: member_id, kind: MemberKind::User }),
            (None, Some("#microsoft.graph.group")) => joined.push(Member { id: member_id, kind: MemberKind::Group }),
            // Devices, contacts and applications are nobody to synchronize.
            (None, Some(_) | None) => {}
        }
    }
    Ok(Some(GroupChange::Changed { id, name: group.name, joined, left }))
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
            Ok(Some(GroupChange::Changed { id: "g".into(), name, joined, left }))
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
            (json!({"id": "g", "@removed": {"reason": "changed"}}), Ok(Some(GroupChange::Gone { id: "g".into() }))),
            (json!({"id": "g", "@removed": {"reason": "deleted"}}), Ok(Some(GroupChange::Gone { id: "g".into() }))),
            (json!({"id": "g", "@odata.type": "#microsoft.graph.user"}), Ok(None)),
            (json!({"displayName": "Sales"}), Err("it has no id".to_owned())),
            (json!({"id": "g", "displayName": 7}), Err("it is no group".to_owned())),
            (json!({"id": "g", "members@delta": [{"id": "u"}, {}]}), Err("its member 1 has no id".to_owned())),
            (json!([]), Err("it is no group".to_owned())),
        ] {
            assert_eq!(change(object.clone()), want, "{object}");
        }
    }
}
