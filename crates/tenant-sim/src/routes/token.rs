//! The authority: tokens by client credentials, and the discovery documents that client libraries request first.

use axum::Json as Body;
use axum::http::StatusCode;
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Query;
use crate::error::Failure;
use crate::reply::failed;
use crate::sim::Sim;
use crate::token::Refusal;
use crate::value::format_time;

/// Serves all paths that belong neither to Graph nor to the admin API.
pub(crate) fn serve(sim: &Sim, parts: &Parts, body: &[u8]) -> Response {
    let path: Vec<&str> = parts.uri.path().split('/').filter(|segment| !segment.is_empty()).collect();
    match (parts.method.as_str(), path.as_slice()) {
        ("POST", [tenant, "oauth2", "v2.0", "token"]) => match issue(sim, tenant, body) {
            Ok(token) => Body(token).into_response(),
            Err(refusal) => refused(&refusal),
        },
        ("GET", [tenant, "v2.0", ".well-known", "openid-configuration"]) => configuration(sim, parts, tenant),
        ("GET", ["common", "discovery", "instance"]) => discovery(parts),
        (_, path) => failed(&Failure::new(404, "BadRequest", format!("Resource not found: '{}'.", path.join("/"))), &parts.headers),
    }
}

fn issue(sim: &Sim, tenant: &str, body: &[u8]) -> Result<serde_json::Value, Refusal> {
    let form = Query::parse(&String::from_utf8_lossy(body));
    let place = sim.tenant_place(tenant).ok_or_else(|| unknown_tenant(tenant))?;
    if form.get("grant_type") != Some("client_credentials") {
        return Err(Refusal {
            status: 400,
            error: "unsupported_grant_type",
            number: 70_003,
            description: "The app requested an unsupported grant type; only client_credentials is supported.".to_owned(),
        });
    }
    if form.get("scope").is_none_or(str::is_empty) {
        let description = "The request body must contain the following parameter: 'scope'.".to_owned();
        return Err(Refusal { status: 400, error: "invalid_request", number: 900_144, description });
    }
    let (id, secret) = (form.get("client_id").unwrap_or_default(), form.get("client_secret").unwrap_or_default());
    let token = sim.tokens().issue(place, id, secret)?;
    let lifetime = sim.tokens().lifetime().as_secs();
    Ok(json!({"token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime, "access_token": token}))
}

fn unknown_tenant(tenant: &str) -> Refusal {
    let description =
        format!("Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.");
    Refusal { status: 400, error: "invalid_request", number: 90_002, description }
}

fn refused(refusal: &Refusal) -> Response {
    let trace = Uuid::new_v4().to_string();
    let body = json!({
        "error": refusal.error,
        "error_description": format!("AADSTS{}: {} Trace ID: {trace} Correlation ID: {trace}", refusal.number, refusal.description),
        "error_codes": [refusal.number],
        "timestamp": format_time(OffsetDateTime::now_utc()),
        "trace_id": trace,
        "correlation_id": trace,
    });
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
    (status, [("x-ms-request-id", trace)], Body(body)).into_response()
}

fn configuration(sim: &Sim, parts: &Parts, tenant: &str) -> Response {
    let Some(place) = sim.tenant_place(tenant) else {
        return refused(&unknown_tenant(tenant));
    };
    let (host, id) = (host(parts), sim.tenant_at(place).id);
    let configuration = json!({
        "issuer": format!("http://{host}/{id}/v2.0"),
        "authorization_endpoint": format!("http://{host}/{id}/oauth2/v2.0/authorize"),
        "token_endpoint": format!("http://{host}/{id}/oauth2/v2.0/token"),
        "jwks_uri": format!("http://{host}/{id}/discovery/v2.0/keys"),
        "response_types_supported": ["code", "id_token"],
        "subject_types_supported": ["pairwise"],
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
    });
    Body(configuration).into_response()
}

fn discovery(parts: &Parts) -> Response {
    let host = host(parts);
    let metadata = json!([{"preferred_network": host, "preferred_cache": host, "aliases": [host]}]);
    let endpoint = format!("http://{host}/common/v2.0/.well-known/openid-configuration");
    Body(json!({"tenant_discovery_endpoint": endpoint, "api-version": "1.1", "metadata": metadata})).into_response()
}

fn host(parts: &Parts) -> String {
    parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost").to_owned()
}
