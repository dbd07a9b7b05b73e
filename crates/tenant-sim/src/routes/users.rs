//! `/users`: list, count, one user by id or name, and the paths below it.

use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::list::Listing;
use super::{Answer, Call, Reply, delta, manager, members, with_context};
use crate::directory::{Directory, is_sensitive};
use crate::error::Failure;
use crate::filter;
use crate::property::ObjectKind;
use crate::select::Select;
use crate::user::User;
use crate::user_index::UserIndex;

pub(super) fn serve(call: &Call<'_>, path: &[&str]) -> Answer {
    match (call.method.as_str(), path) {
        ("GET", []) => list(call),
        ("POST", []) => create(call),
        ("GET", ["$count"]) => count(call),
        ("GET", ["delta"]) => delta::users(call),
        ("GET", [key]) => get(call, key),
        ("PATCH", [key]) => patch(call, key),
        ("DELETE", [key]) => delete(call, key),
        ("POST", [key, "revokeSignInSessions" | "invalidateAllRefreshTokens"]) => revoke(call, key),
        (_, [key, "manager", rest @ ..]) => manager::serve(call, found(call, key)?, rest),
        ("GET", [key, "memberOf", rest @ ..]) => members::parents(call, found(call, key)?, false, rest),
        ("GET", [key, "transitiveMemberOf", rest @ ..]) => members::parents(call, found(call, key)?, true, rest),
        ("POST", [key, "getMemberGroups" | "getMemberObjects"]) => members::group_ids(call, found(call, key)?),
        (_, [] | [_] | [_, "revokeSignInSessions" | "memberOf" | "transitiveMemberOf" | "getMemberGroups"]) => Err(Failure::method()),
        (_, [_, segment, ..]) => Err(Failure::segment(segment)),
    }
}

/// The id of the user that the segment names, by id or user principal name.
fn found(call: &Call<'_>, key: &str) -> Result<Uuid, Failure> {
    let directory = call.tenant.read();
    directory.user_by_key(key).map(|user| user.id).ok_or_else(|| Failure::not_found(key))
}

fn list(call: &Call<'_>) -> Answer {
    let directory = call.tenant.read();
    let listing = Listing::parse(call, &directory, ObjectKind::User)?;
    let expand = expands_manager(call)?;
    let rows = users(&directory.users, &listing).map(|user| (user.id, user_json(call, &directory, &listing.select, user, expand)));
    listing.page(call, "users", rows, || counted(&directory.users, &listing))
}

fn count(call: &Call<'_>) -> Answer {
    if !call.is_eventual() {
        return Err(Failure::unsupported_query("$count is not currently supported."));
    }
    let directory = call.tenant.read();
    let listing = Listing::parse(call, &directory, ObjectKind::User)?;
    let count = counted(&directory.users, &listing);
    let headers = vec![("content-type".into(), "text/plain".to_owned())];
    Ok(Reply { status: 200, headers, body: Some(Json::String(count.to_string())) })
}

/// The users of an index that match a listing, after its place, in the order of pages.
pub(super) fn users<'a>(user_index: &'a UserIndex, listing: &'a Listing) -> impl Iterator<Item = &'a User> {
    filter::narrowed(listing.filter.as_ref(), user_index, listing.after()).filter(|user| listing.matches(*user))
}

pub(super) fn counted(user_index: &UserIndex, listing: &Listing) -> usize {
    if listing.matches_all() {
        return user_index.len();
    }
    filter::narrowed(listing.filter.as_ref(), user_index, None).filter(|user| listing.matches(*user)).count()
}

fn get(call: &Call<'_>, key: &str) -> Answer {
    let directory = call.tenant.read();
    let user = directory.user_by_key(key).ok_or_else(|| Failure::not_found(key))?;
    let select = Select::parse(&directory.schema, ObjectKind::User, call.query.get("$select"))?;
    let json = user_json(call, &directory, &select, user, expands_manager(call)?);
    Ok(Reply::ok(with_context(call, "users/$entity", json)))
}

fn user_json(call: &Call<'_>, directory: &Directory, select: &Select, user: &User, expand: bool) -> Json {
    let mut json = select.object(&directory.schema, user, false);
    let manager = directory.manager(user.id).filter(|_| expand).and_then(|id| directory.users.get(id));
    if let (Some(manager), Some(fields)) = (manager, json.as_object_mut()) {
        let select = Select::parse(&directory.schema, ObjectKind::User, nested_select(call)).ok();
        fields.extend(select.map(|select| ("manager".to_owned(), select.object(&directory.schema, manager, true))));
    }
    json
}

fn expands_manager(call: &Call<'_>) -> Result<bool, Failure> {
    match call.query.get("$expand") {
        None => Ok(false),
        Some(expand) if expand == "manager" || expand.starts_with("manager(") => Ok(true),
        Some(expand) => Err(Failure::bad_request(format!("Could not expand '{expand}'."))),
    }
}

/// The `$select` within `$expand=manager($select=…)`.
fn nested_select<'a>(call: &'a Call<'_>) -> Option<&'a str> {
    let inner = call.query.get("$expand")?.strip_prefix("manager(")?.strip_suffix(')')?;
    inner.split(';').find_map(|option| option.trim().strip_prefix("$select="))
}

fn create(call: &Call<'_>) -> Answer {
    let body = call.object()?;
    let mut directory = call.tenant.write();
    let id = directory.create_user(&body)?;
    let user = directory.users.get(id).expect("it was created under this lock");
    let select = Select::parse(&directory.schema, ObjectKind::User, None)?;
    let json = select.object(&directory.schema, user, false);
    Ok(Reply::created(with_context(call, "users/$entity", json)))
}

fn patch(call: &Call<'_>, key: &str) -> Answer {
    let (id, body) = (found(call, key)?, call.object()?);
    let mut directory = call.tenant.write();
    call.may_act_on(&directory, id, is_sensitive(&body))?;
    directory.patch_user(id, &body)?;
    Ok(Reply::no_content())
}

fn delete(call: &Call<'_>, key: &str) -> Answer {
    let id = found(call, key)?;
    let mut directory = call.tenant.write();
    call.may_act_on(&directory, id, true)?;
    directory.delete_user(id)?;
    Ok(Reply::no_content())
}

fn revoke(call: &Call<'_>, key: &str) -> Answer {
    let id = found(call, key)?;
    call.tenant.write().revoke_sessions(id)?;
    Ok(Reply::ok(json!({"@odata.context": call.context("Edm.Boolean"), "value": true})))
}
