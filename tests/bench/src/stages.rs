//! Where the time of a live change goes, by the spans that the roles export, the journals of the simulator, and the records of links.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use rdkafka::message::{Headers as _, Message as _};
use uuid::Uuid;
use xtsync_domain::Timestamp;
use xtsync_e2e::fleet::Fleet;
use xtsync_tenant_sim::Entry;

use crate::collector::Span;
use crate::fixture::{SOURCE, TARGET, source_user};
use crate::policy::reader;
use crate::report::{Breakdown, show};

/// How the stages are called, in their order: each begins where the one before ends.
const STAGES: [&str; 10] = [
    "commit in the source → request for the delta",
    "→ the delta answered",
    "→ merged, projected, stored, and the user delta sent",
    "→ policy begins to decide",
    "→ decided",
    "→ on the bus, taken in, and the job begun",
    "→ the call begun, its intent stored",
    "→ the call ended",
    "→ recorded, the job ended",
    "→ the link sent",
];

/// The path template of a delta query.
const DELTA: &str = "/users/delta";

/// When each stage of a change began, and when the last one ended; microseconds since 1970.
type Moments = [i64; STAGES.len() + 1];

/// What was observed of all changes.
struct Observed<'a> {
    /// The writes of all tenants, in their order.
    entries: Vec<Entry>,
    /// The requests for the source's delta.
    reads: Vec<&'a Span>,
    /// The roots of the traces.
    deltas: Vec<&'a Span>,
    by_trace: HashMap<&'a [u8], Vec<&'a Span>>,
    /// When the records of links were sent, by trace.
    links: HashMap<Vec<u8>, Vec<i64>>,
}

/// The stages of the changes of these users: what each took in the median and at most for 99 of 100, in milliseconds.
///
/// # Errors
/// If the links cannot be read, or for most changes a span is missing.
pub(crate) fn of(fleet: &Fleet, changed: &[Uuid], since: u64, spans: &[Span]) -> Result<Breakdown> {
    let mut by_trace: HashMap<&[u8], Vec<&Span>> = HashMap::new();
    spans.iter().for_each(|span| by_trace.entry(&span.trace).or_default().push(span));
    let observed = Observed {
        entries: fleet.sim.journal().since(since),
        reads: spans.iter().filter(|span| is_read(span)).collect(),
        deltas: spans.iter().filter(|span| span.name == "user_delta").collect(),
        by_trace,
        links: links(&fleet.kafka.bootstrap())?,
    };
    let (mut found, mut missing) = (Vec::new(), BTreeMap::new());
    for user in changed {
        match observed.moments(*user) {
            Ok(moments) => found.push(moments),
            Err(what) => *missing.entry(what).or_insert(0) += 1,
        }
    }
    show(&format!("{} of {} changes were observed whole; of the others is missing: {missing:?}", found.len(), changed.len()));
    if !missing.is_empty() {
        let mut arrived = BTreeMap::new();
        spans.iter().for_each(|span| *arrived.entry((&*span.service, &*span.name)).or_insert(0) += 1);
        show(&format!("spans that arrived: {arrived:?}"));
    }
    ensure!(!found.is_empty(), "no change was observed whole");
    let row = |name: &str, took: Vec<i64>| (name.to_owned(), vec![percentile(&took, 0.5), percentile(&took, 0.99)]);
    let stage = |(at, name): (usize, &&str)| row(name, found.iter().map(|(moments, _)| moments[at + 1] - moments[at]).collect());
    let whole = found.iter().map(|(moments, written)| written - moments[0]).collect();
    let parts = STAGES.iter().enumerate().map(stage).chain([row("commit in the source → commit in the target", whole)]).collect();
    Ok(Breakdown { name: format!("stages of {} of {} live changes, ms", found.len(), changed.len()), columns: vec!["p50", "p99"], parts })
}

fn is_read(span: &Span) -> bool {
    span.name == "graph" && span.service == "xtsync-change-detector" && span.texts.get("url.template").is_some_and(|path| path == DELTA)
}

impl Observed<'_> {
    /// The moments of a user's change, and when the target committed it; or what of it was not observed.
    fn moments(&self, user: Uuid) -> Result<(Moments, i64), &'static str> {
        let entry = |tenant: &str, is_of_user: &dyn Fn(&Entry) -> bool| {
            Some(self.entries.iter().find(|entry| &*entry.tenant == tenant && is_of_user(entry))?.wall_micros)
        };
        let commit = entry(SOURCE, &|entry| entry.object == user).ok_or("commit in the source")?;
        let written = entry(TARGET, &|entry| source_user(entry) == Some(user)).ok_or("commit in the target")?;
        let is_of_user = |delta: &Span| delta.begun >= commit && delta.texts.get("user").is_some_and(|id| *id == user.to_string());
        let delta = self.deltas.iter().find(|delta| is_of_user(delta)).ok_or("user_delta")?;
        let trace = self.by_trace.get(&*delta.trace).ok_or("trace")?;
        let around =
            |name: &'static str, at: i64| trace.iter().find(|span| span.name == name && span.begun <= at && at <= span.ended).ok_or(name);
        let decide = trace.iter().find(|span| span.name == "decide").ok_or("decide")?;
        let call = around("call", written)?;
        let job = around("job", call.begun)?;
        let sent = self.links.get(&delta.trace).and_then(|sent| sent.iter().find(|sent| **sent >= call.ended)).ok_or("link")?;
        let read = self.read(commit, delta.begun).ok_or("graph")?;
        let (asked, answered) = (read.begun.max(commit), read.ended);
        let moments =
            [commit, asked, answered, delta.begun, decide.begun, decide.ended, job.begun, call.begun, call.ended, job.ended, *sent];
        Ok((moments, written))
    }

    /// The request that brought a change: the first that began after its commit, else the one that was under way.
    fn read(&self, commit: i64, sent: i64) -> Option<&Span> {
        let during = || self.reads.iter().filter(|read| (commit..=sent).contains(&read.ended));
        let after = during().filter(|read| read.begun >= commit).min_by_key(|read| read.begun);
        after.or_else(|| during().max_by_key(|read| read.begun)).copied()
    }
}

/// When the records of the links were sent, by trace, in the order of each link.
fn links(bootstrap: &str) -> Result<HashMap<Vec<u8>, Vec<i64>>> {
    const QUIET: Duration = Duration::from_secs(3);
    let consumer = reader(bootstrap, &format!("xtsync.v1.links.{TARGET}"))?;
    let mut links: HashMap<Vec<u8>, Vec<i64>> = HashMap::new();
    while let Some(record) = consumer.poll(QUIET) {
        let record = record?;
        let header = |name: &str| {
            let headers = record.headers()?;
            let header = headers.iter().find(|header| header.key == name)?;
            std::str::from_utf8(header.value?).ok()
        };
        let (Some(trace), Some(time)) = (header("traceparent").and_then(trace), header("ce_time")) else { continue };
        links.entry(trace).or_default().push(Timestamp::parse(time).context("no time")?.0);
    }
    Ok(links)
}

/// The trace id of a trace parent: its second part, in hexadecimal digits.
fn trace(traceparent: &str) -> Option<Vec<u8>> {
    let digits = traceparent.split('-').nth(1)?;
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()).collect()
}

/// In milliseconds.
fn percentile(micros: &[i64], part: f64) -> f64 {
    let durations: Vec<Duration> = micros.iter().map(|micros| Duration::from_micros(u64::try_from(*micros).unwrap_or_default())).collect();
    crate::fixture::percentile_ms(&durations, part)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use xtsync_tenant_sim::{ObjectKind, Verb};

    use super::*;

    const USER: Uuid = Uuid::from_u128(7);

    fn entry(tenant: &str, wall_micros: i64, anchor: Option<String>) -> Entry {
        let (verb, kind, object, at) = (Verb::Patch, ObjectKind::User, USER, Instant::now());
        let anchor = anchor.map(Into::into);
        Entry { number: 1, at, wall_micros, tenant: tenant.into(), verb, kind, object, other: None, anchor, properties: [].into() }
    }

    fn span(name: &str, begun: i64, ended: i64) -> Span {
        let texts = HashMap::from([("user".to_owned(), USER.to_string())]);
        Span { name: name.to_owned(), trace: vec![1], begun, ended, texts, ..Span::default() }
    }

    #[test]
    fn a_change_is_followed_by_its_trace() {
        let in_trace = [span("user_delta", 150, 150), span("decide", 160, 165), span("job", 180, 230), span("call", 190, 220)];
        // The first was under way at the commit, the last brought something later.
        let reads = [span("graph", 95, 101), span("graph", 110, 130), span("graph", 140, 149)];
        let observed = Observed {
            entries: vec![entry(SOURCE, 100, None), entry(TARGET, 200, Some(format!("home/{USER}")))],
            reads: reads.iter().collect(),
            deltas: vec![&in_trace[0]],
            by_trace: HashMap::from([(&[1][..], in_trace.iter().collect())]),
            links: HashMap::from([(vec![1], vec![185, 240])]),
        };
        assert_eq!(observed.moments(USER), Ok(([100, 110, 130, 150, 160, 165, 180, 190, 220, 230, 240], 200)));
        assert_eq!(observed.read(100, 105), Some(&reads[0]), "the user delta was sent before the others were answered");
        assert_eq!(observed.read(150, 160), None);
        assert_eq!(observed.moments(Uuid::from_u128(8)), Err("commit in the source"));
    }

    #[test]
    fn the_second_part_of_a_trace_parent_is_its_trace() {
        assert_eq!(trace("00-0aff-01-01"), Some(vec![0x0a, 0xff]));
        assert_eq!(trace("00-0af-01-01").or(trace("00")), None);
    }
}
