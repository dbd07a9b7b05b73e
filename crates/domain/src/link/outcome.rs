//! What was done for a link, attribute by attribute: the story that subscribers read.

use std::time::Duration;

use super::Verb;
use crate::{TargetId, TenantName, Timestamp, UserId, Value, Version};

/// One thing that was done, failed for good, or is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Its id, unique for ever.
    pub id: String,
    /// The user's home tenant.
    pub source: TenantName,
    /// His id there.
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
    /// What we knew there before.
    pub before: Option<Value>,
    /// What it is now.
    pub after: Value,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// It was done.
    Done,
    /// It failed until something changes; the stable code.
    Failed(String),
    /// It is not done until somebody opens the gate, or lifts a veto or a reject; the stable code. Told once.
    Held(String),
}
