//! An operation and its actor: the authenticated identity and the declared name.
//!
//! All administrators share one token, so only the declared name distinguishes them. It is recorded beside the identity and never
//! replaces it.

use xtsync_domain::Timestamp;

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

/// The actor, verb and time of an operation, for the audit trail.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operation<'a> {
    /// The actor.
    pub(crate) actor: Actor<'a>,
    /// The verb: `apply`, `resolve`, `pin`, `confirm`, `rename`, or the name of a command.
    pub(crate) verb: &'static str,
    /// The time.
    pub(crate) now: Timestamp,
}
