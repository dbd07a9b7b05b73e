//! What a text says of its time zone.

/// What a text said of its time zone: `K` writes the same again. The moment itself is always in UTC, which is also the local time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Zone {
    /// Nothing.
    Unsaid,
    /// That it is UTC.
    Utc,
    /// An offset, which was taken off.
    Offset,
}
