//! Access tokens by OAuth 2 client credentials (RFC 6749, section 4.4): one request to a token endpoint, and what it answers.
//!
//! The `oauth2` crate was not taken: it reads the whole answer whatever its size, takes a lifetime as a number only and does not bound it.

mod denial;
mod token;

use reqwest::header::HeaderMap;
use reqwest::{Client, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::Instant;
use tracing::debug;
use url::Url;

pub use self::denial::Denial;
pub use self::token::Token;

/// The largest answer that is read: a token that fits into a header, and what describes it.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The token endpoint.
    pub url: &'a Url,
    /// The client id.
    pub client_id: &'a str,
    /// The client's secret.
    pub secret: &'a SecretString,
    /// The requested scope.
    pub scope: Option<&'a str>,
}

/// Why there is no token. No text contains the secret or a part of the answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no complete answer.
    #[error("the token endpoint gave no complete answer")]
    Unanswered(#[source] reqwest::Error),
    /// The endpoint refuses.
    #[error("the token endpoint answers {status}")]
    Denied {
        /// The status.
        status: StatusCode,
        /// The headers, which may name a time to wait.
        headers: HeaderMap,
        /// The reason, where the body is that of RFC 6749, section 5.2.
        denial: Option<Denial>,
    },
    /// The answer is none that an endpoint gives.
    #[error("{0}")]
    Malformed(&'static str),
}

impl Request<'_> {
    /// Asks for a token. The client bounds the time.
    ///
    /// # Errors
    /// If the endpoint gives no complete answer, refuses, or answers something else than a token.
    pub async fn send(&self, http: &Client) -> Result<Token, Error> {
        let asked = Instant::now();
        let (client_id, secret) = (self.client_id, self.secret.expose_secret());
        let mut form = vec![("grant_type", "client_credentials"), ("client_id", client_id), ("client_secret", secret)];
        form.extend(self.scope.map(|scope| ("scope", scope)));
        let response = http.post(self.url.clone()).form(&form).send().await.map_err(Error::Unanswered)?;
        let (status, headers) = (response.status(), response.headers().clone());
        debug!(status = status.as_u16(), took = ?asked.elapsed(), "asked for a token");
        let body = body(response).await?;
        match status.is_success() {
            true => Token::read(&body).map_err(Error::Malformed),
            false => Err(Error::Denied { status, headers, denial: Denial::read(&body) }),
        }
    }
}

/// The body, up to the limit; a longer one is not read further.
async fn body(mut response: reqwest::Response) -> Result<Vec<u8>, Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Error::Unanswered)? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(Error::Malformed("the token endpoint's answer is too large"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
