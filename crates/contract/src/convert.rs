//! Conversion between messages and the domain's values, one file a message.
//!
//! The way out never fails. The way in fails in two ways that call for different acts: what a *newer writer* wrote must wait for a
//! newer reader, so the consumer stops that partition; a field that no version of the contract allows buries the record.

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

/// Why a message that decoded is still no value of ours. It names the field and never quotes a person's data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// A `oneof` is unset, or it or an enum holds what only a newer writer knows: the partition stops, it never means gone.
    #[error("{0} is unset or was written by a newer version")]
    NewerWriter(&'static str),
    /// A field is missing or wrong in every version of the contract: the record is buried.
    #[error("field {0}: {1}")]
    Field(&'static str, String),
}

impl Invalid {
    /// The stable code; of what is buried, the reason in dead letters.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NewerWriter(_) => "newer_writer",
            Self::Field(..) => "invalid_field",
        }
    }
}

/// A field that the contract requires.
fn required<T>(field: &'static str, value: Option<T>) -> Result<T, Invalid> {
    value.ok_or_else(|| missing(field))
}

fn missing(field: &'static str) -> Invalid {
    Invalid::Field(field, "is missing".to_owned())
}

/// An id: opaque, but never empty and without control characters.
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
    // The error of the domain quotes the text, which may be anything here.
    TenantName::new(text).map_err(|_| Invalid::Field(field, "is no name of a tenant".to_owned()))
}

/// An enum's value; a number we do not know was written by a newer version.
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
