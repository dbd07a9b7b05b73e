//! How urgent a new version of a user is, and what follows from it: one table, so that a leaver overtakes everything else.
//!
//! Pure. [`stamp`] gives the class and the origin of a version; [`pass`] says which due records go out next, and by which urgency of the bus.

use xtsync_bus::Urgency;
use xtsync_domain::delta::{Origin, State};
use xtsync_domain::link::Class;

use crate::projection;

/// What is under way in the tenant when a user is projected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Its first publication.
    Initial,
    /// The result of a full read is being applied.
    Full {
        /// Whether it adds attributes to all users.
        adds_attributes: bool,
    },
    /// Cycles.
    Cycle,
}

/// What decides how urgent a version is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change<'a> {
    /// What was published; none where nothing was.
    pub(crate) before: Option<&'a State>,
    pub(crate) after: &'a State,
    pub(crate) reading: Reading,
    /// Whether the directory reported a change; otherwise the configuration asks for the projection.
    pub(crate) is_reported: bool,
    /// Whether it was projected for the newest projection before.
    pub(crate) is_current: bool,
    /// Class and origin of a version that still waits to be published.
    pub(crate) waiting: Option<(Class, Origin)>,
}

/// How a version is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) class: Class,
    pub(crate) origin: Origin,
    /// Whether this change itself is live, so that the time since it was seen counts.
    pub(crate) is_live: bool,
}

/// The stamp of a new version; none where there is nothing to publish.
pub(crate) fn stamp(change: &Change<'_>) -> Option<Stamp> {
    let is_same = change.before == Some(change.after);
    // An initial cycle may list users who were deleted before. Later, an unknown user whose deletion a cycle reports may have been published
    // by a store that was restored since.
    let is_gone = matches!(change.after, State::Gone(_));
    let was_never_published = change.before.is_none() && is_gone && change.reading == Reading::Initial;
    if was_never_published || (is_same && change.is_current) {
        return None;
    }
    let class = projection::class(change.before, change.after);
    let own = origin(change, class, change.is_reported && !is_same);
    let is_live = own == Origin::Live;
    let own_class = if is_live { class } else { Class::Bulk };
    Some(match change.waiting {
        // The newest version replaces the one that waits, and is as urgent as the more urgent of them.
        Some((waiting, Origin::Live)) => Stamp { class: waiting.min(own_class).min(Class::Live), origin: Origin::Live, is_live },
        Some((waiting, _)) => Stamp { class: waiting.min(own_class), origin: own, is_live },
        None => Stamp { class: own_class, origin: own, is_live },
    })
}

fn origin(change: &Change<'_>, class: Class, is_changed: bool) -> Origin {
    let loses = class.loses_access();
    match (change.reading, is_changed) {
        // A user who loses what they have does not wait for the others.
        (Reading::Initial, _) if !loses || change.before.is_none() => Origin::Initial,
        // What a projection adds to all users is backlog.
        (Reading::Full { adds_attributes }, _) if !loses && (adds_attributes || !change.is_current) => Origin::Replay,
        (_, false) => Origin::Replay,
        (Reading::Initial | Reading::Full { .. } | Reading::Cycle, true) => Origin::Live,
    }
}

/// The due records that are published next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pass {
    /// How many of them, from the most urgent on.
    pub(crate) count: usize,
    /// Whether they wait until the next consumer has capacity.
    pub(crate) needs_capacity: bool,
}

/// The next of these due records, whose classes are in order: leavers alone and at once, other urgent ones before bulk. A batch of
/// `batch_max` urgent records waits for capacity like bulk, so that the next leaver does not stand behind it.
pub(crate) fn pass(due: &[Class], batch_max: usize) -> Pass {
    let leavers = due.partition_point(|class| *class <= Class::Leaver);
    let urgent = due.partition_point(|class| is_urgent(*class));
    match (leavers, urgent) {
        (0, 0) => Pass { count: due.len(), needs_capacity: true },
        (0, urgent) => Pass { count: urgent, needs_capacity: urgent >= batch_max },
        (leavers, _) => Pass { count: leavers, needs_capacity: false },
    }
}

/// The urgency on the bus of records of these classes that go out together.
pub(crate) fn of(mut classes: impl Iterator<Item = Class>) -> Urgency {
    if classes.any(is_urgent) { Urgency::Live } else { Urgency::Bulk }
}

fn is_urgent(class: Class) -> bool {
    class < Class::Bulk
}

#[cfg(test)]
mod tests;
