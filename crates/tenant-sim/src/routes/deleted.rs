//! `/directory/deletedItems`: the recycle bin. It contains only users.

use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::list::Listing;
use super::{Answer, Call, Reply, id, users, with_context};
use crate::error::Failure;
use crate::property::{self, ObjectKind};
use crate::select::Select;
use crate::user::User;

pub(super) fn serve(call: &Call<'_>, path: &[&str]) -> Answer {
    match (call.method.as_str(), path) {
        ("GET", ["user"]) => list(call),
        ("GET", ["user", "$count"]) => count(call),
        ("GET", ["group"]) => Ok(Reply::ok(json!({"@odata.context": call.context("groups"), "value": []}))),
        ("GET", [key]) => get(call, id(key)?),
        ("DELETE", [key]) => purge(call, id(key)?),
        ("POST", [key, "restore"]) => restore(call, id(key)?),
        (_, [] | [_] | [_, "restore"]) => Err(Failure::method()),
        (_, [_, segment, ..]) => Err(Failure::segment(segment)),
    }
}

fn list(call: &Call<'_>) -> Answer {
    let directory = call.tenant.read();
    let listing = Listing::parse(call, &directory, ObjectKind::User)?;
    let rows = users::users(&directory.deleted, &listing)
        .map(|user| (user.id, with_deleted(call, listing.select.object(&directory.schema, user, false), user)));
    listing.page(call, "users", rows, || users::counted(&directory.deleted, &listing))
}

fn count(call: &Call<'_>) -> Answer {
    let directory = call.tenant.read();
    let listing = Listing::parse(call, &directory, ObjectKind::User)?;
    let headers = vec![("content-type".into(), "text/plain".to_owned())];
    Ok(Reply { status: 200, headers, body: Some(Json::String(users::counted(&directory.deleted, &listing).to_string())) })
}

fn get(call: &Call<'_>, id: Uuid) -> Answer {
    let directory = call.tenant.read();
    let user = directory.deleted.get(id).ok_or_else(|| Failure::not_found(&id.to_string()))?;
    let select = Select::parse(&directory.schema, ObjectKind::User, call.query.get("$select"))?;
    let json = with_deleted(call, select.object(&directory.schema, user, true), user);
    Ok(Reply::ok(with_context(call, "directoryObjects/$entity", json)))
}

fn restore(call: &Call<'_>, id: Uuid) -> Answer {
    let mut directory = call.tenant.write();
    call.may_act_on(&directory, id, true)?;
    directory.restore_user(id)?;
    let user = directory.users.get(id).expect("it was restored under this lock");
    let json = Select::parse(&directory.schema, ObjectKind::User, None)?.object(&directory.schema, user, true);
    Ok(Reply::ok(with_context(call, "directoryObjects/$entity", json)))
}

fn purge(call: &Call<'_>, id: Uuid) -> Answer {
    let mut directory = call.tenant.write();
    call.may_act_on(&directory, id, true)?;
    directory.purge_user(id)?;
    Ok(Reply::no_content())
}

/// Adds `deletedDateTime` if the request has no `$select`, because Graph returns it by default here.
fn with_deleted(call: &Call<'_>, mut json: Json, user: &User) -> Json {
    if let Some(time) = user.fields.get(property::DELETED).filter(|_| call.query.get("$select").is_none()) {
        json["deletedDateTime"] = time.to_json();
    }
    json
}
