//! How a call to a directory can fail, sorted by what the caller does next.

use std::time::Duration;

use xtsync_domain::Refusal;

/// The result of a call to a directory.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// How a call to a directory can fail.
///
/// `code` is a stable word of ours with the directory's own code beside it, never its message: messages quote addresses and names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It asks us to wait. Nothing was done.
    #[error("the directory throttles us for {wait:?}")]
    Throttled {
        /// How long.
        wait: Duration,
    },
    /// It cannot be reached at all, and surely did nothing.
    #[error("the directory is away: {reason}")]
    Unavailable {
        /// What was seen, without addresses.
        reason: String,
    },
    /// It can be reached and fails at this one request, which surely did nothing: a server error, or no answer in time. Another object may
    /// fare better.
    #[error("the directory fails at it: {reason}")]
    Failing {
        /// What was seen, without addresses.
        reason: String,
        /// How long it asks to wait, if it does.
        wait: Option<Duration>,
    },
    /// The answer is lost or a server error: a write may have happened.
    #[error("the directory's answer is unknown: {reason}")]
    Unknown {
        /// What was seen.
        reason: String,
    },
    /// Our credentials are refused; an operator must act.
    #[error("the directory refuses our credentials ({code})")]
    Unauthorized {
        /// The code, and what the directory said.
        code: Refusal,
    },
    /// We lack a permission, or the tenant is not prepared; an operator must act.
    #[error("the directory forbids it ({code})")]
    Forbidden {
        /// The code, and what the directory said.
        code: Refusal,
    },
    /// The object is not there.
    #[error("the object is not there")]
    NotFound,
    /// It refuses what we sent; sending the same again cannot succeed.
    #[error("the directory refuses it ({code})")]
    Refused {
        /// The code, and what the directory said.
        code: Refusal,
        /// The attribute at fault, where it is known.
        attribute: Option<String>,
    },
    /// The directory has no such verb, and did nothing. The capabilities of its connector say so beforehand, so it should not be asked.
    #[error("the directory knows no {verb}")]
    Unsupported {
        /// The verb, such as `restore`.
        verb: &'static str,
    },
    /// The delta's cursor is void: everything must be read again.
    #[error("the directory asks to read everything again")]
    Resync,
    /// It answered something that is not its protocol, or points somewhere foreign.
    #[error("the directory's answer makes no sense: {reason}")]
    Malformed {
        /// What is wrong with it, without its contents.
        reason: String,
    },
}
