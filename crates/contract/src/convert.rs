//! Conversion between messages and domain values, one file per message.
//!
//! Conversion to a message never fails. Conversion from a message fails in two ways, which the consumer handles differently. A record of a
//! *newer writer* needs a newer reader, so the consumer stops the partition. A field that is invalid in every version of the contract makes
//! the consumer dead-letter the record.

mod decision;
mod link;
mod outcome;
mod resource;
mod tenant_fact;
mod time;
mod user_delta;
mod value;
mod version;

pub use link::LinkRecord;
pub use time::{time, wire_time};
pub use value::{attributes, wire_attributes};

use xtsync_domain::{TenantName, is_id};

/// Why a decoded message is not a valid domain value. It names the field and never quotes the value, which may be personal data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// A `oneof` is unset, or a `oneof` or enum has a value that only a newer version knows. The consumer stops the partition. It never
    /// means that the object is gone.
    #[error("{0} is unset or was written by a newer version")]
    NewerWriter(&'static str),
    /// A field is missing or invalid in every version of the contract. The consumer dead-letters the record.
    #[error("field {0}: {1}")]
    Field(&'static str, String),
}

impl Invalid {
    /// Returns the stable code, which is the `reason` of a dead letter.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NewerWriter(_) => "newer_writer",
            Self::Field(..) => "invalid_field",
        }
    }
}

/// Returns the code of an enum value, such as `out_of_scope`: its protobuf name in lower case, without the prefix of its enum.
#[must_use]
pub fn code(name: &str, prefix: &str) -> String {
    name.trim_start_matches(prefix).to_lowercase()
}

/// Unwraps a field that the contract requires.
fn required<T>(field: &'static str, value: Option<T>) -> Result<T, Invalid> {
    value.ok_or_else(|| missing(field))
}

fn missing(field: &'static str) -> Invalid {
    Invalid::Field(field, "is missing".to_owned())
}

/// Reads an id: opaque text, not empty and without control characters.
fn id<T: From<String>>(field: &'static str, text: String) -> Result<T, Invalid> {
    match text {
        text if text.is_empty() => Err(missing(field)),
        text if is_id(&text) => Ok(text.into()),
        _ => Err(Invalid::Field(field, "has control characters".to_owned())),
    }
}

fn tenant(field: &'static str, text: String) -> Result<TenantName, Invalid> {
    if text.is_empty() {
        return Err(missing(field));
    }
    // The domain's error quotes the text, which may be personal data here.
    TenantName::new(text).map_err(|_| Invalid::Field(field, "is no name of a tenant".to_owned()))
}

/// Reads an enum value. An unknown number was written by a newer version.
fn enumeration<T: TryFrom<i32>>(field: &'static str, number: i32) -> Result<T, Invalid> {
    T::try_from(number).map_err(|_| Invalid::NewerWriter(field))
}

#[cfg(test)]
mod tests {
    use xtsync_domain::UserId;

    use super::*;

    #[test]
    fn errors_name_the_field_and_never_quote_it() {
        let long = "Ana Gómez, ana@emea.example";
        assert_eq!(tenant("tenant", long.to_owned()).unwrap_err().to_string(), "field tenant: is no name of a tenant");
        for (text, want) in [("", "field user_id: is missing"), ("a\0b", "field user_id: has control characters")] {
            assert_eq!(id::<UserId>("user_id", text.to_owned()).unwrap_err().to_string(), want);
        }
    }
}
