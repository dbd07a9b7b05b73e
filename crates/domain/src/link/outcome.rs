//! Outcomes: what was done for a link, attribute by attribute, for subscribers.

use std::time::Duration;

use super::Verb;
use crate::{TargetId, TenantName, Timestamp, UserId, Value, Version};

/// One change that was applied, failed permanently, or is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Its id, unique for ever.
    pub id: String,
    /// The user's home tenant.
    pub source: TenantName,
    /// The user's id in that tenant.
    pub user: UserId,
    /// The target tenant.
    pub target: TenantName,
    /// For which synchronization.
    pub synchronization: String,
    /// What was done.
    pub verb: Verb,
    /// By which decision.
    pub version: Version,
    /// Which attributes were written.
    pub changes: Vec<Change>,
    /// From the first call for it to the last answer.
    pub took: Duration,
    /// How it ended.
    pub ending: Ending,
    /// When the detector first saw the change behind it.
    pub first_seen: Timestamp,
    /// When it ended.
    pub at: Timestamp,
    /// The object, if there is one.
    pub target_id: Option<TargetId>,
}

/// One attribute's change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its name.
    pub attribute: String,
    /// The value before, as far as the link recorded it.
    pub before: Option<Value>,
    /// The value now.
    pub after: Value,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// It was done.
    Done,
    /// It failed and is not retried until something changes; the stable code.
    Failed(String),
    /// It waits until an administrator opens the gate, or lifts a veto or a reject; the stable code. Published once.
    Held(String),
}
