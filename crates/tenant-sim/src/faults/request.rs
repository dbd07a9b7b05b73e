//! One request's way through the profile: it waits, is metered, may be refused, is carried out, and its answer may be lost.

use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;

use super::{Chance, FaultProfile, FaultState, InjectedFault};
use crate::counts;
use crate::error::{Failure, Header};
use crate::routes::Call;

/// The draws of one request; none while it is calm.
#[derive(Debug)]
pub(crate) struct RequestFaults(Option<(Arc<FaultProfile>, Chance)>);

/// What became of an answer that the client must not have.
#[derive(Debug)]
pub(crate) enum LostAnswer {
    /// Something on the way answers in its place.
    Answer(Failure),
    /// The connection is cut without an answer.
    Connection,
}

impl RequestFaults {
    /// The draws of a request by its method and path. Paths that differ by ids only are of one kind.
    pub(crate) fn begin(fault_state: &FaultState, method: &Method, path: &str) -> Self {
        let drawn = |profile: Arc<FaultProfile>| {
            let chance = fault_state.next(&profile, &format!("{method} {}", counts::template(path)));
            (profile, chance)
        };
        Self(fault_state.profile().map(drawn))
    }

    /// How long to wait before anything is done.
    pub(crate) fn latency(&mut self) -> Duration {
        self.0.as_mut().map_or(Duration::ZERO, |(profile, chance)| chance.within(profile.latency))
    }

    /// Meters the request and perhaps refuses it; gives the headers that meters add to an answer.
    pub(crate) fn admit(&mut self, call: &Call<'_>) -> Result<Vec<Header>, Failure> {
        let Some((profile, chance)) = &mut self.0 else {
            return Ok(Vec::new());
        };
        let fault_state = call.sim.fault_state();
        let (is_here, first) = (|name: &String| **name == *call.tenant.name, call.path.first().map(String::as_str));
        if profile.dead.iter().any(is_here) && matches!(first, Some("users" | "invitations" | "directory" | "contacts")) {
            fault_state.note(InjectedFault::ServerError);
            return Err(Failure::by_status(503));
        }
        let is_throttled = profile.throttled.is_empty() || profile.throttled.iter().any(is_here);
        let headers = match &profile.throttle {
            Some(throttle) if is_throttled && first != Some("$batch") => {
                fault_state.meters().charge(throttle, call, chance).inspect_err(|_| fault_state.note(InjectedFault::Throttled))?
            }
            Some(_) | None => Vec::new(),
        };
        if chance.occurs(profile.server_errors) {
            fault_state.note(InjectedFault::ServerError);
            return Err(server_error(chance));
        }
        Ok(headers)
    }

    /// Whether the answer to a request that was carried out gets lost. Reads are not asked: there it makes no difference.
    pub(crate) fn lost(&mut self, call: &Call<'_>) -> Option<LostAnswer> {
        let (profile, chance) = self.0.as_mut()?;
        if call.method == Method::GET || !chance.occurs(profile.fails_after_commit) {
            return None;
        }
        let is_reset = chance.occurs(1.0 / 3.0);
        call.sim.fault_state().note(if is_reset { InjectedFault::ConnectionReset } else { InjectedFault::AnswerLost });
        Some(if is_reset { LostAnswer::Connection } else { LostAnswer::Answer(server_error(chance)) })
    }
}

impl LostAnswer {
    /// The answer where there is no connection of its own to cut: an item of a batch.
    pub(crate) fn into_failure(self) -> Failure {
        match self {
            Self::Answer(failure) => failure,
            Self::Connection => Failure::by_status(504),
        }
    }
}

/// One of the ways in which a service is unwell.
fn server_error(chance: &mut Chance) -> Failure {
    let (status, waits) = *chance.one_of(&[(500, false), (502, false), (503, false), (503, true), (504, false)]);
    let wait = Duration::from_millis(100 + (chance.number() * 400.0) as u64);
    Failure::by_status(status).retry_after(waits.then_some(wait))
}
