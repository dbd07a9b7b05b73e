//! Gives an OAUTHBEARER token to a Kafka client that never requests one: the admin client (rust-rdkafka#757).
//!
//! The library requests a token by an event on the client's main queue. Producers and consumers poll that queue; the admin client does not.

use std::ffi::{CStr, CString, c_char};
use std::ptr;

use rdkafka::ClientContext;
use rdkafka::bindings::rd_kafka_oauthbearer_set_token;
use rdkafka::client::{Client, OAuthToken};
use rdkafka::types::RDKafkaRespErr;

/// The longest error text that the library may write, in bytes.
const ERROR_BYTES: usize = 512;

/// Gives a client the token for its next logins.
///
/// # Errors
/// If the library refuses the token: it has expired, or has characters that RFC 6750 does not allow; if the client does not log in by
/// OAUTHBEARER. The text says which, without the token.
pub fn set_token<C: ClientContext>(client: &Client<C>, token: &OAuthToken) -> Result<(), String> {
    let text = CString::new(token.token.as_str()).map_err(|_| "the token contains a NUL".to_owned())?;
    let principal = CString::new(token.principal_name.as_str()).map_err(|_| "the principal contains a NUL".to_owned())?;
    let mut error = [0 as c_char; ERROR_BYTES];
    // SAFETY: the client owns the handle and is borrowed for the whole call. Both strings end with a NUL and live until the call returns; the
    // library copies them. No extension is passed, with their count of zero. The buffer is as long as stated.
    #[expect(unsafe_code)]
    let code = unsafe {
        rd_kafka_oauthbearer_set_token(
            client.native_ptr(),
            text.as_ptr(),
            token.lifetime_ms,
            principal.as_ptr(),
            ptr::null_mut(),
            0,
            error.as_mut_ptr(),
            error.len(),
        )
    };
    if code == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
        return Ok(());
    }
    let bytes: Vec<u8> = error.iter().map(|byte| byte.cast_unsigned()).collect();
    Err(CStr::from_bytes_until_nul(&bytes).map_or_else(|_| String::new(), |text| text.to_string_lossy().into_owned()))
}

#[cfg(test)]
mod tests {
    use rdkafka::ClientConfig;
    use rdkafka::producer::{BaseProducer, Producer as _};

    use super::*;

    fn token(text: &str, lifetime_ms: i64) -> OAuthToken {
        OAuthToken { token: text.to_owned(), principal_name: "xtsync".to_owned(), lifetime_ms }
    }

    fn client(mechanism: &str) -> BaseProducer {
        let mut config = ClientConfig::new();
        config.set("security.protocol", "sasl_ssl").set("sasl.mechanism", mechanism).set("sasl.username", "u").set("sasl.password", "p");
        config.create().expect("a client without brokers")
    }

    #[test]
    fn a_token_is_taken_or_refused_with_the_reason() {
        let (oauth, scram) = (client("OAUTHBEARER"), client("SCRAM-SHA-512"));
        assert_eq!(set_token(oauth.client(), &token("abc.def.ghi", i64::MAX / 1000)), Ok(()));
        assert_eq!(set_token(oauth.client(), &token("a\0b", i64::MAX / 1000)), Err("the token contains a NUL".to_owned()));
        let expired = set_token(oauth.client(), &token("abc.def.ghi", 1)).unwrap_err();
        assert!(expired.starts_with("Must supply an unexpired token"), "{expired}");
        let other = set_token(scram.client(), &token("abc.def.ghi", i64::MAX / 1000)).unwrap_err();
        assert_eq!(other, "SASL/OAUTHBEARER is not the configured authentication mechanism");
    }
}
