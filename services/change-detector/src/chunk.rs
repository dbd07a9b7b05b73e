//! How much one transaction does, and where the next one goes on.

use xtsync_domain::GroupId;

/// How many users one transaction handles at most.
pub(crate) const CHUNK: usize = 1_000;

/// How many rows are looked at in one statement at most, where few of them may be concerned.
pub(crate) const WINDOW: usize = 5_000;

/// The key of a row; empty before the first.
pub(crate) type Key = (String, String);

/// What a chunk came to.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    /// The last row that is done; none where that was the last one.
    pub(crate) done: Option<Key>,
    /// Whether a group was taken out of a group.
    pub(crate) unnested: bool,
    /// A group with members that its last listing has not shown, and the one before it has.
    pub(crate) unshown: Option<GroupId>,
}
