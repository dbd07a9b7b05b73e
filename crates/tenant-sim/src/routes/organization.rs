//! The tenant itself, its contacts, and directory objects of any kind.

use serde_json::{Value as Json, json};

use super::list::Listing;
use super::{Answer, Call, Reply, id, users, with_context};
use crate::error::Failure;
use crate::extension::Extension;
use crate::property::ObjectKind;
use crate::select::Select;

/// The properties of a contact without `$select`.
const CONTACT: &str = "id,displayName,mail,proxyAddresses";

/// `/organization`.
pub(super) fn serve(call: &Call<'_>, path: &[&str]) -> Answer {
    let organization = organization(call);
    match (call.method.as_str(), path) {
        ("GET", []) => Ok(Reply::ok(json!({"@odata.context": call.context("organization"), "value": [organization]}))),
        ("GET", [key]) if id(key)? == call.tenant.id => Ok(Reply::ok(with_context(call, "organization/$entity", organization))),
        ("GET", [key]) => Err(Failure::not_found(key)),
        (_, [] | [_]) => Err(Failure::method()),
        (_, [_, segment, ..]) => Err(Failure::segment(segment)),
    }
}

fn organization(call: &Call<'_>) -> Json {
    let directory = call.tenant.read();
    let domain = |name: &str, default: bool| json!({"capabilities": "Email", "isDefault": default, "isInitial": !default, "name": name, "type": "Managed"});
    json!({
        "id": call.tenant.id.to_string(),
        "deletedDateTime": null,
        "displayName": &*directory.name,
        "tenantType": "AAD",
        "verifiedDomains": [domain(&directory.domain, true), domain(&directory.initial_domain, false)],
    })
}

/// `/contacts`: the mail contacts.
pub(super) fn contacts(call: &Call<'_>) -> Answer {
    if call.method.as_str() != "GET" {
        return Err(Failure::method());
    }
    let directory = call.tenant.read();
    let listing = Listing::parse(call, &directory, ObjectKind::User)?;
    let select = Select::parse(&directory.schema, ObjectKind::User, Some(call.query.get("$select").unwrap_or(CONTACT)))?;
    let rows = users::users(&directory.contacts, &listing).map(|contact| (contact.id, select.object(&directory.schema, contact, false)));
    listing.page(call, "contacts", rows, || users::counted(&directory.contacts, &listing))
}

/// `/directoryObjects`.
pub(super) fn objects(call: &Call<'_>, path: &[&str]) -> Answer {
    match (call.method.as_str(), path) {
        ("POST", ["getAvailableExtensionProperties"]) => extensions(call),
        ("GET", [key]) => object(call, key),
        (_, [] | [_]) => Err(Failure::method()),
        (_, [_, segment, ..]) => Err(Failure::segment(segment)),
    }
}

fn object(call: &Call<'_>, key: &str) -> Answer {
    let (id, directory) = (id(key)?, call.tenant.read());
    let shown = |kind| Select::parse(&directory.schema, kind, call.query.get("$select"));
    let json = match (directory.users.get(id), directory.groups.get(&id)) {
        (Some(user), _) => shown(ObjectKind::User)?.object(&directory.schema, user, true),
        (None, Some(group)) => shown(ObjectKind::Group)?.object(&directory.schema, group, true),
        (None, None) => return Err(Failure::not_found(key)),
    };
    Ok(Reply::ok(with_context(call, "directoryObjects/$entity", json)))
}

fn extensions(call: &Call<'_>) -> Answer {
    let directory = call.tenant.read();
    let extensions = directory.schema.extensions().iter().map(Extension::to_json);
    Ok(Reply::ok(json!({"@odata.context": call.context("Collection(extensionProperty)"), "value": extensions.collect::<Vec<_>>()})))
}
