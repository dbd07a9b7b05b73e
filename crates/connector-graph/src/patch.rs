//! Writes attributes so that one which the directory refuses takes no other with it (pitfall R7).
//!
//! A fresh object gets all of them in one request. Where that is refused or forbidden, and for any other object, plain and sensitive
//! attributes go apart. Of a set that is refused, the attribute that the refusal names is left out; where it names none, each goes alone.
//! The anchor goes with the plain ones and is never left out: without it the write has failed.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};
use xtsync_domain::{Attributes, Refusal, TargetId};

use super::http::Http;
use super::{attribute, value};
use xtsync_directory::{Error, Patched, Result};

/// The code for a value that Graph has no form for.
const NO_FORM: &str = "no_form";

type Fields = Map<String, Json>;

/// Writes the anchor, by name and value, and the attributes.
pub(super) async fn patch(http: &Http, id: &TargetId, anchor: Option<(&str, &str)>, attributes: &Attributes) -> Result<Patched> {
    let mut refused = BTreeMap::new();
    let (mut plain, mut sensitive) = (Fields::new(), Fields::new());
    plain.extend(anchor.map(|(name, value)| (name.to_owned(), Json::from(value))));
    for (name, value) in attributes.iter() {
        let fields = if attribute::is_sensitive(name) { &mut sensitive } else { &mut plain };
        match value::to_json(name, value) {
            Some(json) => fields.extend([(name.to_owned(), json)]),
            None => refused.extend([(name.to_owned(), NO_FORM.to_owned())]),
        }
    }
    let anchor = anchor.map(|(name, _)| name);
    if anchor.is_some() && !sensitive.is_empty() {
        let all: Fields = plain.iter().chain(&sensitive).map(|(name, value)| (name.clone(), value.clone())).collect();
        match write(http, id, &all).await {
            Err(Error::Refused { .. } | Error::Forbidden { .. }) => {}
            written => return written.map(|()| Patched { refused: refused.into_iter().collect() }),
        }
    }
    // The anchor is written last, so that an interruption leaves no object that has it and lacks other attributes.
    let (plain, sensitive) = ((plain, false), (sensitive, true));
    for (mut fields, may_be_forbidden) in if anchor.is_some() { [sensitive, plain] } else { [plain, sensitive] } {
        while !fields.is_empty() {
            let Some((name, code)) = send(http, id, &mut fields, anchor, may_be_forbidden).await? else { break };
            if anchor == Some(name.as_str()) {
                return Err(Error::Refused { code, attribute: Some(name) });
            }
            refused.insert(name, code.code);
        }
    }
    Ok(Patched { refused: refused.into_iter().collect() })
}

/// Sends the set, or part of it; what went or was refused is taken out of it. Returns what was refused; `None` when nothing was.
async fn send(
    http: &Http,
    id: &TargetId,
    fields: &mut Fields,
    anchor: Option<&str>,
    may_be_forbidden: bool,
) -> Result<Option<(String, Refusal)>> {
    let (code, named) = match write(http, id, fields).await {
        Ok(()) => return Ok(None),
        Err(Error::Refused { code, attribute }) => (code, attribute),
        // For a user with an administrator role only the sensitive attributes are forbidden (R9); otherwise all writes are.
        Err(Error::Forbidden { code }) if may_be_forbidden => (code, None),
        Err(error) => return Err(error),
    };
    if let Some(name) = named.filter(|name| fields.remove(name).is_some()) {
        return Ok(Some((name, code)));
    }
    one_by_one(http, id, fields, anchor, may_be_forbidden, code).await
}

/// Sends one attribute after another, the anchor last, up to the first that is refused; `code` is what the whole set was refused with.
async fn one_by_one(
    http: &Http,
    id: &TargetId,
    fields: &mut Fields,
    anchor: Option<&str>,
    may_be_forbidden: bool,
    code: Refusal,
) -> Result<Option<(String, Refusal)>> {
    if fields.len() == 1 {
        let name = fields.keys().next().cloned();
        fields.clear();
        return Ok(name.map(|name| (name, code)));
    }
    while let Some(name) = fields.keys().find(|name| anchor != Some(name.as_str())).or_else(|| fields.keys().next()).cloned() {
        let single: Fields = fields.remove_entry(&name).into_iter().collect();
        match write(http, id, &single).await {
            Ok(()) => {}
            Err(Error::Refused { code, .. }) => return Ok(Some((name, code))),
            Err(Error::Forbidden { code }) if may_be_forbidden => return Ok(Some((name, code))),
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

async fn write(http: &Http, id: &TargetId, fields: &Fields) -> Result<()> {
    let request = http.patch("/users/{id}", &[&id.0])?.body(Json::Object(fields.clone()));
    http.call(&request).await.map(drop)
}
