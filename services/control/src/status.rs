//! The status of the fleet, computed from the read model and the lag of the read model's topics.

mod consent;
mod converged;
pub(crate) mod heartbeat;
pub(crate) mod numbers;

use prost::Message as _;
use xtsync_bus::{Bus, Topic};
use xtsync_contract::convert::wire_time;
use xtsync_contract::topic;
use xtsync_contract::{control, internal};
#[cfg(test)]
use xtsync_domain::TenantName;
use xtsync_domain::Timestamp;
use xtsync_domain::configuration::{Configuration, NamedSynchronization};
use xtsync_domain::resource::{Mode, Resource};
use xtsync_service::consumer::lag;
use xtsync_store::{Store, params};

use crate::context::Context;
use crate::counted::Counted;
use crate::listing::ResolutionStatus;
use crate::names::Names;
use crate::view::fact;
use crate::{Error, listing, projector, resources, warnings};
use converged::Snapshot;
pub(crate) use converged::{EXPIRED_AFTER, age};
use numbers::Numbers;

/// The code of an enforced synchronization without any user in scope.
const SCOPE_EMPTY: &str = "scope_empty";

/// Computes the current status.
pub(crate) async fn read(context: &Context) -> Result<control::FleetStatus, Error> {
    let now = context.clock.now();
    let stored = resources::read(&context.store).await?;
    let (revision, published) = newest(&context.store).await?;
    let configuration = Configuration::new(revision, stored.values().map(Resource::clone));
    let identities = fact::identities(&context.store).await?;
    let directories = warnings::directories(&configuration, &identities);
    let names = Names::of(stored.values());
    let resolutions = listing::NameResolutions::read(&context.store, &stored, &names).await?;
    let (mut synchronizations, mut blocked, mut resolution_status) = (Vec::new(), Vec::new(), Vec::new());
    let (mut all, policies) = (numbers::read(&context.store, now).await?, fact::policies(&context.store).await?);
    for synchronization in configuration.synchronizations() {
        let numbers = all.take(&synchronization.source, &synchronization.spec.to);
        blocked.push(consent::blocked(synchronization, &directories, (&identities, &policies), now));
        resolution_status.push((synchronization.name.clone(), resolutions.of(&synchronization.id())));
        synchronizations.push((synchronization, numbers));
    }
    let (total_lag, missing) = total_lag(&context.store, &context.bus, &configuration).await?;
    let snapshot = Snapshot {
        published,
        total_lag,
        missing,
        unresolved: listing::unresolved(&resolution_status),
        roles: roles(&context.store, now).await?,
        configuration: &configuration,
        synchronizations: &synchronizations,
        names: &names,
        now,
    };
    let waiting_for = converged::waiting_for(&snapshot);
    for ((synchronization, numbers), blocked) in synchronizations.iter().zip(&mut blocked) {
        if blocked.is_empty() && numbers.blocked().is_empty() && converged::is_scope_empty(&snapshot, synchronization, numbers) {
            *blocked = SCOPE_EMPTY;
        }
    }
    let mut status = control::FleetStatus {
        at: Some(wire_time(now)),
        revision,
        converged: waiting_for.is_empty(),
        waiting_for,
        synchronizations: synchronizations
            .iter()
            .zip(blocked)
            .zip(resolution_status)
            .map(|(((one, numbers), blocked), (_, resolution_status))| status_of(one, numbers, blocked, resolution_status))
            .collect(),
        roles: snapshot.roles,
        warnings: warnings::all(&configuration, &directories, &names),
    };
    names.name_status(&mut status);
    Ok(status)
}

fn status_of(
    synchronization: &NamedSynchronization,
    numbers: &Numbers,
    blocked: &str,
    resolution_status: ResolutionStatus,
) -> control::SynchronizationStatus {
    let mode = match synchronization.spec.mode {
        Mode::Observe => "observe",
        Mode::Enforce => "enforce",
    };
    let Counted { name, source, target, present, disabled, deleted, undecided, waiting, grace, held, conflict, refused } =
        Counted::of(synchronization, numbers);
    control::SynchronizationStatus {
        name,
        source,
        target,
        mode: mode.to_owned(),
        present,
        disabled,
        deleted,
        waiting,
        held,
        conflicts: conflict,
        refused,
        counts: Some(numbers.counts),
        blocked: if blocked.is_empty() { numbers.blocked() } else { blocked.to_owned() },
        undecided,
        in_grace_period: grace,
        pending: resolution_status.pending,
        in_force: resolution_status.in_force,
        notices: resolution_status.notices,
        address_differs: numbers.address_differs,
        refused_next_try: numbers.refused_next_try.map(wire_time),
    }
}

/// Returns the newest revision, and whether it is published.
pub(crate) async fn newest(store: &Store) -> Result<(u64, bool), Error> {
    let row = store.fetch_one_opt("SELECT id, published FROM revision ORDER BY id DESC LIMIT 1", params![]).await?;
    Ok(match row {
        Some(row) => (row.uint("id")?, row.int("published")? > 0),
        None => (0, true),
    })
}

/// Returns the number of records that the read model has not read yet, and a topic that is missing, if any. Heartbeat topics do not
/// count, because their records repeat without any change. Otherwise the status might never converge.
async fn total_lag(store: &Store, bus: &Bus, configuration: &Configuration) -> Result<(u64, Option<String>), Error> {
    let topics: Vec<Topic> = projector::topics(configuration).into_iter().filter(|topic| !is_heartbeat(topic)).collect();
    let missing = xtsync_bus::missing(bus, &topics).await?;
    let existing: Vec<Topic> = topics.into_iter().filter(|topic| !missing.contains(topic)).collect();
    Ok((lag(store, bus, &existing).await?, missing.first().map(ToString::to_string)))
}

/// Whether roles publish to this topic at intervals, changed or not: heartbeats, and facts with the time of the last read.
fn is_heartbeat(topic: &Topic) -> bool {
    topic.is(&topic::STATUS) || topic.is(&topic::TENANT_FACTS)
}

/// Returns the statuses of the replicas whose heartbeat is recent enough to be shown.
async fn roles(store: &Store, now: Timestamp) -> Result<Vec<internal::RoleStatus>, Error> {
    let rows = store.fetch("SELECT record FROM view_role ORDER BY key", params![]).await?;
    let mut records = Vec::new();
    for row in rows {
        // A record that does not decode is ignored.
        records.extend(internal::RoleStatus::decode(row.bytes("record")?.as_slice()));
    }
    let mut statuses = heartbeat::statuses(&records);
    statuses.retain(|status| age(status, now) < EXPIRED_AFTER);
    Ok(statuses)
}

#[cfg(test)]
mod tests;
