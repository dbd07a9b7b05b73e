//! Rebuilds a mirror whose store was lost or restored from a backup: the topic of the tenant's users has newer records than the mirror.
//!
//! A user that the topic knows better is taken from there as published, and the directory is read from the beginning: a user that changed
//! since gets a newer version, and one that left unobserved is found missing, with every guard against removing users by mistake. A user
//! that this read does not return stays as published. A mirror that has never read the tenant takes all records.

use std::collections::BTreeMap;

use tracing::warn;
use xtsync_bus::Record;
use xtsync_contract::event;
use xtsync_contract::events;
use xtsync_contract::topic;
use xtsync_domain::delta::State;
use xtsync_domain::{Attributes, Timestamp, UserDelta, UserId};
use xtsync_service::rebuild::{self, Restore};

use crate::error::Error;
use crate::full::Reason;
use crate::mirror::{self, Mirrored};
use crate::publisher::Publisher;
use crate::sync_state::{self, SyncState};

/// Restores from the topic what the mirror has lost. True where something was restored; then everything is read from the beginning.
pub(crate) async fn rebuild(publisher: &Publisher, sync_state: &mut SyncState, now: Timestamp) -> Result<bool, Error> {
    let is_new = sync_state.full_cycle == 0;
    let topic = topic::USER_DELTAS.of(&publisher.tenant);
    let restored = rebuild::rebuild(&publisher.bus, topic, &Mirror { publisher, now }, is_new).await?;
    if restored == 0 {
        return Ok(false);
    }
    warn!(tenant = %publisher.tenant, restored, is_new, "the mirror is older than its topic: it is rebuilt from its topic and the directory");
    if is_new {
        // They were read and published before, by another store.
        (sync_state.full_cycle, sync_state.cycle) = (1, 1);
    }
    sync_state.void();
    sync_state.begin_full(Reason::Rebuilt, now);
    let mut tx = publisher.fence.begin().await?;
    sync_state::save(&mut tx, &publisher.tenant, sync_state);
    tx.commit().await?;
    Ok(true)
}

/// The mirror of a tenant, as it is restored.
struct Mirror<'a> {
    publisher: &'a Publisher,
    now: Timestamp,
}

impl Restore for Mirror<'_> {
    type Error = Error;

    async fn is_behind(&self, records: Vec<Record>) -> Result<bool, Error> {
        Ok(!newer(self.publisher, records).await?.is_empty())
    }

    async fn restore(&self, records: Vec<Record>) -> Result<usize, Error> {
        let Self { publisher, now } = *self;
        let newer = newer(publisher, records).await?;
        let users: Vec<Mirrored> = newer.into_iter().map(|(delta, known)| as_published(delta, known, now)).collect();
        let mut tx = publisher.fence.begin().await?;
        mirror::save_published(&mut tx, &publisher.tenant, &users).await?;
        tx.commit().await?;
        Ok(users.len())
    }
}

/// Those of these deltas that the mirror has not, or has older.
async fn newer(publisher: &Publisher, records: Vec<Record>) -> Result<Vec<(UserDelta, Option<Mirrored>)>, Error> {
    let deltas: BTreeMap<UserId, UserDelta> = records.iter().filter_map(read).map(|delta| (delta.user.clone(), delta)).collect();
    let ids: Vec<UserId> = deltas.keys().cloned().collect();
    let mut known = mirror::load(&mut publisher.fence.begin().await?, &publisher.tenant, &ids).await?;
    let pairs = deltas.into_values().map(|delta| (known.remove(&delta.user), delta));
    let is_newer = |(known, delta): &(Option<Mirrored>, UserDelta)| known.as_ref().is_none_or(|known| known.version < delta.version);
    Ok(pairs.filter(is_newer).map(|(known, delta)| (delta, known)).collect())
}

/// The delta of a record; none where the record is not readable.
fn read(record: &Record) -> Option<UserDelta> {
    let wire = event::decode::<events::UserDelta>(&record.headers, record.value.as_ref()?).ok()?;
    UserDelta::try_from(wire).ok()
}

/// A user as last published. Known directory state stays; for an unknown user it is what was published.
fn as_published(delta: UserDelta, known: Option<Mirrored>, now: Timestamp) -> Mirrored {
    let (gone, attributes) = match &delta.state {
        State::Present(user) => (None, user.attributes.clone()),
        State::Gone(how) => (Some(*how), Attributes::default()),
    };
    let known = known.unwrap_or_else(|| Mirrored { body: attributes, gone, ..Mirrored::unknown(delta.user.clone()) });
    Mirrored { dirty: false, first_seen: now, projection: delta.projection, version: delta.version, delta: Some(delta), ..known }
}
