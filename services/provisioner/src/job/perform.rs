//! One call to the target, and what its answer means for the link or for the whole target.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use xtsync_directory::{Error, Invitation, NewUser, Target};
use xtsync_domain::Refusal;
use xtsync_domain::link::{Answer, Call};

use crate::owned_target::breaker::{CallResult, TargetFailure, VerbFailure};

/// How a call can fail, by what the failure concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// The whole target: nothing was done, and nothing else would be.
    Target(TargetFailure),
    /// The target fails at it, for now and perhaps for this object alone; nothing was done. How long it asks to wait.
    Failing(Option<Duration>),
    /// There is no such object, just now or for good.
    NotFound,
    /// The answer is lost: it may have happened.
    Lost,
    /// The target refuses this for good; what it said.
    Refused(Refusal),
    /// The target forbids it: for this object, as it does for holders of admin roles (pitfall R9), or the verb for all; what it said.
    Forbidden(Refusal),
    /// The directory has no such verb, which its connector's capabilities do not say; nothing was done.
    Unsupported,
}

impl Failure {
    /// The result's name in metrics.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Target(TargetFailure::Throttled(_)) => "throttled",
            Self::Target(TargetFailure::Unavailable) => "away",
            Self::Target(TargetFailure::Blocked(_)) => "blocked",
            Self::Failing(_) => "failing",
            Self::NotFound => "not_found",
            Self::Lost => "lost",
            Self::Refused(_) => "refused",
            Self::Forbidden(_) => "forbidden",
            Self::Unsupported => "unsupported",
        }
    }

    /// What the call came to, as far as it says something of the target.
    pub(super) fn call_result(&self) -> CallResult {
        match self {
            Self::Target(failure) => CallResult::TargetFailed(failure.clone()),
            Self::Failing(wait) => CallResult::Failed(VerbFailure::Failing(*wait)),
            Self::Lost => CallResult::Failed(VerbFailure::Failing(None)),
            Self::Forbidden(_) => CallResult::Failed(VerbFailure::Forbidden),
            Self::NotFound | Self::Refused(_) | Self::Unsupported => CallResult::Answered,
        }
    }
}

/// Makes a call that ends by then. `anchor` is the link's.
pub(super) async fn perform(target: &dyn Target, call: &Call, anchor: &str, deadline: Instant) -> Result<Answer, Failure> {
    match timeout_at(deadline, send(target, call, anchor)).await {
        Ok(answer) => answer.map_err(failure),
        Err(_) => Err(Failure::Lost),
    }
}

async fn send(target: &dyn Target, call: &Call, anchor: &str) -> Result<Answer, Error> {
    let patched = |patched: xtsync_directory::Patched| Answer::Patched(patched.refused.into_iter().map(|(name, _)| name).collect());
    Ok(match call {
        Call::LookUp { address } => Answer::Found(target.find(anchor, address).await?),
        Call::ReadBack { id } => Answer::Read(target.read(id).await?),
        Call::Invite { address, display_name } => {
            let invitation = Invitation { address: address.clone(), display_name: display_name.clone() };
            Answer::Created(target.invite(&invitation).await?)
        }
        Call::Put { address, attributes } => {
            let user = NewUser { anchor: anchor.to_owned(), address: address.clone(), attributes: attributes.clone() };
            Answer::Created(target.put(&user).await?)
        }
        Call::WriteAnchor { id, attributes } => patched(target.patch(id, Some(anchor), attributes).await?),
        Call::Patch { id, attributes } => patched(target.patch(id, None, attributes).await?),
        Call::Revoke { id } => done(target.revoke_sessions(id).await?),
        Call::Disable { id } => done(target.set_enabled(id, false).await?),
        Call::Enable { id } => done(target.set_enabled(id, true).await?),
        Call::SoftDelete { id } => done(target.soft_delete(id).await?),
        Call::Restore { id } => done(target.restore(id).await?),
        Call::ResetRedemption { id, address } => done(target.reset_redemption(id, address).await?),
        Call::Delete { id } => done(target.delete(id).await?),
    })
}

fn done((): ()) -> Answer {
    Answer::Done
}

fn failure(error: Error) -> Failure {
    match error {
        Error::Throttled { wait } => Failure::Target(TargetFailure::Throttled(wait)),
        Error::Unavailable { .. } => Failure::Target(TargetFailure::Unavailable),
        Error::Unauthorized { code } => Failure::Target(TargetFailure::Blocked(code.code)),
        Error::Failing { wait, .. } => Failure::Failing(wait),
        Error::Forbidden { code } => Failure::Forbidden(code),
        Error::NotFound => Failure::NotFound,
        Error::Refused { code, .. } => Failure::Refused(code),
        Error::Unsupported { .. } => Failure::Unsupported,
        // What is not its protocol may stand before a write that happened.
        Error::Unknown { .. } | Error::Malformed { .. } | Error::Resync => Failure::Lost,
    }
}
