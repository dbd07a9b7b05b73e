//! One request's way through the weather: it waits, is metered, may be refused, is carried out, and its answer may be lost.

use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;

use super::{Luck, Sky, Strike, Weather};
use crate::counts;
use crate::error::{Failure, Header};
use crate::routes::Call;

/// The draws of one request; none while it is calm.
#[derive(Debug)]
pub(crate) struct Passage(Option<(Arc<Weather>, Luck)>);

/// What became of an answer that the client must not have.
#[derive(Debug)]
pub(crate) enum Lost {
    /// Something on the way answers in its place.
    Answer(Failure),
    /// The connection is cut without an answer.
    Connection,
}

impl Passage {
    /// The draws of a request by its method and path. Paths that differ by ids only are of one kind.
    pub(crate) fn begin(sky: &Sky, method: &Method, path: &str) -> Self {
        let drawn = |weather: Arc<Weather>| {
            let luck = sky.next(&weather, &format!("{method} {}", counts::template(path)));
            (weather, luck)
        };
        Self(sky.weather().map(drawn))
    }

    /// How long to wait before anything is done.
    pub(crate) fn latency(&mut self) -> Duration {
        self.0.as_mut().map_or(Duration::ZERO, |(weather, luck)| luck.within(weather.latency))
    }

    /// Meters the request and perhaps refuses it; gives the headers that meters add to an answer.
    pub(crate) fn admit(&mut self, call: &Call<'_>) -> Result<Vec<Header>, Failure> {
        let Some((weather, luck)) = &mut self.0 else {
            return Ok(Vec::new());
        };
        let sky = call.sim.sky();
        let (is_here, first) = (|name: &String| **name == *call.tenant.name, call.path.first().map(String::as_str));
        if weather.dead.iter().any(is_here) && matches!(first, Some("users" | "invitations" | "directory" | "contacts")) {
            sky.note(Strike::ServerError);
            return Err(Failure::by_status(503));
        }
        let is_throttled = weather.throttled.is_empty() || weather.throttled.iter().any(is_here);
        let headers = match &weather.throttle {
            Some(throttle) if is_throttled && first != Some("$batch") => {
                sky.meters().charge(throttle, call, luck).inspect_err(|_| sky.note(Strike::Throttled))?
            }
            Some(_) | None => Vec::new(),
        };
        if luck.strikes(weather.server_errors) {
            sky.note(Strike::ServerError);
            return Err(server_error(luck));
        }
        Ok(headers)
    }

    /// Whether the answer to a request that was carried out gets lost. Reads are not asked: there it makes no difference.
    pub(crate) fn lost(&mut self, call: &Call<'_>) -> Option<Lost> {
        let (weather, luck) = self.0.as_mut()?;
        if call.method == Method::GET || !luck.strikes(weather.fails_after_commit) {
            return None;
        }
        let cut = luck.strikes(1.0 / 3.0);
        call.sim.sky().note(if cut { Strike::ConnectionCut } else { Strike::AnswerLost });
        Some(if cut { Lost::Connection } else { Lost::Answer(server_error(luck)) })
    }
}

impl Lost {
    /// The answer where there is no connection of its own to cut: an item of a batch.
    pub(crate) fn into_failure(self) -> Failure {
        match self {
            Self::Answer(failure) => failure,
            Self::Connection => Failure::by_status(504),
        }
    }
}

/// One of the ways in which a service is unwell.
fn server_error(luck: &mut Luck) -> Failure {
    let (status, waits) = *luck.one_of(&[(500, false), (502, false), (503, false), (503, true), (504, false)]);
    let wait = Duration::from_millis(100 + (luck.number() * 400.0) as u64);
    Failure::by_status(status).retry_after(waits.then_some(wait))
}
