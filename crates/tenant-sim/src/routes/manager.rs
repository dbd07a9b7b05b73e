//! `/users/{id}/manager`: reads, sets and removes the manager.

use uuid::Uuid;

use super::{Answer, Call, Reply, with_context};
use crate::directory::Directory;
use crate::error::Failure;
use crate::property::ObjectKind;
use crate::select::{Select, reference};

pub(super) fn serve(call: &Call<'_>, user: Uuid, path: &[&str]) -> Answer {
    match (call.method.as_str(), path) {
        ("GET", []) => get(call, user),
        ("GET", ["$ref"]) => get_reference(call, user),
        ("PUT", ["$ref"]) => put(call, user),
        ("DELETE", ["$ref"]) => remove(call, user),
        (_, [] | ["$ref"]) => Err(Failure::method()),
        (_, [segment, ..]) => Err(Failure::segment(segment)),
    }
}

fn get(call: &Call<'_>, user: Uuid) -> Answer {
    let directory = call.tenant.read();
    let manager = manager_of(&directory, user)?;
    let manager = directory.users.get(manager).expect("only present managers are found");
    let select = Select::parse(&directory.schema, ObjectKind::User, call.query.get("$select"))?;
    let json = select.object(&directory.schema, manager, true);
    Ok(Reply::ok(with_context(call, "directoryObjects/$entity", json)))
}

fn get_reference(call: &Call<'_>, user: Uuid) -> Answer {
    let manager = manager_of(&call.tenant.read(), user)?;
    let mut json = reference(ObjectKind::User, manager);
    json["@odata.id"] = format!("{}/directoryObjects/{manager}", call.base).into();
    Ok(Reply::ok(with_context(call, "$ref", json)))
}

fn put(call: &Call<'_>, user: Uuid) -> Answer {
    let manager = super::members::referenced(call)?;
    call.tenant.write().set_manager(user, Some(manager))?;
    Ok(Reply::no_content())
}

fn remove(call: &Call<'_>, user: Uuid) -> Answer {
    call.tenant.write().set_manager(user, None)?;
    Ok(Reply::no_content())
}

fn manager_of(directory: &Directory, user: Uuid) -> Result<Uuid, Failure> {
    directory.manager(user).ok_or_else(|| Failure::not_found("manager"))
}
