//! `/subscriptions`: creates, lists, renews and removes subscriptions to change notifications.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value as Json, json};
use time::OffsetDateTime;
use url::{Host, Url};
use uuid::Uuid;

use super::{Answer, Call, Reply, id, with_context};
use crate::error::Failure;
use crate::notify::{LIFE_MAX, SUBSCRIPTIONS_MAX, Subscription, validate};
use crate::property::ObjectKind;
use crate::value::{format_time, parse_time};

const CLIENT_STATE_MAX: usize = 128;

/// Whether the request creates a subscription. That is asynchronous, because the endpoint is validated first.
pub(super) fn is_creation(call: &Call<'_>) -> bool {
    call.method.as_str() == "POST" && call.path == ["subscriptions"]
}

/// `POST /subscriptions`.
pub(super) async fn create(call: &Call<'_>) -> Answer {
    let subscription = described(call, &call.object()?)?;
    let within = call.sim.subscriptions().delivery().timeout;
    for url in std::iter::once(&subscription.url).chain(&subscription.lifecycle_url) {
        if !validate(url, within).await {
            let message = "Subscription validation request failed. Notification endpoint must respond with 200 OK to validation request.";
            return Err(Failure::new(400, "ValidationError", message));
        }
    }
    let json = shown(&subscription);
    if !call.sim.subscriptions().add(subscription) {
        let message = format!("The application has reached the limit of {SUBSCRIPTIONS_MAX} subscriptions in this tenant.");
        return Err(Failure::new(403, "ExtensionError", message));
    }
    Ok(Reply::created(with_context(call, "subscriptions/$entity", json)))
}

/// All other requests for subscriptions.
pub(super) fn serve(call: &Call<'_>, path: &[&str]) -> Answer {
    match (call.method.as_str(), path) {
        ("GET", []) => {
            let own: Vec<Json> = call.sim.subscriptions().of(call.client, call.tenant.id).iter().map(shown).collect();
            Ok(Reply::ok(json!({"@odata.context": call.context("subscriptions"), "value": own})))
        }
        ("POST", []) => Err(Failure::new(400, "InvalidRequest", "A subscription cannot be created within a batch here.")),
        ("GET", [key]) => Ok(Reply::ok(with_context(call, "subscriptions/$entity", shown(&own(call, key)?)))),
        ("PATCH", [key]) => renew(call, &own(call, key)?),
        ("DELETE", [key]) => {
            call.sim.subscriptions().remove(own(call, key)?.id);
            Ok(Reply::no_content())
        }
        ("POST", [key, "reauthorize"]) => {
            call.sim.subscriptions().change(own(call, key)?.id, |subscription| subscription.challenged = None);
            Ok(Reply::no_content())
        }
        (_, [] | [_] | [_, "reauthorize"]) => Err(Failure::method()),
        (_, [_, segment, ..]) => Err(Failure::segment(segment)),
    }
}

/// The subscription with that id, if it belongs to the calling application.
fn own(call: &Call<'_>, key: &str) -> Result<Subscription, Failure> {
    let id = id(key)?;
    let found = call.sim.subscriptions().of(call.client, call.tenant.id).into_iter().find(|known| known.id == id);
    found.ok_or_else(|| Failure::new(404, "ResourceNotFound", "The object was not found."))
}

fn renew(call: &Call<'_>, subscription: &Subscription) -> Answer {
    let body = call.object()?;
    if let Some(other) = body.keys().find(|name| *name != "expirationDateTime" && !name.contains('@')) {
        return Err(invalid(&format!("Property '{other}' of a subscription cannot be changed.")));
    }
    let now = OffsetDateTime::now_utc();
    let life = life(call, &body, now)?;
    let renewed = call.sim.subscriptions().change(subscription.id, |known| known.extend(now, life));
    let renewed = renewed.ok_or_else(|| Failure::new(404, "ResourceNotFound", "The object was not found."))?;
    Ok(Reply::ok(with_context(call, "subscriptions/$entity", shown(&renewed))))
}

fn described(call: &Call<'_>, body: &Map<String, Json>) -> Result<Subscription, Failure> {
    let text = |name: &str| body.get(name).and_then(Json::as_str).filter(|text| !text.is_empty());
    let needed = |name: &str| text(name).ok_or_else(|| invalid(&format!("The {name} field is required.")));
    let (change_type, resource) = (needed("changeType")?, needed("resource")?);
    if let Some(other) = change_type.split(',').find(|change| !["created", "updated", "deleted"].contains(&change.trim())) {
        return Err(invalid(&format!("Invalid 'changeType' attribute: '{other}'.")));
    }
    let kind = match resource.trim_matches('/') {
        "users" => ObjectKind::User,
        "groups" => ObjectKind::Group,
        other => return Err(invalid(&format!("Resource '{other}' is not supported for subscriptions."))),
    };
    let client_state = text("clientState").map(str::to_owned);
    if client_state.as_ref().is_some_and(|state| state.chars().count() > CLIENT_STATE_MAX) {
        return Err(invalid("The clientState is longer than 128 characters."));
    }
    let now = OffsetDateTime::now_utc();
    let mut subscription = Subscription {
        id: Uuid::new_v4(),
        tenant: (Arc::clone(&call.tenant.name), call.tenant.id),
        client: call.client,
        kind,
        resource: resource.to_owned(),
        change_type: change_type.to_owned(),
        url: endpoint(needed("notificationUrl")?)?,
        lifecycle_url: text("lifecycleNotificationUrl").map(endpoint).transpose()?,
        client_state,
        expires: now,
        challenge_at: now,
        challenged: None,
        missing: false,
    };
    subscription.extend(now, life(call, body, now)?);
    Ok(subscription)
}

/// The requested lifetime. It must be positive and at most [`LIFE_MAX`]; a shorter one than `life_min` is extended to that.
fn life(call: &Call<'_>, body: &Map<String, Json>, now: OffsetDateTime) -> Result<Duration, Failure> {
    let expires = body.get("expirationDateTime").and_then(Json::as_str).and_then(parse_time);
    let expires = expires.ok_or_else(|| invalid("The expirationDateTime field is required."))?;
    let life = Duration::try_from(expires - now).map_err(|_| invalid("Subscription expiration must be in the future."))?;
    if life > LIFE_MAX {
        return Err(invalid("Subscription expiration can only be 41760 minutes in the future."));
    }
    Ok(life.max(call.sim.subscriptions().delivery().life_min))
}

/// Parses a notification URL. Graph requires https; the simulator also accepts http to a loopback address.
fn endpoint(text: &str) -> Result<Url, Failure> {
    let url = Url::parse(text).map_err(|_| invalid("The notification URL is not valid."))?;
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if url.scheme() == "https" || url.scheme() == "http" && loopback { Ok(url) } else { Err(invalid("Notification URL must be https.")) }
}

fn shown(subscription: &Subscription) -> Json {
    json!({
        "id": subscription.id.to_string(),
        "resource": subscription.resource,
        "applicationId": subscription.client.to_string(),
        "creatorId": subscription.client.to_string(),
        "changeType": subscription.change_type,
        // Never returned: a reader of subscriptions could forge notifications with it.
        "clientState": null,
        "notificationUrl": subscription.url.as_str(),
        "lifecycleNotificationUrl": subscription.lifecycle_url.as_ref().map(Url::as_str),
        "expirationDateTime": format_time(subscription.expires),
        "includeResourceData": null,
        "latestSupportedTlsVersion": "v1_2",
        "notificationQueryOptions": null,
        "encryptionCertificate": null,
        "encryptionCertificateId": null,
        "notificationUrlAppId": null,
    })
}

fn invalid(message: &str) -> Failure {
    Failure::new(400, "InvalidRequest", message)
}
