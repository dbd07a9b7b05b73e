//! How far everything is, from the read model alone.

mod consent;
mod numbers;
mod settled;

use prost::Message as _;
use xtsync_domain::Timestamp;
use xtsync_domain::configuration::{Configuration, NamedSynchronization};
use xtsync_domain::resource::{Mode, Resource};
use xtsync_platform::bus::{self, Bus};
use xtsync_platform::consumer::lag;
use xtsync_platform::params;
use xtsync_platform::store::Store;
use xtsync_proto::convert::wire_time;
use xtsync_proto::topic::Topic;
use xtsync_proto::v1;

use crate::context::Context;
use crate::listing::Naming;
use crate::{Error, feed, listing, resources};
use numbers::Numbers;
use settled::Known;

/// Reads the status as it is now.
pub(crate) async fn read(context: &Context) -> Result<v1::Status, Error> {
    let now = context.clock.now();
    let standing = resources::read(&context.store).await?;
    let (revision, published) = newest(&context.store).await?;
    let configuration = Configuration::new(revision, standing.values().map(Resource::clone));
    let names = listing::Names::read(&context.store, &standing).await?;
    let (mut synchronizations, mut blocked, mut naming) = (Vec::new(), Vec::new(), Vec::new());
    for synchronization in configuration.synchronizations() {
        let numbers = numbers::read(&context.store, &synchronization.source, &synchronization.spec.to, now).await?;
        blocked.push(consent::blocked(&context.store, synchronization, now).await?);
        naming.push((synchronization.name.clone(), names.of(&synchronization.id())));
        synchronizations.push((synchronization, numbers));
    }
    let (behind, missing) = behind(&context.store, &context.bus, &configuration).await?;
    let known = Known {
        published,
        behind,
        missing,
        unseen: listing::unseen(&naming),
        roles: roles(&context.store, now).await?,
        configuration: &configuration,
        synchronizations: &synchronizations,
        now,
    };
    let waiting_for = settled::waiting_for(&known);
    Ok(v1::Status {
        at: Some(wire_time(now)),
        revision,
        settled: waiting_for.is_empty(),
        waiting_for,
        synchronizations: synchronizations
            .iter()
            .zip(blocked)
            .zip(naming)
            .map(|(((one, numbers), blocked), (_, naming))| status_of(one, numbers, blocked, naming))
            .collect(),
        roles: known.roles,
    })
}

fn status_of(synchronization: &NamedSynchronization, numbers: &Numbers, blocked: &str, naming: Naming) -> v1::SynchronizationStatus {
    let mode = match synchronization.spec.mode {
        Mode::Observe => "observe",
        Mode::Enforce => "enforce",
    };
    v1::SynchronizationStatus {
        name: synchronization.name.clone(),
        source: synchronization.source.to_string(),
        target: synchronization.spec.to.to_string(),
        mode: mode.to_owned(),
        present: numbers.state("present"),
        disabled: numbers.state("disabled"),
        deleted: numbers.state("deleted"),
        waiting: numbers.standing("waiting") + numbers.untaken,
        held: numbers.standing("held"),
        conflicts: numbers.standing("conflict"),
        refused: numbers.standing("refused"),
        counts: Some(numbers.counts),
        blocked: if blocked.is_empty() { numbers.blocked() } else { blocked.to_owned() },
        undecided: numbers.undecided,
        settling: numbers.standing("settling"),
        pending: naming.pending,
        in_force: naming.in_force,
        notices: naming.notices,
        address_differs: numbers.address_differs,
        refused_next_try: numbers.refused_next_try.map(wire_time),
    }
}

/// The newest revision, and whether the bus knows it.
async fn newest(store: &Store) -> Result<(u64, bool), Error> {
    let row = store.fetch_one_opt("SELECT id, published FROM revision ORDER BY id DESC LIMIT 1", params![]).await?;
    Ok(match row {
        Some(row) => (row.uint(0)?, row.flag(1)?),
        None => (0, true),
    })
}

/// How many records the read model has not read yet, and a topic that is still to be made, if any. What roles say of themselves is not
/// among them: they never stop saying it.
async fn behind(store: &Store, bus: &Bus, configuration: &Configuration) -> Result<(u64, Option<String>), Error> {
    let topics: Vec<Topic> = feed::topics(configuration).into_iter().filter(|topic| *topic != Topic::Status).collect();
    let missing = bus::missing(bus, &topics).await?;
    let mut behind = 0;
    for topic in topics.iter().filter(|topic| !missing.contains(topic)) {
        behind += lag(store, bus, topic).await?;
    }
    Ok((behind, missing.first().map(|topic| bus::Error::Missing(topic.to_string()).to_string())))
}

/// What the roles said last, as far as it is recent.
async fn roles(store: &Store, now: Timestamp) -> Result<Vec<v1::RoleStatus>, Error> {
    let rows = store.fetch("SELECT record FROM view_role ORDER BY key", params![]).await?;
    let mut roles = Vec::new();
    for row in rows {
        // What does not decode was written by nobody we know; it says nothing.
        roles.extend(v1::RoleStatus::decode(row.bytes(0)?.as_slice()).ok().filter(|role| settled::age(role, now) < settled::FORGOTTEN));
    }
    Ok(roles)
}
