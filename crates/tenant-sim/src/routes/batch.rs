//! `POST /$batch`: up to 20 requests in one, each answered like a single request.
//!
//! Items are executed in the order of the request, so a dependency must precede the item that depends on it.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::{Answer, Call, Query, Reply, dispatch, segments};
use crate::error::Failure;
use crate::faults::RequestFaults;
use crate::script::{RequestToMatch, Verdict};

const ITEMS_MAX: usize = 20;

pub(super) fn serve(call: &Call<'_>) -> Answer {
    if call.method != Method::POST {
        return Err(Failure::method());
    }
    let body = call.object()?;
    let items = body.get("requests").and_then(Json::as_array).ok_or_else(|| invalid("The 'requests' property is missing."))?;
    if items.is_empty() || items.len() > ITEMS_MAX {
        return Err(invalid(&format!("Number of batch request steps must be between 1 and {ITEMS_MAX}.")));
    }
    let items = items.iter().map(Item::read).collect::<Result<Vec<_>, _>>()?;
    check_ids(&items)?;
    let mut statuses = BTreeMap::new();
    let mut responses = Vec::with_capacity(items.len());
    for item in &items {
        let failed = item.depends_on.iter().any(|id| statuses.get(id).is_none_or(|status| *status >= 400));
        let response = if failed {
            response(&item.id, Err(Failure::new(424, "FailedDependency", "A request that this one depends on failed.")))
        } else {
            perform(call, item)
        };
        statuses.insert(item.id.to_lowercase(), response["status"].as_u64().unwrap_or_default());
        responses.push(response);
    }
    Ok(Reply::ok(json!({"responses": responses})))
}

/// One request of a batch.
struct Item {
    id: String,
    method: Method,
    url: String,
    headers: HeaderMap,
    body: Bytes,
    depends_on: Vec<String>,
}

impl Item {
    fn read(json: &Json) -> Result<Self, Failure> {
        let text = |name: &str| json.get(name).and_then(Json::as_str).map(str::to_owned);
        let id = text("id").ok_or_else(|| invalid("Every request needs an id."))?;
        let method = text("method").and_then(|method| Method::from_bytes(method.to_uppercase().as_bytes()).ok());
        let url = text("url").ok_or_else(|| invalid("Every request needs a url."))?;
        let headers = json.get("headers").and_then(Json::as_object).map(header_map).unwrap_or_default();
        let body = json.get("body").map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        if !body.is_empty() && !headers.contains_key("content-type") {
            return Err(invalid(&format!("Request '{id}' has a body but no Content-Type header.")));
        }
        let depends_on = json.get("dependsOn").and_then(Json::as_array).cloned().unwrap_or_default();
        let depends_on = depends_on.iter().filter_map(Json::as_str).map(str::to_lowercase).collect();
        Ok(Self { id, method: method.ok_or_else(|| invalid("Every request needs a method."))?, url, headers, body, depends_on })
    }
}

/// Executes an item, or answers it as the script says.
fn perform(call: &Call<'_>, item: &Item) -> Json {
    let url = relative(&item.url);
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let version = call.base.rsplit('/').next().unwrap_or_default();
    let full = format!("/{version}/{}", path.trim_start_matches('/'));
    call.sim.note_request(Some(call.tenant), &item.method, &full);
    let request_to_match = || RequestToMatch::new(Some(&*call.tenant.name), &item.method, path, query, &item.body, true);
    let verdict = if call.sim.script().is_empty() { Verdict::Genuine(Vec::new()) } else { call.sim.script().verdict(&request_to_match()) };
    match verdict {
        Verdict::Instead(act, headers) => response(&item.id, act.reply(headers, &call.base)),
        Verdict::Genuine(rewrites) => {
            let mut response = response(&item.id, carry_out(call, item, &full, (path, query)));
            rewrites.iter().for_each(|rewrite| rewrite.item(&mut response, &call.base));
            response
        }
    }
}

fn carry_out(call: &Call<'_>, item: &Item, full: &str, (path, query): (&str, &str)) -> Answer {
    let mut request_faults = RequestFaults::begin(call.sim.fault_state(), &item.method, full);
    let path = segments(path);
    if path.first().is_some_and(|first| first == "$batch") {
        return Err(invalid("A batch cannot contain a batch."));
    }
    let call = Call {
        sim: call.sim,
        tenant: call.tenant,
        client: call.client,
        access: call.access,
        method: item.method.clone(),
        path,
        query: Query::parse(query),
        headers: item.headers.clone(),
        body: item.body.clone(),
        base: call.base.clone(),
    };
    let metered = request_faults.admit(&call)?;
    let answer = dispatch(&call);
    match request_faults.lost(&call) {
        Some(lost) => Err(lost.into_failure()),
        None => answer.map(|reply| reply.with_headers(metered)),
    }
}

/// The URL relative to the version. Graph also accepts absolute URLs, which Microsoft's SDK for Python sends.
fn relative(url: &str) -> &str {
    let path = url.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
    path.map_or(url, |(_, path)| path.split_once('/').map_or("", |(_version, rest)| rest))
}

fn response(id: &str, answer: Answer) -> Json {
    let mut headers = Map::from_iter([("Content-Type".to_owned(), "application/json".into())]);
    let (status, extra, body) = match answer {
        Ok(reply) => (reply.status, reply.headers, reply.body),
        Err(failure) => {
            let request = Uuid::new_v4().to_string();
            (failure.status, failure.headers.clone(), Some(failure.body(&request, &request)))
        }
    };
    if body.is_none() {
        headers.clear();
    }
    headers.extend(extra.into_iter().map(|(name, value)| (name.into_owned(), value.into())));
    let mut response = json!({"id": id, "status": status, "headers": headers});
    if let Some(body) = body {
        response["body"] = body;
    }
    response
}

/// Checks that ids differ case-insensitively and that each dependency is an earlier request.
fn check_ids(items: &[Item]) -> Result<(), Failure> {
    let mut seen: Vec<String> = Vec::with_capacity(items.len());
    for item in items {
        let id = item.id.to_lowercase();
        if seen.contains(&id) {
            return Err(invalid(&format!("Request id '{}' is used more than once.", item.id)));
        }
        if let Some(unknown) = item.depends_on.iter().find(|dependency| !seen.contains(dependency)) {
            return Err(invalid(&format!("Request '{}' depends on '{unknown}', which is no earlier request.", item.id)));
        }
        seen.push(id);
    }
    Ok(())
}

fn header_map(headers: &Map<String, Json>) -> HeaderMap {
    let pair = |(name, value): (&String, &Json)| {
        let name = HeaderName::from_bytes(name.to_lowercase().as_bytes()).ok()?;
        Some((name, HeaderValue::from_str(value.as_str()?).ok()?))
    };
    headers.iter().filter_map(pair).collect()
}

fn invalid(message: &str) -> Failure {
    Failure::new(400, "BadRequest", message)
}
