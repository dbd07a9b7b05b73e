//! The actor of an operation: the authenticated identity and the declared name.
//!
//! All administrators share one token, so only the declared name distinguishes them. It is recorded beside the identity and never
//! replaces it.

/// The actor of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Actor<'a> {
    /// The authenticated identity: the fingerprint of a token, or the name of a part of control.
    pub(crate) identity: &'a str,
    /// The name that the caller declares; empty if the caller declares none.
    pub(crate) declared: &'a str,
}

impl Actor<'static> {
    /// Returns the actor for a part of control.
    pub(crate) fn internal(identity: &'static str) -> Self {
        Self { identity, declared: "" }
    }
}
