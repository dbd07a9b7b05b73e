//! Access tokens by OAuth 2 client credentials: asked for when needed, kept until shortly before they expire.
//!
//! One request for a token is under way at a time; those who wait for it share its outcome, also a failure. The secret is read from its
//! file at each request, so that a rotated one is seen, and is in no error or log.

use std::time::Duration;

use reqwest::{Client, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value as Json;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::debug;
use url::Url;
use xtsync_domain::{DirectoryAnswer, Refusal};
use xtsync_secrets::TenantSecrets;

use super::limit::Size;
use super::request::Effect;
use super::section;
use super::section::Graph;
use super::{Options, answer, bounded, refusal, retry_after};
use xtsync_directory::{Error, Result};
use xtsync_domain::resource::SecretRef;

/// A token is renewed this long before it expires, so that it does not expire on its way.
const RENEW_BEFORE: Duration = Duration::from_secs(120);
/// The largest answer of a token endpoint.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// The longest token; a longer one no server takes in a header.
const TOKEN_BYTES_MAX: usize = 64 * 1024;
/// The shortest life of a token that is believed, so that the endpoint is not asked before each request.
const LIFE_MIN: Duration = Duration::from_secs(2);
/// The longest. Source: Microsoft Entra, "Configurable token lifetimes": a day, or 28 hours with continuous access evaluation.
const LIFE_MAX: Duration = Duration::from_secs(28 * 60 * 60);
/// The life of a token that does not say how long it lasts (RFC 6749, section 5.1, only recommends it).
const LIFE_DEFAULT: Duration = Duration::from_secs(5 * 60);

/// The tokens of one application in one tenant.
pub(super) struct Tokens {
    client: Client,
    url: Url,
    scope: String,
    client_id: String,
    secret: SecretRef,
    secrets: TenantSecrets,
    body_bytes_max: usize,
    cached: Mutex<CachedToken>,
}

#[derive(Default)]
struct CachedToken {
    token: Option<Token>,
    /// The last failure and when it was known.
    failed: Option<(Instant, Error)>,
}

#[derive(Clone)]
struct Token {
    bearer: SecretString,
    renew_at: Instant,
}

#[derive(Deserialize)]
struct TokenResponse {
    access_token: String,
    /// In seconds, as a number; older endpoints send it as text.
    expires_in: Option<Json>,
}

#[derive(Deserialize)]
struct TokenError {
    error: String,
    /// Microsoft Entra's own numbers, the first of which says what it is about.
    #[serde(default)]
    error_codes: Vec<u64>,
    #[serde(default)]
    error_description: String,
    #[serde(default)]
    trace_id: String,
}

/// What Microsoft Entra's numbers say of credentials, in our words.
///
/// Source: Microsoft Entra, "Authentication and authorization error codes" (AADSTS).
const AADSTS_CODES: &[(u64, &str)] = &[
    (7_000_222, "secret_expired"),
    (7_000_215, "secret_invalid"),
    (7_000_216, "secret_missing"),
    (7_000_218, "secret_missing"),
    (7_000_112, "application_disabled"),
    (700_016, "application_unknown"),
    (700_027, "certificate_invalid"),
    (90_002, "tenant_unknown"),
    (900_021, "tenant_unknown"),
    (900_023, "tenant_unknown"),
    (500_011, "resource_unknown"),
    (65_001, "consent_missing"),
    (53_003, "conditional_access"),
    (50_057, "account_disabled"),
];

impl Tokens {
    /// The tokens of that application in that tenant; asks for none yet.
    pub(super) fn new(client: Client, graph: &Graph, application: &section::Client, options: &Options) -> Result<Self> {
        let mut url = graph.authority.clone();
        url.path_segments_mut()
            .map_err(|()| Error::Malformed { reason: "an authority that has no paths".to_owned() })?
            .pop_if_empty()
            .extend([&graph.domain, "oauth2", "v2.0", "token"]);
        Ok(Self {
            client,
            url,
            scope: format!("{}/.default", graph.endpoint.as_str().trim_end_matches('/')),
            client_id: application.client_id.clone(),
            secret: application.client_secret.clone(),
            secrets: options.secrets.clone(),
            body_bytes_max: options.body_bytes_max.min(Size::Token.bytes_max()),
            cached: Mutex::default(),
        })
    }

    /// A token that holds for a while yet.
    pub(super) async fn bearer(&self) -> Result<SecretString> {
        let asked = Instant::now();
        let mut cached = self.cached.lock().await;
        if let Some(token) = cached.token.as_ref().filter(|token| asked < token.renew_at) {
            return Ok(token.bearer.clone());
        }
        match &cached.failed {
            Some((known, error)) if *known >= asked => return Err(error.clone()),
            Some(_) | None => {}
        }
        match self.ask().await.map_err(as_tenant_wide) {
            Ok(token) => {
                *cached = CachedToken { token: Some(token.clone()), failed: None };
                Ok(token.bearer)
            }
            Err(error) => {
                *cached = CachedToken { token: None, failed: Some((Instant::now(), error.clone())) };
                Err(error)
            }
        }
    }

    /// Forgets a token that Graph refused, unless another has taken its place already.
    pub(super) async fn discard(&self, refused: &SecretString) {
        let mut cached = self.cached.lock().await;
        cached.token = cached.token.take().filter(|token| token.bearer.expose_secret() != refused.expose_secret());
    }

    async fn ask(&self) -> Result<Token> {
        let asked = Instant::now();
        let secret = self.secrets.read(&self.secret).await.map_err(|error| Error::Unauthorized { code: error.code().into() })?;
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &self.client_id),
            ("client_secret", secret.expose_secret()),
            ("scope", &self.scope),
        ];
        let sent = self.client.post(self.url.clone()).form(&form).send().await;
        let response = sent.map_err(|error| answer::unanswered(&error, Effect::Read))?;
        let (status, wait) = (response.status(), retry_after::wait(response.headers()));
        debug!(status = status.as_u16(), took = ?asked.elapsed(), "asked for a token");
        let body = answer::body(response, self.body_bytes_max.min(ANSWER_BYTES_MAX), Effect::Read).await?;
        if !status.is_success() {
            return Err(denied(status, wait, &body));
        }
        let granted: TokenResponse = Size::Token.read(&body).ok_or_else(malformed)?;
        let lasts = granted.expires_in.as_ref().map_or(Some(LIFE_DEFAULT), life).ok_or_else(malformed)?;
        let bearer = SecretString::from(granted.access_token);
        if !is_bearer(&bearer) {
            return Err(Error::Malformed { reason: "a token that cannot be a header".to_owned() });
        }
        // A token that lasts hardly longer than the margin is used for half of its life.
        Ok(Token { bearer, renew_at: asked + lasts.saturating_sub(RENEW_BEFORE).max(lasts / 2) })
    }
}

/// How long a token lasts; `None` where what is said is no number of seconds.
fn life(response: &Json) -> Option<Duration> {
    let seconds = match response {
        Json::Number(number) => number.as_f64()?,
        Json::String(text) => text.trim().parse().ok()?,
        Json::Null => return Some(LIFE_DEFAULT),
        Json::Bool(_) | Json::Array(_) | Json::Object(_) => return None,
    };
    bounded::seconds(seconds, LIFE_MIN, LIFE_MAX)
}

/// Whether a token can be sent in a header (RFC 6750, section 2.1, without counting its letters): one that cannot must not be kept, or
/// every request would fail until it expires.
fn is_bearer(token: &SecretString) -> bool {
    let token = token.expose_secret();
    (1..=TOKEN_BYTES_MAX).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic())
}

impl TokenError {
    /// Our code, with the number and the error beside it.
    fn refusal(&self, status: u16) -> Refusal {
        let number = self.error_codes.first().copied().or_else(|| number(&self.error_description));
        let error = refusal::code(&self.error);
        let own = AADSTS_CODES.iter().find(|(known, _)| number == Some(*known)).map(|(_, own)| (*own).to_owned());
        let answer = DirectoryAnswer {
            status,
            code: number.map_or_else(|| error.clone(), |number| format!("AADSTS{number}")),
            message_class: error.clone(),
            request_id: if self.trace_id.is_empty() { String::new() } else { refusal::code(&self.trace_id) },
        };
        Refusal { code: own.unwrap_or(error), answer: Some(Box::new(answer)) }
    }
}

/// The number that a description begins with, as in `AADSTS7000222: The provided client secret keys …`.
fn number(description: &str) -> Option<u64> {
    let (_, rest) = description.split_once("AADSTS")?;
    let digits = rest.find(|letter: char| !letter.is_ascii_digit()).map_or(rest, |end| &rest[..end]);
    digits.parse().ok()
}

fn denied(status: StatusCode, wait: Option<Duration>, body: &[u8]) -> Error {
    let response = Size::Token.read::<TokenError>(body);
    match (status.as_u16(), wait, response) {
        (429, wait, _) => Error::Throttled { wait: wait.unwrap_or(retry_after::DEFAULT) },
        (500..=599, Some(wait), _) => Error::Throttled { wait },
        (500..=599, None, _) => Error::Unavailable { reason: format!("the token endpoint answered status {}", status.as_u16()) },
        (_, _, Some(response)) if response.error == "temporarily_unavailable" => Error::Unavailable { reason: response.error },
        (_, _, Some(response)) => Error::Unauthorized { code: response.refusal(status.as_u16()) },
        (_, _, None) => malformed(),
    }
}

/// No request gets anywhere without a token, so what fails for one fails for all.
fn as_tenant_wide(error: Error) -> Error {
    match error {
        Error::Failing { reason, .. } => Error::Unavailable { reason },
        error => error,
    }
}

fn malformed() -> Error {
    Error::Malformed { reason: "the token endpoint's answer is not the json expected".to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_token_lifetime_is_bounded_in_every_form() {
        for (response, want) in [
            (json!(3599), Some(3599)),
            (json!("3599"), Some(3599)),
            (json!(9_223_372_036_854_775_807_u64), Some(28 * 60 * 60)),
            (json!(u64::MAX), Some(28 * 60 * 60)),
            (json!(1e300), Some(28 * 60 * 60)),
            (json!("inf"), Some(28 * 60 * 60)),
            (json!(0), Some(2)),
            (json!(null), Some(300)),
            (json!(-1), None),
            (json!("soon"), None),
            (json!([7]), None),
        ] {
            assert_eq!(life(&response), want.map(Duration::from_secs), "{response}");
        }
    }

    #[test]
    fn a_token_that_cannot_be_a_header_is_none() {
        for (token, want) in [("eyJ0.e-_~+/=", true), ("", false), ("a\nb", false), ("a b", false), ("a\0b", false), ("é", false)] {
            assert_eq!(is_bearer(&token.to_owned().into()), want, "{token:?}");
        }
        assert!(!is_bearer(&"x".repeat(TOKEN_BYTES_MAX + 1).into()));
    }

    #[test]
    fn k_67_refused_credentials_are_named_by_what_is_wrong_with_them() {
        for (body, code, theirs) in [
            (r#"{"error":"invalid_client","error_codes":[7000222],"trace_id":"t-1"}"#, "secret_expired", "AADSTS7000222"),
            (
                r#"{"error":"invalid_client","error_description":"AADSTS7000222: The provided client secret keys for app 'a' are expired."}"#,
                "secret_expired",
                "AADSTS7000222",
            ),
            (r#"{"error":"invalid_client","error_codes":[7000215]}"#, "secret_invalid", "AADSTS7000215"),
            (r#"{"error":"unauthorized_client","error_codes":[700016]}"#, "application_unknown", "AADSTS700016"),
            (r#"{"error":"invalid_request","error_codes":[90002]}"#, "tenant_unknown", "AADSTS90002"),
            (
                r#"{"error":"invalid_request","error_description":"AADSTS900023: Specified tenant identifier 'x' is neither"}"#,
                "tenant_unknown",
                "AADSTS900023",
            ),
            (r#"{"error":"invalid_client","error_codes":[1]}"#, "invalid_client", "AADSTS1"),
            (r#"{"error":"invalid_client"}"#, "invalid_client", "invalid_client"),
            (r#"{"error":"no word at all","error_description":"AADSTS"}"#, "unreadable_code", "unreadable_code"),
        ] {
            let Error::Unauthorized { code: refusal } = denied(StatusCode::UNAUTHORIZED, None, body.as_bytes()) else { panic!("{body}") };
            assert_eq!((refusal.code.as_str(), refusal.answer.unwrap().code.as_str()), (code, theirs), "{body}");
        }
    }
}
