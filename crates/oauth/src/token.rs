//! A token as the endpoint grants it (RFC 6749, section 5.1).

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::Value as Json;

/// The shortest lifetime that is believed, so that the endpoint is not asked before each request.
const LIFE_MIN: Duration = Duration::from_secs(2);

/// The longest. Source: Microsoft Entra, "Configurable token lifetimes": a day, or 28 hours with continuous access evaluation.
const LIFE_MAX: Duration = Duration::from_secs(28 * 60 * 60);

/// The lifetime of a token that does not state it, since stating it is only recommended.
const LIFE_DEFAULT: Duration = Duration::from_secs(5 * 60);

/// A granted token.
#[derive(Debug, Clone)]
pub struct Token {
    /// The token. It can be sent in a header.
    pub bearer: SecretString,
    /// How long it is valid from the request on, between two seconds and 28 hours.
    pub lasts: Duration,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    /// In seconds, as a number; older endpoints send it as text.
    expires_in: Option<Json>,
}

impl Token {
    /// Reads a granted token.
    ///
    /// # Errors
    /// If it is none; the text does not quote the answer, because the answer may contain a token.
    pub(crate) fn read(body: &[u8]) -> Result<Self, &'static str> {
        const UNEXPECTED: &str = "the token endpoint's answer is not the json expected";
        let granted: Granted = serde_json::from_slice(body).map_err(|_| UNEXPECTED)?;
        let lasts = granted.expires_in.as_ref().map_or(Some(LIFE_DEFAULT), life).ok_or(UNEXPECTED)?;
        let bearer = SecretString::from(granted.access_token);
        if is_bearer(&bearer) { Ok(Self { bearer, lasts }) } else { Err("a token that cannot be a header") }
    }
}

/// The lifetime; `None` if it is no number of seconds. Fractions count, and infinity is the upper bound.
fn life(stated: &Json) -> Option<Duration> {
    let seconds = match stated {
        Json::Number(number) => number.as_f64()?,
        Json::String(text) => text.trim().parse().ok()?,
        Json::Null => return Some(LIFE_DEFAULT),
        Json::Bool(_) | Json::Array(_) | Json::Object(_) => return None,
    };
    (seconds >= 0.0).then(|| Duration::try_from_secs_f64(seconds).unwrap_or(LIFE_MAX).clamp(LIFE_MIN, LIFE_MAX))
}

/// Whether a token can be sent in a header (RFC 6750, section 2.1): a client that keeps one that cannot fails until it expires.
fn is_bearer(token: &SecretString) -> bool {
    let token = token.expose_secret();
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_token_lifetime_is_bounded_in_every_form() {
        for (stated, want) in [
            (json!(3599), Some(3599)),
            (json!("3599"), Some(3599)),
            (json!(9_223_372_036_854_775_807_u64), Some(28 * 60 * 60)),
            (json!(u64::MAX), Some(28 * 60 * 60)),
            (json!(1e300), Some(28 * 60 * 60)),
            (json!("inf"), Some(28 * 60 * 60)),
            (json!(0), Some(2)),
            (json!(null), Some(300)),
            (json!(-1), None),
            (json!("NaN"), None),
            (json!("soon"), None),
            (json!([7]), None),
        ] {
            let body = json!({"access_token": "a", "expires_in": stated}).to_string();
            let lasts = Token::read(body.as_bytes()).ok().map(|token| token.lasts);
            assert_eq!(lasts, want.map(Duration::from_secs), "{stated}");
        }
        assert_eq!(Token::read(br#"{"access_token":"a"}"#).unwrap().lasts, LIFE_DEFAULT);
    }

    #[test]
    fn a_token_that_cannot_be_a_header_is_none() {
        for (token, want) in [("eyJ0.e-_~+/=", true), ("", false), ("a\nb", false), ("a b", false), ("a\0b", false), ("é", false)] {
            let body = json!({"access_token": token}).to_string();
            assert_eq!(Token::read(body.as_bytes()).is_ok(), want, "{token:?}");
        }
    }

    #[test]
    fn an_error_quotes_nothing_of_the_answer() {
        for body in [r#"{"access_token":["hunter2"]}"#, r#"{"access_token":"hunter2","expires_in":{}}"#, "hunter2", "\"hunter2\""] {
            let error = Token::read(body.as_bytes()).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
