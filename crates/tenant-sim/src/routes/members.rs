//! The members of a group, and the groups of a user or group, direct and transitive.

use std::collections::BTreeMap;
use std::ops::Bound;

use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::list::Listing;
use super::{Answer, Call, Reply, id};
use crate::directory::{Directory, referenced_id};
use crate::error::Failure;
use crate::property::ObjectKind;
use crate::select::reference;

/// `/groups/{id}/members` and below.
pub(super) fn serve(call: &Call<'_>, group: Uuid, path: &[&str]) -> Answer {
    match (call.method.as_str(), path) {
        ("POST", ["$ref"]) => add(call, group),
        ("DELETE", [member, "$ref"]) => remove(call, group, id(member)?),
        ("GET", rest @ ([] | ["$ref" | "user" | "group" | "$count"] | ["user" | "group", "$count"])) => {
            let directory = call.tenant.read();
            let known = directory.groups.get(&group).ok_or_else(|| Failure::not_found(&group.to_string()))?;
            objects(call, &directory, ObjectKind::User, rest, |after| known.members_after(after))
        }
        (_, [] | ["$ref"] | [_, "$ref"]) => Err(Failure::method()),
        (_, [segment, ..]) => Err(Failure::segment(segment)),
    }
}

/// `/groups/{id}/transitiveMembers`.
pub(super) fn transitive(call: &Call<'_>, group: Uuid, path: &[&str]) -> Answer {
    let directory = call.tenant.read();
    if !directory.groups.contains_key(&group) {
        return Err(Failure::not_found(&group.to_string()));
    }
    let members = directory.transitive_members(group);
    objects(call, &directory, ObjectKind::User, path, |after| rest_of(&members, after))
}

/// `memberOf` and `transitiveMemberOf` of users and groups.
pub(super) fn parents(call: &Call<'_>, member: Uuid, transitive: bool, path: &[&str]) -> Answer {
    let directory = call.tenant.read();
    let mut found = directory.transitive_parents(member);
    if !transitive {
        let direct = directory.parents(member);
        found.retain(|id, _| direct.contains(id));
    }
    objects(call, &directory, ObjectKind::Group, path, |after| rest_of(&found, after))
}

/// The ids of all groups that an object is a direct or transitive member of.
pub(super) fn group_ids(call: &Call<'_>, member: Uuid) -> Answer {
    let groups = call.tenant.read().transitive_parents(member);
    let ids: Vec<String> = groups.keys().map(Uuid::to_string).collect();
    Ok(Reply::ok(json!({"@odata.context": call.context("Collection(Edm.String)"), "value": ids})))
}

/// The objects after `id` in the order of pages.
fn rest_of(objects: &BTreeMap<Uuid, ObjectKind>, id: Option<Uuid>) -> impl Iterator<Item = (Uuid, ObjectKind)> {
    let from = id.map_or(Bound::Unbounded, Bound::Excluded);
    objects.range((from, Bound::Unbounded)).map(|(id, kind)| (*id, *kind))
}

/// A page of users and groups in the order of ids, after an id. The path may cast to one kind, or request references or the count only.
/// `$select` and `$filter` take properties of the `usual` kind.
fn objects<I: Iterator<Item = (Uuid, ObjectKind)>>(
    call: &Call<'_>,
    directory: &Directory,
    usual: ObjectKind,
    path: &[&str],
    objects: impl Fn(Option<Uuid>) -> I,
) -> Answer {
    let (cast, path) = match path {
        ["user", rest @ ..] => (Some(ObjectKind::User), rest),
        ["group", rest @ ..] => (Some(ObjectKind::Group), rest),
        rest => (None, rest),
    };
    let listing = Listing::parse(call, directory, cast.unwrap_or(usual))?;
    let taken = |(id, kind): &(Uuid, ObjectKind)| cast.is_none_or(|cast| cast == *kind) && matches(directory, &listing, *id, *kind);
    let all = || objects(None).filter(taken).count();
    match path {
        ["$count"] => {
            let headers = vec![("content-type".into(), "text/plain".to_owned())];
            Ok(Reply { status: 200, headers, body: Some(Json::String(all().to_string())) })
        }
        [] | ["$ref"] => {
            let plain = path.is_empty();
            let rows = objects(listing.after()).filter(taken);
            let rows = rows.map(|(id, kind)| (id, if plain { shown(directory, &listing, id, kind) } else { linked(call, id, kind) }));
            listing.page(call, "directoryObjects", rows, all)
        }
        [segment, ..] => Err(Failure::segment(segment)),
    }
}

fn matches(directory: &Directory, listing: &Listing, id: Uuid, kind: ObjectKind) -> bool {
    if listing.matches_all() {
        return true;
    }
    match kind {
        ObjectKind::User => directory.users.get(id).is_some_and(|user| listing.matches(user)),
        ObjectKind::Group | ObjectKind::Policy => directory.groups.get(&id).is_some_and(|group| listing.matches(group)),
    }
}

fn shown(directory: &Directory, listing: &Listing, id: Uuid, kind: ObjectKind) -> Json {
    let user = directory.users.get(id).map(|user| listing.select.object(&directory.schema, user, true));
    let group = || directory.groups.get(&id).map(|group| listing.select.object(&directory.schema, group, true));
    user.or_else(group).unwrap_or_else(|| reference(kind, id))
}

fn linked(call: &Call<'_>, id: Uuid, kind: ObjectKind) -> Json {
    let mut json = reference(kind, id);
    json["@odata.id"] = format!("{}/directoryObjects/{id}", call.base).into();
    json
}

fn add(call: &Call<'_>, group: Uuid) -> Answer {
    let member = referenced(call)?;
    call.tenant.write().add_member(group, member)?;
    Ok(Reply::no_content())
}

fn remove(call: &Call<'_>, group: Uuid, member: Uuid) -> Answer {
    call.tenant.write().remove_member(group, member)?;
    Ok(Reply::no_content())
}

/// The object that the body of a `$ref` request names.
pub(super) fn referenced(call: &Call<'_>) -> Result<Uuid, Failure> {
    let body = call.object()?;
    let link = body.get("@odata.id").and_then(Json::as_str);
    let invalid = || Failure::bad_request("Invalid object reference: '@odata.id' is missing or names no object.");
    let id = link.and_then(referenced_id).ok_or_else(invalid)?;
    if call.tenant.read().is_visible(id, true) { Ok(id) } else { Err(Failure::not_found(&id.to_string())) }
}
