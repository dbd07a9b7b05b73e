//! Where a round of a delta query stands, as its opaque token carries it.

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

/// A round under way, or about to begin.
#[derive(Debug, Clone)]
pub(super) struct DeltaCycle {
    /// It tells what changed after this number; 0 tells all there is.
    pub(super) from: u64,
    /// The end of the log when it began.
    pub(super) start: u64,
    /// The next page; none before the first.
    pub(super) place: Option<Place>,
    /// How often this page was asked for without getting on.
    pub(super) attempt: u64,
    /// Whether the round tells changes again that the round before told.
    pub(super) replays: bool,
    pub(super) select: String,
    pub(super) only: Vec<Uuid>,
}

impl DeltaCycle {
    /// The initial round, by the query options of the request.
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

    /// The round after this one, which begins that many numbers before the end and so tells some changes again.
    pub(super) fn next(self, end: u64, replayed: u64) -> Self {
        // Not before this round began; and 0 would tell everything, which only a tenant without any change may do.
        let from = end.saturating_sub(replayed).max(self.from).max(end.min(1));
        Self { from, start: end, place: None, attempt: 0, replays: replayed > 0, ..self }
    }

    /// Whether nothing of it was asked for yet.
    pub(super) fn is_untouched(&self) -> bool {
        self.place.is_none() && self.attempt == 0
    }

    /// What tells its next page from any other page.
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

    /// The token that stands for it.
    pub(super) fn seal(&self, directory: &Directory, name: &str) -> String {
        let only: Vec<String> = self.only.iter().map(Uuid::to_string).collect();
        let (phase, at) = self.phase();
        let numbers = [directory.delta_epoch, now(), self.from, self.start, phase, at, self.attempt, u64::from(self.replays)];
        let head = std::iter::once(name.to_owned()).chain(numbers.iter().map(u64::to_string));
        let parts: Vec<String> = head.chain([self.select.clone(), only.join(",")]).collect();
        cursor::seal(directory.id, &parts)
    }

    /// Reads a token that this tenant gave out for that kind of objects and that has not expired.
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

/// Delta queries are filtered by ids only, joined by `or`.
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
