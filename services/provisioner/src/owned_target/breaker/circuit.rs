//! One circuit: closed while calls pass, open for a pause after failures, then half-open until one call has shown how it is.

use std::time::Duration;

use xtsync_domain::Timestamp;

/// One circuit.
#[derive(Debug, Default)]
pub(super) struct Circuit {
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    reason: String,
    until: Timestamp,
    /// How often it was opened in a row.
    failures: u32,
}

/// How a circuit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Closed,
    HalfOpen,
    Open,
}

impl Circuit {
    pub(super) fn state(&self, now: Timestamp) -> State {
        match &self.open {
            None => State::Closed,
            Some(open) if now < open.until => State::Open,
            Some(_) => State::HalfOpen,
        }
    }

    /// How often it was opened in a row.
    pub(super) fn failures(&self) -> u32 {
        self.open.as_ref().map_or(0, |open| open.failures)
    }

    /// Opens it for a pause. What fails while it is open was under way together with what opened it, and makes nothing longer.
    pub(super) fn open(&mut self, reason: &str, pause: Duration, now: Timestamp) {
        if self.state(now) != State::Open {
            self.open = Some(Open { reason: reason.to_owned(), until: now.plus(pause), failures: self.failures().saturating_add(1) });
        }
    }

    /// Opens it for as long as was asked for, also where it is open for a shorter time.
    pub(super) fn hold(&mut self, reason: &str, wait: Duration, now: Timestamp) {
        self.open(reason, wait, now);
        self.open.iter_mut().for_each(|open| open.until = open.until.max(now.plus(wait)));
    }

    /// A call has succeeded. Returns the reason for which it was open, if this closes it. What was asked before it was opened does not
    /// say that it may be asked again.
    pub(super) fn succeeded(&mut self, now: Timestamp) -> Option<String> {
        self.open.take_if(|open| open.until <= now).map(|open| open.reason)
    }

    /// Ends its pause.
    pub(super) fn half_open(&mut self, now: Timestamp) {
        self.open.iter_mut().for_each(|open| open.until = open.until.min(now));
    }

    /// Until when it is open.
    pub(super) fn until(&self, now: Timestamp) -> Option<Timestamp> {
        self.next_try().filter(|until| now < *until)
    }

    /// When it is, or was, half-open.
    pub(super) fn next_try(&self) -> Option<Timestamp> {
        self.open.as_ref().map(|open| open.until)
    }

    /// Why it is not closed.
    pub(super) fn reason(&self) -> Option<&str> {
        self.open.as_ref().map(|open| open.reason.as_str())
    }
}
