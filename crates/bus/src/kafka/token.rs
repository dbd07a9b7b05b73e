//! Tokens for OAUTHBEARER. A task keeps a fresh token, because the library requests it in a callback that must not block.

use std::time::Duration;

use rdkafka::client::OAuthToken;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tracing::warn;
use xtsync_domain::Timestamp;
use xtsync_oauth::Request;
use xtsync_runtime::clock::{Clock as _, SystemClock};
use xtsync_runtime::telemetry::chain;

use super::options::{OAuth, read_secret};
use crate::Error;

/// How long one request may take, and how long the start waits for the first token.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// The pause after a failure.
const RETRY_INTERVAL: Duration = Duration::from_secs(2);

/// The newest token, kept fresh until this is dropped.
pub(super) struct Tokens {
    newest: watch::Receiver<Option<Token>>,
    client_id: String,
}

#[derive(Clone)]
struct Token {
    text: SecretString,
    expires: Timestamp,
}

impl Tokens {
    /// Starts the task. It waits for the first token up to a limit, and the task continues after it: until then the bus is unavailable.
    pub(super) async fn start(oauth: OAuth) -> Result<Self, Error> {
        let http = reqwest::Client::builder().timeout(REQUEST_TIMEOUT).redirect(reqwest::redirect::Policy::none()).build();
        let http = http.map_err(|error| Error::Refused(format!("the client of {}: {error}", oauth.token_url)))?;
        // Reads the secret once here, so that a missing file is reported at once. It is read again for each token, because secrets are
        // rotated.
        read_secret(&oauth.secret_file).await?;
        let (sender, mut newest) = watch::channel(None);
        let client_id = oauth.client_id.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = refresh(&http, &oauth, &sender) => {}
                () = sender.closed() => {}
            }
        });
        drop(timeout(REQUEST_TIMEOUT, newest.wait_for(Option::is_some)).await);
        Ok(Self { newest, client_id })
    }

    /// The newest token.
    pub(super) fn current(&self) -> Option<OAuthToken> {
        let token = self.newest.borrow().clone()?;
        Some(OAuthToken {
            token: token.text.expose_secret().to_owned(),
            principal_name: self.client_id.clone(),
            lifetime_ms: token.expires.0 / 1000,
        })
    }
}

/// Fetches a token, and the next one after 70 % of its lifetime; the library requests it after 80 %.
async fn refresh(http: &reqwest::Client, oauth: &OAuth, newest: &watch::Sender<Option<Token>>) {
    loop {
        let pause = match fetch(http, oauth).await {
            Ok((token, life)) => {
                newest.send_replace(Some(token));
                life.mul_f32(0.7).max(RETRY_INTERVAL)
            }
            Err(reason) => {
                warn!(reason, "no token was received for the bus");
                RETRY_INTERVAL
            }
        };
        sleep(pause).await;
    }
}

async fn fetch(http: &reqwest::Client, oauth: &OAuth) -> Result<(Token, Duration), String> {
    let secret = read_secret(&oauth.secret_file).await.map_err(|error| error.to_string())?;
    let request = Request { url: &oauth.token_url, client_id: &oauth.client_id, secret: &secret, scope: oauth.scope.as_deref() };
    let now = SystemClock.now();
    let granted = request.send(http).await.map_err(|error| format!("{}: {}", oauth.token_url, chain(&error)))?;
    Ok((Token { text: granted.bearer, expires: now.plus(granted.lasts) }, granted.lasts))
}
