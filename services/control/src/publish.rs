//! Publishes revisions from the rows: what changed first, then the commit that closes them.
//!
//! A row says which revision of it the bus knows. Whatever differs is published again, so a crash between storing and publishing, or
//! in the middle of a publication, leaves nothing out; readers pass over what they have.

use prost::Message as _;
use xtsync_domain::Timestamp;
use xtsync_domain::resource::Resource;
use xtsync_platform::bus::{Outgoing, Urgency};
use xtsync_platform::configuration::digest;
use xtsync_platform::params;
use xtsync_platform::store::{self, Store};
use xtsync_proto::topic::{COMMIT_KEY, Topic};
use xtsync_proto::v1;

use crate::Error;
use crate::context::{Context, ROLE};
use crate::resources::{self, Standing};

/// Publishes whatever the bus does not know yet.
pub(crate) async fn pending(context: &Context) -> Result<(), Error> {
    let Context { store, bus, .. } = context;
    let now = context.clock.now();
    const REVISION: &str = "SELECT id, actor FROM revision WHERE published = 0 ORDER BY id DESC LIMIT 1";
    let Some(row) = store.fetch_one_opt(REVISION, params![]).await? else { return Ok(()) };
    let (revision, actor) = (row.uint(0)?, row.text(1)?);
    const CHANGED: &str = "SELECT kind, tenant, name, spec, revision FROM resource WHERE revision <> published ORDER BY kind, tenant, name";
    let changed = store.fetch(CHANGED, params![]).await?;
    let changed: Standing = changed.iter().map(resources::resource).collect::<Result<_, store::Error>>()?;
    let records = changed.values().map(|resource| record(resource, now)).collect();
    bus.publish(records, Urgency::Live).await?;
    let commit = commit(&resources::read(store).await?, revision, actor);
    bus.publish(vec![outgoing(COMMIT_KEY, &commit, now)], Urgency::Live).await?;
    published(store, revision).await?;
    context.metrics.published(revision);
    context.revised.send_replace(revision);
    tracing::info!(revision, changed = changed.len(), "revision published");
    Ok(())
}

async fn published(store: &Store, revision: u64) -> Result<(), store::Error> {
    let mut tx = store.begin().await?;
    tx.execute("UPDATE resource SET published = revision WHERE published <> revision AND revision <= $1", params![revision]).await?;
    tx.execute("UPDATE revision SET published = 1 WHERE published = 0 AND id <= $1", params![revision]).await?;
    tx.commit().await
}

fn record(resource: &Resource, now: Timestamp) -> Outgoing {
    outgoing(&resource.id.to_string(), &v1::ConfigRecord::from(resource), now)
}

/// The record that closes a revision: how many resources stand in it, and a digest over their keys and specs in order of key.
fn commit(standing: &Standing, revision: u64, actor: String) -> v1::ConfigRecord {
    let mut keyed: Vec<(String, Vec<u8>)> = standing.values().map(|resource| (resource.id.to_string(), resource.spec.to_json())).collect();
    keyed.sort();
    let digest = digest(keyed.iter().map(|(key, spec)| (key.as_str(), spec.as_slice())));
    let resources = u32::try_from(keyed.len()).unwrap_or(u32::MAX);
    let commit = v1::Commit { resources, digest, actor };
    v1::ConfigRecord { revision, record: Some(v1::config_record::Record::Commit(commit)) }
}

fn outgoing(key: &str, record: &v1::ConfigRecord, now: Timestamp) -> Outgoing {
    Outgoing::event::<v1::ConfigRecord>(ROLE, Topic::Config, key, record.revision, now, None, record.encode_to_vec())
}

#[cfg(test)]
mod tests;
