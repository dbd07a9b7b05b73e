//! The state of a delta cycle, as its opaque token carries it.

use std::time::Duration;

use time::OffsetDateTime;
use uuid::Uuid;

use super::Call;
use crate::cursor;
use crate::directory::{Directory, Place};
use crate::error::Failure;
use crate::filter::{self, Filter};
use crate::property::{self, ObjectKind};

const IDS_MAX: usize = 50;
/// How long Graph keeps delta tokens of directory objects.
const TOKEN_LIFE: Duration = Duration::from_secs(7 * 24 * 3600);

/// A cycle that is in progress or about to begin.
#[derive(Debug, Clone)]
pub(super) struct DeltaCycle {
    /// The cycle lists changes after this number; 0 lists all objects.
    pub(super) from: u64,
    /// The end of the log when the cycle began.
    pub(super) start: u64,
    /// The next page; `None` before the first.
    pub(super) place: Option<Place>,
    /// How many empty or repeated pages preceded this one at the same place.
    pub(super) attempt: u64,
    /// Whether the cycle lists changes again that the previous cycle listed.
    pub(super) replays: bool,
    pub(super) select: String,
    pub(super) only: Vec<Uuid>,
}

impl DeltaCycle {
    /// The initial cycle, by the query options of the request.
    pub(super) fn begin(call: &Call<'_>, directory: &Directory, kind: ObjectKind) -> Result<Self, Failure> {
        if let Some(other) = call.query.other_than(&["$select", "$filter", "$deltatoken", "$skiptoken"]) {
            return Err(Failure::unsupported_query(format!("The query option '{other}' is not supported for delta queries.")));
        }
        let select = call.query.get("$select").unwrap_or_default().to_owned();
        let filter = call.query.get("$filter").map(|text| filter::parse(&directory.schema, kind, text)).transpose()?;
        let mut only = Vec::new();
        if let Some(filter) = filter {
            ids(&filter, &mut only)?;
        }
        Ok(Self { from: 0, start: directory.delta_end(), place: None, attempt: 0, replays: false, select, only })
    }

    /// The cycle after this one. It begins `replayed` numbers before the end and so lists some changes again.
    pub(super) fn next(self, end: u64, replayed: u64) -> Self {
        // Not before the start of this cycle. 0 would list all objects, which is right only in a tenant without any change.
        let from = end.saturating_sub(replayed).max(self.from).max(end.min(1));
        Self { from, start: end, place: None, attempt: 0, replays: replayed > 0, ..self }
    }

    /// Whether no page of it was requested yet.
    pub(super) fn is_untouched(&self) -> bool {
        self.place.is_none() && self.attempt == 0
    }

    /// The key of its next page, which differs from that of every other page.
    pub(super) fn key(&self) -> [u64; 4] {
        let (phase, at) = self.phase();
        [self.from, phase, at, self.attempt]
    }

    fn phase(&self) -> (u64, u64) {
        match self.place {
            None => (0, 0),
            Some(Place::After(at)) => (1, at),
            Some(Place::Before(at)) => (2, at),
        }
    }

    /// The token that carries this state.
    pub(super) fn seal(&self, directory: &Directory, name: &str) -> String {
        let only: Vec<String> = self.only.iter().map(Uuid::to_string).collect();
        let (phase, at) = self.phase();
        let numbers = [directory.delta_epoch, now(), self.from, self.start, phase, at, self.attempt, u64::from(self.replays)];
        let head = std::iter::once(name.to_owned()).chain(numbers.iter().map(u64::to_string));
        let parts: Vec<String> = head.chain([self.select.clone(), only.join(",")]).collect();
        cursor::seal(directory.id, &parts)
    }

    /// Reads a token. `None` if it has expired, is of another kind of objects, or was not issued by this tenant.
    pub(super) fn open(directory: &Directory, token: &str, name: &str) -> Option<Self> {
        let parts = cursor::open(directory.id, token)?;
        let [kind, epoch, issued, from, start, phase, at, attempt, replays, select, only] = parts.as_slice() else {
            return None;
        };
        let number = |text: &String| text.parse::<u64>().ok();
        let fresh = number(epoch)? == directory.delta_epoch && number(issued)? + TOKEN_LIFE.as_secs() > now();
        let place = match number(phase)? {
            0 => None,
            1 => Some(Place::After(number(at)?)),
            _ => Some(Place::Before(number(at)?)),
        };
        let cycle = Self {
            from: number(from)?,
            start: number(start)?,
            place,
            attempt: number(attempt)?,
            replays: number(replays)? == 1,
            select: select.clone(),
            only: only.split(',').filter_map(|id| Uuid::parse_str(id).ok()).collect(),
        };
        Some(cycle).filter(|_| fresh && kind == name)
    }
}

/// Collects the ids of a filter. Delta queries support only ids, joined by `or`.
fn ids(filter: &Filter, only: &mut Vec<Uuid>) -> Result<(), Failure> {
    let unsupported = || Failure::unsupported_query("Only filters by id are supported for delta queries, of at most 50 objects.");
    match filter {
        Filter::Or(left, right) => {
            ids(left, only)?;
            ids(right, only)?;
        }
        Filter::Test(term, filter::Test::Compare(filter::Comparison::Equal, filter::Literal::Text(text))) if term.prop == property::ID => {
            only.push(Uuid::parse_str(text).map_err(|_| unsupported())?);
        }
        Filter::And(..) | Filter::Not(_) | Filter::Test(..) | Filter::Any(..) => {
            return Err(unsupported());
        }
    }
    if only.len() > IDS_MAX { Err(unsupported()) } else { Ok(()) }
}

fn now() -> u64 {
    u64::try_from(OffsetDateTime::now_utc().unix_timestamp()).unwrap_or_default()
}
