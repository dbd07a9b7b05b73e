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

pub use decision::DecisionRecord;
pub use link::LinkRecord;
pub use time::{time, wire_time};
pub use value::{attributes, wire_attributes};

use xtsync_domain::TenantName;

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

/// An id: opaque, but never empty.
fn id<T: From<String>>(field: &'static str, text: String) -> Result<T, Invalid> {
    if text.is_empty() { Err(missing(field)) } else { Ok(text.into()) }
}

fn tenant(field: &'static str, text: String) -> Result<TenantName, Invalid> {
    if text.is_empty() {
        return Err(missing(field));
    }
    TenantName::new(text).map_err(|error| Invalid::Field(field, error.to_string()))
}

/// An enum's value; a number we do not know was written by a newer version.
fn enumeration<T: TryFrom<i32>>(field: &'static str, number: i32) -> Result<T, Invalid> {
    T::try_from(number).map_err(|_| Invalid::NewerWriter(field))
}
