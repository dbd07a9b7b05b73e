//! The faults of one request: its latency, its throttling, an error before it is executed, and the loss of its answer.

use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;

use super::{Chance, FaultProfile, FaultState, InjectedFault};
use crate::call::Call;
use crate::counts;
use crate::error::{Failure, Header};

/// The draws of one request; `None` without a fault profile.
#[derive(Debug)]
pub(crate) struct RequestFaults(Option<(Arc<FaultProfile>, Chance)>);

/// What the client gets instead of a lost answer.
#[derive(Debug)]
pub(crate) enum LostAnswer {
    /// An error status, as from a gateway.
    Answer(Failure),
    /// The connection is closed without an answer.
    Connection,
}

impl RequestFaults {
    /// The draws of a request, by method and path template. Paths that differ only in ids are of one kind.
    pub(crate) fn begin(fault_state: &FaultState, method: &Method, path: &str) -> Self {
        let drawn = |profile: Arc<FaultProfile>| {
            let chance = fault_state.next(&profile, &format!("{method} {}", counts::template(path)));
            (profile, chance)
        };
        Self(fault_state.profile().map(drawn))
    }

    /// How long a request to that tenant waits before it is processed.
    pub(crate) fn latency(&mut self, tenant: Option<&str>) -> Duration {
        let Some((profile, chance)) = &mut self.0 else {
            return Duration::ZERO;
        };
        // One draw in any case: other tenants must not change the draws after this one.
        let latency = chance.within(profile.latency);
        if concerns(&profile.slow, tenant) { latency } else { Duration::ZERO }
    }

    /// Charges the request to the quotas and returns the headers for its answer, or the failure if the request is refused.
    pub(crate) fn admit(&mut self, call: &Call<'_>) -> Result<Vec<Header>, Failure> {
        let Some((profile, chance)) = &mut self.0 else {
            return Ok(Vec::new());
        };
        let fault_state = call.sim.fault_state();
        let (tenant, first) = (&*call.tenant.name, call.path.first().map(String::as_str));
        if profile.dead.iter().any(|name| name == tenant) && matches!(first, Some("users" | "invitations" | "directory" | "contacts")) {
            fault_state.note(InjectedFault::ServerError);
            return Err(Failure::by_status(503));
        }
        let headers = match &profile.throttle {
            Some(throttle) if concerns(&profile.throttled, Some(tenant)) && first != Some("$batch") => {
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

    /// What replaces the answer to an executed request, if the answer is lost. The answer to a GET is never lost: a GET changes nothing.
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
    /// The failure of a batch item, which has no connection of its own to close.
    pub(crate) fn into_failure(self) -> Failure {
        match self {
            Self::Answer(failure) => failure,
            Self::Connection => Failure::by_status(504),
        }
    }
}

/// Whether a fault that is limited to these tenants, or to none, concerns that tenant.
fn concerns(limited_to: &[String], tenant: Option<&str>) -> bool {
    limited_to.is_empty() || limited_to.iter().any(|name| Some(name.as_str()) == tenant)
}

/// A random server error, some with `Retry-After`.
fn server_error(chance: &mut Chance) -> Failure {
    let (status, waits) = *chance.one_of(&[(500, false), (502, false), (503, false), (503, true), (504, false)]);
    let wait = Duration::from_millis(100 + (chance.number() * 400.0) as u64);
    Failure::by_status(status).retry_after(waits.then_some(wait))
}
