//! Why an endpoint grants no token (RFC 6749, section 5.2).

use serde::Deserialize;

/// A refusal, as the endpoint words it. None of its texts is bounded but by the size of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Denial {
    /// The error code, such as `invalid_client`.
    pub error: String,
    /// Microsoft Entra's own numbers, the first of which names the cause.
    #[serde(default)]
    error_codes: Vec<u64>,
    /// For users; it may name them.
    #[serde(default)]
    error_description: String,
    /// Microsoft Entra's id of the request.
    #[serde(default)]
    pub trace_id: String,
}

impl Denial {
    /// Reads a refusal; `None` if the body is none.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// Microsoft Entra's number (AADSTS) of the cause: 7000222 is an expired secret.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        self.error_codes.first().copied().or_else(|| number(&self.error_description))
    }
}

/// The number that a description begins with, as in `AADSTS7000222: The provided client secret keys …`.
fn number(description: &str) -> Option<u64> {
    let (_, rest) = description.split_once("AADSTS")?;
    let digits = rest.find(|letter: char| !letter.is_ascii_digit()).map_or(rest, |end| &rest[..end]);
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_stands_in_the_codes_or_begins_the_description() {
        for (body, want) in [
            (r#"{"error":"invalid_client","error_codes":[7000222],"trace_id":"t-1"}"#, Some(7_000_222)),
            (r#"{"error":"invalid_client","error_description":"AADSTS7000222: The secret of app 'a' has expired."}"#, Some(7_000_222)),
            (r#"{"error":"invalid_client","error_description":"AADSTS"}"#, None),
            (r#"{"error":"invalid_client"}"#, None),
        ] {
            assert_eq!(Denial::read(body.as_bytes()).unwrap().number(), want, "{body}");
        }
        assert_eq!(Denial::read(b"<html>"), None);
    }
}
