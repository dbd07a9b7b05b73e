//! The numbers of one synchronization, for the status and for gauges.

use xtsync_domain::configuration::NamedSynchronization;

use crate::status::numbers::Numbers;

/// The numbers of one synchronization.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) name: String,
    pub(crate) source: String,
    pub(crate) target: String,
    pub(crate) present: u64,
    pub(crate) disabled: u64,
    pub(crate) deleted: u64,
    pub(crate) undecided: u64,
    pub(crate) waiting: u64,
    pub(crate) grace: u64,
    pub(crate) held: u64,
    pub(crate) conflict: u64,
    pub(crate) refused: u64,
}

impl Counted {
    /// Returns the numbers of shadow users, by state.
    pub(crate) fn users(&self) -> [(&'static str, u64); 3] {
        [("present", self.present), ("disabled", self.disabled), ("deleted", self.deleted)]
    }

    /// Returns the numbers of links that differ from the desired state, by reason.
    pub(crate) fn links(&self) -> [(&'static str, u64); 6] {
        [
            ("undecided", self.undecided),
            ("waiting", self.waiting),
            ("grace", self.grace),
            ("held", self.held),
            ("conflict", self.conflict),
            ("refused", self.refused),
        ]
    }

    /// Returns the numbers of a synchronization.
    pub(crate) fn of(synchronization: &NamedSynchronization, numbers: &Numbers) -> Self {
        Self {
            name: synchronization.name.clone(),
            source: synchronization.source.to_string(),
            target: synchronization.spec.to.to_string(),
            present: numbers.state("present"),
            disabled: numbers.state("disabled"),
            deleted: numbers.state("deleted"),
            undecided: numbers.undecided,
            waiting: numbers.status("waiting") + numbers.unprocessed,
            grace: numbers.status("grace"),
            held: numbers.status("held"),
            conflict: numbers.status("conflict"),
            refused: numbers.status("refused"),
        }
    }
}
