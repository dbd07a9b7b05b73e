//! Graph's paths: one function dispatches each request to its handler, single or within a batch.
//!
//! A handler is a plain function from a call to a reply. It takes and releases its locks.

pub(crate) mod admin;
mod batch;
mod cycle;
mod deleted;
mod delta;
mod groups;
mod invitations;
mod list;
mod manager;
mod members;
mod organization;
mod policies;
mod subscriptions;
pub(crate) mod token;
mod users;

use axum::http::Method;
use serde_json::Value as Json;
use uuid::Uuid;

use crate::call::Call;
use crate::error::Failure;
use crate::query::{Query, segments};
use crate::reply::{Answer, Reply};
use crate::token::Access;

/// Executes a request that is not within a batch. Only there may a handler be asynchronous.
pub(crate) async fn dispatch_unbatched(call: &Call<'_>) -> Answer {
    if !subscriptions::is_creation(call) {
        return dispatch(call);
    }
    subscriptions::create(call).await
}

/// Finds the handler and calls it.
pub(crate) fn dispatch(call: &Call<'_>) -> Answer {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    permit(call, &path)?;
    seen(call, &path)?;
    match path.as_slice() {
        ["organization", rest @ ..] => organization::serve(call, rest),
        ["contacts"] => organization::contacts(call),
        ["directoryObjects", rest @ ..] => organization::objects(call, rest),
        ["users", rest @ ..] => users::serve(call, rest),
        ["groups", rest @ ..] => groups::serve(call, rest),
        ["invitations"] => invitations::serve(call),
        ["directory", "deletedItems", rest @ ..] => deleted::serve(call, rest),
        ["policies", "crossTenantAccessPolicy", rest @ ..] => policies::serve(call, rest),
        ["subscriptions", rest @ ..] => subscriptions::serve(call, rest),
        ["$batch"] => batch::serve(call),
        [] => Err(Failure::segment("")),
        [first, ..] => Err(Failure::segment(first)),
    }
}

/// Checks the client's access. Some POSTs only read, readers may subscribe, and the items of a batch are checked one by one.
fn permit(call: &Call<'_>, path: &[&str]) -> Result<(), Failure> {
    let reads = call.method == Method::GET
        || matches!(path, ["subscriptions", ..] | ["$batch"] | ["directoryObjects", "getAvailableExtensionProperties"])
        || matches!(path, ["users" | "groups" | "directoryObjects", _, "getMemberGroups" | "getMemberObjects"]);
    let users = matches!(path, ["users" | "invitations" | "directory", ..]);
    match call.access {
        Access::All => Ok(()),
        Access::WriteUsers if reads || users => Ok(()),
        Access::Read if reads => Ok(()),
        Access::WriteUsers | Access::Read => Err(Failure::denied()),
    }
}

/// Refuses a request that names an object while the fault profile hides it. Only delta queries and notifications contain it.
fn seen(call: &Call<'_>, path: &[&str]) -> Result<(), Failure> {
    let ["users" | "groups" | "directoryObjects", key, ..] = path else {
        return Ok(());
    };
    let (directory, writes) = (call.tenant.read(), call.method != Method::GET);
    let id = Uuid::parse_str(key).ok().or_else(|| directory.user_by_key(key).map(|user| user.id));
    match id {
        Some(id) if !directory.is_visible(id, writes) => {
            let code = if writes { "Directory_ObjectNotFound" } else { "Request_ResourceNotFound" };
            Err(Failure { code: code.to_owned(), ..Failure::not_found(key) })
        }
        Some(_) | None => Ok(()),
    }
}

/// Parses an id in a path; an invalid id is answered like an unknown object.
fn id(segment: &str) -> Result<Uuid, Failure> {
    Uuid::parse_str(segment).map_err(|_| Failure::not_found(segment))
}

/// Adds the context to a single object.
fn with_context(call: &Call<'_>, what: &str, mut object: Json) -> Json {
    if let Some(fields) = object.as_object_mut() {
        fields.insert("@odata.context".to_owned(), call.context(what));
    }
    object
}
