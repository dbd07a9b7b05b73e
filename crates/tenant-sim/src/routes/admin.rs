//! The admin API, `/sim/v1/…`, for tests in other processes: journal, redemption, expiry, scripted answers, fault profile, counts.
//!
//! It needs no token and accepts requests from loopback only.

use std::net::SocketAddr;

use axum::Json as Body;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{Query, id};
use crate::directory::Domains;
use crate::error::Failure;
use crate::faults::FaultProfile;
use crate::notify::LifecycleEvent;
use crate::reply::failed;
use crate::script::Rule;
use crate::sim::Sim;

/// The most journal entries in one answer.
const JOURNAL_MAX: usize = 10_000;

pub(crate) fn serve(sim: &Sim, peer: SocketAddr, parts: &Parts, path: &str, body: &[u8]) -> Response {
    if !peer.ip().is_loopback() {
        return failed(&Failure::denied(), &parts.headers);
    }
    match answer(sim, parts, path, body) {
        Ok(json) => Body(json).into_response(),
        Err(failure) => failed(&failure, &parts.headers),
    }
}

fn answer(sim: &Sim, parts: &Parts, path: &str, body: &[u8]) -> Result<Json, Failure> {
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    match (parts.method.as_str(), path) {
        ("GET", "tenants") => Ok(tenants(sim)),
        ("GET", "journal") => Ok(journal(sim, &query)),
        ("GET", "counts") => Ok(counts(sim)),
        ("POST", "redeem") => redeem(sim, body),
        ("POST", "expire") => expire(sim, body),
        ("GET", "script") => Ok(json!(sim.script().installed())),
        ("POST", "script") => install(sim, body),
        ("DELETE", "script") => Ok(clear(sim)),
        ("POST", "faults") => faults(sim, body),
        ("GET", "injected-faults") => Ok(json!(sim.injected_faults())),
        ("POST", "domains") => domains(sim, body),
        ("POST", "lose-changes") => lose_changes(sim, body),
        ("POST", "privileged") => privileged(sim, body),
        ("POST", "subscriptions") => subscriptions(sim, body),
        ("DELETE", path) if path.starts_with("script/") => remove(sim, &path["script/".len()..]),
        (_, path) => Err(Failure::segment(path)),
    }
}

fn tenants(sim: &Sim) -> Json {
    let tenant = |name: &str| {
        let tenant = sim.tenant(name)?;
        Some(json!({
            "name": name,
            "id": tenant.id().to_string(),
            "domain": tenant.domain(),
            "users": tenant.user_count(),
            "writes": tenant.journal_len(),
            "messagesSent": tenant.messages_sent(),
        }))
    };
    sim.tenant_names().iter().filter_map(|name| tenant(name)).collect()
}

/// The entries after `since`, at most [`JOURNAL_MAX`]. The caller continues with the last number.
fn journal(sim: &Sim, query: &Query) -> Json {
    let since = query.get("since").and_then(|since| since.parse().ok()).unwrap_or(0);
    let tenant = query.get("tenant");
    let entries = sim.journal().since(since).into_iter().filter(|entry| tenant.is_none_or(|tenant| *entry.tenant == *tenant));
    json!({"last": sim.journal().last(), "entries": entries.take(JOURNAL_MAX).collect::<Vec<_>>()})
}

fn counts(sim: &Sim) -> Json {
    let counts = sim.counts().into_iter();
    counts.map(|((method, path), count)| json!({"method": method, "path": path, "count": count})).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Redeem {
    tenant: String,
    user: String,
}

fn redeem(sim: &Sim, body: &[u8]) -> Result<Json, Failure> {
    let Redeem { tenant, user } = read(body)?;
    let redemption = named(sim, &tenant)?.redeem(id(&user)?)?;
    Ok(json!({"redemption": redemption}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
enum Expire {
    /// Expires all access tokens.
    Tokens,
    /// Expires the delta tokens of that tenant.
    Delta(String),
    /// Expires the secret of that client.
    Secret(String),
}

fn expire(sim: &Sim, body: &[u8]) -> Result<Json, Failure> {
    match read(body)? {
        Expire::Tokens => sim.expire_tokens(),
        Expire::Delta(tenant) => named(sim, &tenant)?.expire_delta(),
        Expire::Secret(client) => sim.expire_secret(&client).map_err(|error| Failure::bad_request(error.to_string()))?,
    }
    Ok(json!({}))
}

/// Installs a rule and returns its number.
fn install(sim: &Sim, body: &[u8]) -> Result<Json, Failure> {
    let rule: Rule = read(body)?;
    if let Some(tenant) = &rule.tenant {
        named(sim, tenant)?;
    }
    Ok(json!({"id": sim.script().install(rule)?}))
}

/// Removes the rule with that number.
fn remove(sim: &Sim, number: &str) -> Result<Json, Failure> {
    match number.parse().is_ok_and(|number| sim.script().remove(number)) {
        true => Ok(json!({})),
        false => Err(Failure::not_found(number)),
    }
}

fn clear(sim: &Sim) -> Json {
    sim.script().clear();
    json!({})
}

/// A fault profile by name, as on the command line, or with all its fields.
#[derive(Deserialize)]
#[serde(untagged)]
enum FaultsBody {
    Named(String),
    Profile(Box<FaultProfile>),
}

fn faults(sim: &Sim, body: &[u8]) -> Result<Json, Failure> {
    let profile = match read(body)? {
        FaultsBody::Named(name) => name.parse().map_err(Failure::bad_request)?,
        FaultsBody::Profile(profile) => *profile,
    };
    sim.set_fault_profile(profile);
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Collaboration {
    tenant: String,
    domains: Domains,
}

fn domains(sim: &Sim, body: &[u8]) -> Result<Json, Failure> {
    let Collaboration { tenant, domains } = read(body)?;
    named(sim, &tenant)?.set_domains(domains);
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LoseChanges {
    tenant: String,
    count: u32,
}

fn lose_changes(sim: &Sim, body: &[u8]) -> Result<Json, Failure> {
    let LoseChanges { tenant, count } = read(body)?;
    named(sim, &tenant)?.lose_changes(count);
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Privileged {
    tenant: String,
    user: String,
    privileged: bool,
}

fn privileged(sim: &Sim, body: &[u8]) -> Result<Json, Failure> {
    let Privileged { tenant, user, privileged } = read(body)?;
    named(sim, &tenant)?.set_privileged(id(&user)?, privileged);
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LifecycleBody {
    tenant: String,
    event: LifecycleEvent,
}

fn subscriptions(sim: &Sim, body: &[u8]) -> Result<Json, Failure> {
    let LifecycleBody { tenant, event } = read(body)?;
    named(sim, &tenant)?.send_lifecycle_event(event);
    Ok(json!({}))
}

fn named(sim: &Sim, name: &str) -> Result<crate::tenant::TenantHandle, Failure> {
    sim.tenant(name).ok_or_else(|| Failure::not_found(name))
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| Failure::bad_request(error.to_string()))
}
