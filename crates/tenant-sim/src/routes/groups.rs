//! `/groups`: list, count, one group, and the paths below it.

use serde_json::Value as Json;
use uuid::Uuid;

use super::list::Listing;
use super::{Answer, Call, Reply, delta, id, members, with_context};
use crate::error::Failure;
use crate::group::Group;
use crate::property::ObjectKind;
use crate::select::Select;

pub(super) fn serve(call: &Call<'_>, path: &[&str]) -> Answer {
    match (call.method.as_str(), path) {
        ("GET", []) => list(call),
        ("POST", []) => create(call),
        ("GET", ["$count"]) => count(call),
        ("GET", ["delta"]) => delta::groups(call),
        ("GET", [key]) => get(call, id(key)?),
        ("PATCH", [key]) => patch(call, id(key)?),
        ("DELETE", [key]) => delete(call, id(key)?),
        (_, [key, "members", rest @ ..]) => members::serve(call, id(key)?, rest),
        ("GET", [key, "transitiveMembers", rest @ ..]) => members::transitive(call, id(key)?, rest),
        ("GET", [key, "memberOf", rest @ ..]) => members::parents(call, present(call, key)?, false, rest),
        ("GET", [key, "transitiveMemberOf", rest @ ..]) => members::parents(call, present(call, key)?, true, rest),
        ("POST", [key, "getMemberGroups" | "getMemberObjects"]) => members::group_ids(call, present(call, key)?),
        (_, [] | [_] | [_, "transitiveMembers" | "memberOf" | "transitiveMemberOf" | "getMemberGroups"]) => Err(Failure::method()),
        (_, [_, segment, ..]) => Err(Failure::segment(segment)),
    }
}

fn present(call: &Call<'_>, key: &str) -> Result<Uuid, Failure> {
    let id = id(key)?;
    if call.tenant.read().groups.contains_key(&id) { Ok(id) } else { Err(Failure::not_found(key)) }
}

fn list(call: &Call<'_>) -> Answer {
    let directory = call.tenant.read();
    let listing = Listing::parse(call, &directory, ObjectKind::Group)?;
    let taken = |group: &&Group| listing.matches(*group);
    let after = |group: &&Group| listing.after().is_none_or(|after| group.id > after);
    let rows = directory.groups.values().filter(after).filter(taken);
    let rows = rows.map(|group| (group.id, listing.select.object(&directory.schema, group, false)));
    listing.page(call, "groups", rows, || directory.groups.values().filter(taken).count())
}

fn count(call: &Call<'_>) -> Answer {
    if !call.is_eventual() {
        return Err(Failure::unsupported_query("$count is not currently supported."));
    }
    let directory = call.tenant.read();
    let listing = Listing::parse(call, &directory, ObjectKind::Group)?;
    let count = directory.groups.values().filter(|group| listing.matches(*group)).count();
    let headers = vec![("content-type".into(), "text/plain".to_owned())];
    Ok(Reply { status: 200, headers, body: Some(Json::String(count.to_string())) })
}

fn get(call: &Call<'_>, id: Uuid) -> Answer {
    let directory = call.tenant.read();
    let group = directory.groups.get(&id).ok_or_else(|| Failure::not_found(&id.to_string()))?;
    let select = Select::parse(&directory.schema, ObjectKind::Group, call.query.get("$select"))?;
    Ok(Reply::ok(with_context(call, "groups/$entity", select.object(&directory.schema, group, false))))
}

fn create(call: &Call<'_>) -> Answer {
    let body = call.object()?;
    let mut directory = call.tenant.write();
    let id = directory.create_group(&body)?;
    let select = Select::parse(&directory.schema, ObjectKind::Group, None)?;
    let json = select.object(&directory.schema, &directory.groups[&id], false);
    Ok(Reply::created(with_context(call, "groups/$entity", json)))
}

fn patch(call: &Call<'_>, id: Uuid) -> Answer {
    call.tenant.write().patch_group(id, &call.object()?)?;
    Ok(Reply::no_content())
}

fn delete(call: &Call<'_>, id: Uuid) -> Answer {
    call.tenant.write().delete_group(id)?;
    Ok(Reply::no_content())
}
