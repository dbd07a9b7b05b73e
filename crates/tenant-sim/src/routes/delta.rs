//! `/users/delta` and `/groups/delta`: the links carry the whole state of a cycle.
//!
//! A token contains its kind, epoch, issue time, place, `$select` and ids. An expired or foreign token is answered with 410 and the
//! address where a full synchronization starts.

use serde_json::{Map, Value as Json};

use super::cycle::DeltaCycle;
use super::{Answer, Call, Reply};
use crate::directory::{DeltaPage, DeltaQuery, Directory, Place};
use crate::error::Failure;
use crate::faults::PageFaults;
use crate::property::ObjectKind;
use crate::select::Tracked;

const PAGE_DEFAULT: usize = 200;
const PAGE_MAX: usize = 999;

pub(super) fn users(call: &Call<'_>) -> Answer {
    serve(call, ObjectKind::User, "users", Directory::delta_users)
}

pub(super) fn groups(call: &Call<'_>) -> Answer {
    serve(call, ObjectKind::Group, "groups", Directory::delta_groups)
}

fn serve(call: &Call<'_>, kind: ObjectKind, name: &str, page: fn(&Directory, &DeltaQuery) -> DeltaPage) -> Answer {
    let directory = call.tenant.read();
    let token = call.query.get("$skiptoken").or_else(|| call.query.get("$deltatoken")).filter(|token| !token.is_empty());
    let mut cycle = match token {
        None => DeltaCycle::begin(call, &directory, kind)?,
        Some("latest") => {
            return Ok(latest(call, &directory, DeltaCycle::begin(call, &directory, kind)?, name));
        }
        Some(token) => DeltaCycle::open(&directory, token, name).ok_or_else(|| expired(call, name))?,
    };
    let tracked = Tracked::parse(&directory.schema, kind, Some(cycle.select.as_str()))?;
    let mut chance = PageFaults::of(call.sim.fault_state(), call.tenant.id, name, &cycle.key());
    if directory.delta_starts_empty && cycle.is_untouched() || chance.is_empty(cycle.attempt) {
        cycle.attempt += 1;
        return Ok(reply(call, name, Vec::new(), ("nextLink", "$skiptoken", cycle.seal(&directory, name))));
    }
    let minimal = call.prefers("return").is_some_and(|value| value.eq_ignore_ascii_case("minimal"));
    let page_max = call.prefers("odata.maxpagesize").and_then(|size| size.parse().ok()).unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX);
    let place = cycle.place.unwrap_or_else(|| {
        cycle.start = directory.delta_end();
        if cycle.start > cycle.from && chance.reorders_cycle() { Place::Before(cycle.start + 1) } else { Place::After(cycle.from) }
    });
    cycle.place = Some(place);
    let DeltaCycle { from, start, ref only, .. } = cycle;
    let mut found = page(&directory, &DeltaQuery { from, start, place, minimal, page_max, tracked, only: only.clone() });
    chance.mix(&mut found.objects);
    found.repeated.append(&mut found.objects);
    let repeated = chance.repeats_page(cycle.attempt);
    Ok(reply(call, name, found.repeated, link(&directory, name, cycle, found.next, found.end, (repeated, chance))))
}

/// The link to the page after this one, to this one again, or to the next cycle.
fn link<'a>(
    directory: &Directory,
    name: &str,
    mut cycle: DeltaCycle,
    next: Option<Place>,
    end: u64,
    (repeated, mut chance): (bool, PageFaults),
) -> (&'a str, &'a str, String) {
    match next {
        _ if repeated => cycle.attempt += 1,
        Some(place) => (cycle.place, cycle.attempt) = (Some(place), 0),
        None => {
            let replayed = if cycle.replays { 0 } else { chance.replays(end - cycle.from) };
            return ("deltaLink", "$deltatoken", cycle.next(end, replayed).seal(directory, name));
        }
    }
    ("nextLink", "$skiptoken", cycle.seal(directory, name))
}

/// The answer to `$deltatoken=latest`: no objects, and a link to the changes from now on.
fn latest(call: &Call<'_>, directory: &Directory, cycle: DeltaCycle, name: &str) -> Reply {
    let token = cycle.next(directory.delta_end(), 0).seal(directory, name);
    reply(call, name, Vec::new(), ("deltaLink", "$deltatoken", token))
}

fn reply(call: &Call<'_>, name: &str, objects: Vec<Json>, (link, option, token): (&str, &str, String)) -> Reply {
    let link = (format!("@odata.{link}"), format!("{}/{name}/delta?{option}={token}", call.base).into());
    let body = Map::from_iter([("@odata.context".to_owned(), call.context(name)), link, ("value".to_owned(), objects.into())]);
    let mut reply = Reply::ok(Json::Object(body));
    if call.prefers("return").is_some() {
        reply.headers.push(("preference-applied".into(), "return=minimal".to_owned()));
    }
    reply
}

fn expired(call: &Call<'_>, name: &str) -> Failure {
    let mut failure = Failure::new(410, "syncStateNotFound", "The sync state generation is not found; a full synchronization is required.");
    failure.headers.push(("location".into(), format!("{}/{name}/delta?$deltatoken=", call.base)));
    failure
}
