//! Attribute values.

use sha2::{Digest as _, Sha256};

use crate::{TenantName, Timestamp, UserId};

/// The value of one attribute. Attribute names are Microsoft Graph's user properties.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Value {
    /// Read and found empty.
    Null,
    /// A text.
    Text(String),
    /// A boolean.
    Flag(bool),
    /// A whole number.
    Number(i64),
    /// Several texts, in the directory's order.
    Texts(Vec<String>),
    /// A point in time.
    Time(Timestamp),
    /// A reference to another user of a source tenant.
    Reference(Reference),
    /// Bytes.
    Binary(Vec<u8>),
}

/// A reference to a user of a source tenant, such as a user's manager.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    /// The user's home tenant.
    pub tenant: TenantName,
    /// The user's id in that tenant.
    pub user: UserId,
}

impl Value {
    /// The approximate size in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::Null | Self::Flag(_) => 1,
            Self::Number(_) | Self::Time(_) => 8,
            Self::Text(text) => text.len(),
            Self::Texts(texts) => texts.iter().map(|text| text.len() + 4).sum(),
            Self::Reference(reference) => reference.user.as_str().len() + 48,
            Self::Binary(bytes) => bytes.len(),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

pub(super) fn digest_value(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Null => put(hash, 1, b""),
        Value::Text(text) => put(hash, 2, text.as_bytes()),
        Value::Flag(flag) => put(hash, 3, &[u8::from(*flag)]),
        Value::Number(number) => put(hash, 4, &number.to_be_bytes()),
        Value::Texts(texts) => {
            put(hash, 5, &(texts.len() as u64).to_be_bytes());
            texts.iter().for_each(|text| put(hash, 2, text.as_bytes()));
        }
        Value::Time(time) => put(hash, 6, &time.0.to_be_bytes()),
        Value::Reference(reference) => {
            put(hash, 7, reference.tenant.as_str().as_bytes());
            put(hash, 7, reference.user.as_str().as_bytes());
        }
        Value::Binary(bytes) => put(hash, 8, bytes),
    }
}

/// Adds bytes with their kind and length, so that no two sequences of them are the same to a digest.
pub(crate) fn put(hash: &mut Sha256, kind: u8, bytes: &[u8]) {
    hash.update([kind]);
    hash.update((bytes.len() as u64).to_be_bytes());
    hash.update(bytes);
}
