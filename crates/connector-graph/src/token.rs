//! Access tokens by OAuth 2 client credentials: asked for when needed, kept until shortly before they expire.
//!
//! One request for a token is under way at a time; those who wait for it share its outcome, also a failure. The secret is read from its
//! file at each request, so that a rotated one is seen, and is in no error or log.

use std::time::Duration;

use reqwest::{Client, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;
use xtsync_directory::{Error, Result};
use xtsync_domain::resource::SecretRef;
use xtsync_domain::{DirectoryAnswer, Refusal};
use xtsync_oauth::{Denial, Request};
use xtsync_secrets::TenantSecrets;

use super::request::Effect;
use super::section::{self, Graph};
use super::{Options, answer, refusal, retry_after};

/// A token is renewed this long before it expires, so that it does not expire on its way.
const RENEW_BEFORE: Duration = Duration::from_secs(120);

/// The tokens of one application in one tenant.
pub(super) struct Tokens {
    client: Client,
    url: Url,
    scope: String,
    client_id: String,
    secret: SecretRef,
    secrets: TenantSecrets,
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
        let request = Request { url: &self.url, client_id: &self.client_id, secret: &secret, scope: Some(&self.scope) };
        let xtsync_oauth::Token { bearer, lasts } = request.send(&self.client).await.map_err(failed)?;
        // A token that lasts hardly longer than the margin is used for half of its life.
        Ok(Token { bearer, renew_at: asked + lasts.saturating_sub(RENEW_BEFORE).max(lasts / 2) })
    }
}

fn failed(error: xtsync_oauth::Error) -> Error {
    match error {
        xtsync_oauth::Error::Unanswered(error) => answer::unanswered(&error, Effect::Read),
        xtsync_oauth::Error::Denied { status, headers, denial } => denied(status, retry_after::wait(&headers), denial.as_ref()),
        xtsync_oauth::Error::Malformed(reason) => Error::Malformed { reason: reason.to_owned() },
    }
}

fn denied(status: StatusCode, wait: Option<Duration>, denial: Option<&Denial>) -> Error {
    match (status.as_u16(), wait, denial) {
        (429, wait, _) => Error::Throttled { wait: wait.unwrap_or(retry_after::DEFAULT) },
        (500..=599, Some(wait), _) => Error::Throttled { wait },
        (500..=599, None, _) => Error::Unavailable { reason: format!("the token endpoint answered status {}", status.as_u16()) },
        (_, _, Some(denial)) if denial.error == "temporarily_unavailable" => Error::Unavailable { reason: denial.error.clone() },
        (status, _, Some(denial)) => Error::Unauthorized { code: refused(denial, status) },
        (_, _, None) => Error::Malformed { reason: "the token endpoint's answer is not the json expected".to_owned() },
    }
}

/// Our code, with the number and the error beside it.
fn refused(denial: &Denial, status: u16) -> Refusal {
    let (number, error) = (denial.number(), refusal::code(&denial.error));
    let own = AADSTS_CODES.iter().find(|(known, _)| number == Some(*known)).map(|(_, own)| (*own).to_owned());
    let answer = DirectoryAnswer {
        status,
        code: number.map_or_else(|| error.clone(), |number| format!("AADSTS{number}")),
        message_class: error.clone(),
        request_id: if denial.trace_id.is_empty() { String::new() } else { refusal::code(&denial.trace_id) },
    };
    Refusal { code: own.unwrap_or(error), answer: Some(Box::new(answer)) }
}

/// No request gets anywhere without a token, so what fails for one fails for all.
fn as_tenant_wide(error: Error) -> Error {
    match error {
        Error::Failing { reason, .. } => Error::Unavailable { reason },
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let denial = serde_json::from_str(body).unwrap();
            let Error::Unauthorized { code: refusal } = denied(StatusCode::UNAUTHORIZED, None, Some(&denial)) else { panic!("{body}") };
            assert_eq!((refusal.code.as_str(), refusal.answer.unwrap().code.as_str()), (code, theirs), "{body}");
        }
    }
}
