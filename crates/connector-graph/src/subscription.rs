//! Subscriptions: Graph tells of changes by webhook (pitfall R19).
//!
//! Graph asks both endpoints before it answers the creation, so that takes as long as they do. A renewal authorizes again, too.

use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::json;
use xtsync_domain::{Timestamp, is_id};

use super::http::Http;
use xtsync_directory::{Collection, Subscribe, Subscription};
use xtsync_directory::{Error, Result};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    id: String,
    expiration_date_time: String,
}

/// Graph notifies of new and of soft-deleted users as updated; only a permanent deletion is notified as deleted.
const CHANGES: &str = "updated,deleted";

pub(super) async fn subscribe(http: &Http, asked: &Subscribe) -> Result<Subscription> {
    let body = json!({
        "changeType": CHANGES,
        "resource": match asked.of {
            Collection::Users => "users",
            Collection::Groups => "groups",
        },
        "notificationUrl": asked.url.as_str(),
        "lifecycleNotificationUrl": asked.url.as_str(),
        "clientState": asked.client_state.expose_secret(),
        "expirationDateTime": asked.until.to_string(),
    });
    let made: Wire = http.json(&http.post("/subscriptions", &[])?.body(body)).await?;
    if !is_id(&made.id) {
        return Err(Error::Unknown { reason: "a subscription without an id".to_owned() });
    }
    Ok(Subscription { expires: expires(&made, asked.until)?, id: made.id })
}

pub(super) async fn renew(http: &Http, id: &str, until: Timestamp) -> Result<Timestamp> {
    let request = http.patch("/subscriptions/{id}", &[id])?.body(json!({"expirationDateTime": until.to_string()}));
    expires(&http.json(&request).await?, until)
}

pub(super) async fn unsubscribe(http: &Http, id: &str) -> Result<()> {
    match http.call(&http.delete("/subscriptions/{id}", &[id])?).await {
        Ok(_) | Err(Error::NotFound) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Until when it lasts: never longer than was asked for, or it would not be renewed in time.
fn expires(made: &Wire, asked: Timestamp) -> Result<Timestamp> {
    let malformed = || Error::Unknown { reason: "a subscription that expires at no time".to_owned() };
    Timestamp::parse(&made.expiration_date_time).map(|expires| expires.min(asked)).ok_or_else(malformed)
}
