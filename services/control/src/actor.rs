//! Who does something: as control has authenticated them, and as they call themselves.
//!
//! One token is for all administrators, so what tells them apart is only what they say. It is kept beside the identity, never in its place.

/// Who does something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Actor<'a> {
    /// Whom control has authenticated: a token by its fingerprint, or a part of control.
    pub(crate) identity: &'a str,
    /// What they call themselves; empty where nothing is said.
    pub(crate) declared: &'a str,
}

impl Actor<'static> {
    /// A part of control.
    pub(crate) fn internal(identity: &'static str) -> Self {
        Self { identity, declared: "" }
    }
}
