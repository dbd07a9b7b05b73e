//! Makes up for a store that was restored from a backup, or lost: what it said is on `links`, and more of it than the store knows.
//!
//! A store is never behind its own topic, since a row is committed before it is published. So a look at the last record of each partition
//! shows whether it is; one that has not owned the target before reads all of them. Links that the topic knows better are taken from
//! there, and read back before anything is done; then their decisions are taken again, for one that came while a link was missing found
//! nobody to remove. Done by the owner, once in a process, and begun anew where it did not come to its end.
//!
//! A backup of this store makes it whole by itself. What another store wrote means that this one is new: then the target only observes
//! until a person has released it.

use std::collections::{BTreeMap, BTreeSet};

use tracing::warn;
use xtsync_domain::link::class::class;
use xtsync_platform::bus::{self, Record, Table};
use xtsync_platform::store::Epoch;
use xtsync_proto::convert::LinkRecord;
use xtsync_proto::event;
use xtsync_proto::topic::Topic;
use xtsync_proto::v1;

use crate::error::Result;
use crate::intake;
use crate::table::link::{self, Stored};
use crate::table::{Key, target, work};
use crate::worker::Worker;

/// Links in one transaction.
const CHUNK: usize = 1_000;

/// Takes from the topic what the store has lost.
pub(crate) async fn rebuild(worker: &Worker, epoch: Epoch) -> Result<()> {
    let (context, topic) = (&worker.context, Topic::Links(worker.target.clone()));
    if !bus::missing(&context.parts.bus, [&topic]).await?.is_empty() {
        return Ok(());
    }
    let was_whole = target::read(&context.store, &worker.target).await?.is_some_and(|state| state.is_whole);
    if was_whole && lost(worker, bus::last(&context.parts.bus, &topic).await?).await?.is_empty() {
        return Ok(());
    }
    let lost = lost(worker, all(worker, topic).await?).await?;
    if !lost.is_empty() {
        take_all(worker, epoch, &lost).await?;
    }
    let mut tx = worker.begin(epoch).await?;
    target::whole(&mut tx, &worker.target).await?;
    Ok(tx.commit().await?)
}

async fn take_all(worker: &Worker, epoch: Epoch, lost: &[(Key, LinkRecord)]) -> Result<()> {
    let (context, target) = (&worker.context, &worker.target);
    let is_new = lost.iter().any(|(_, record)| record.incarnation != context.store.incarnation());
    warn!(%target, links = lost.len(), is_new, "the store is older than what was said of its links: they are taken from their topic");
    let mut tx = worker.begin(epoch).await?;
    target::begin(&mut tx, target, is_new.then(|| context.now())).await?;
    tx.commit().await?;
    for chunk in lost.chunks(CHUNK) {
        take(worker, epoch, chunk).await?;
    }
    let keys: BTreeSet<String> = lost.iter().map(|(key, _)| key.record()).collect();
    let decisions = all(worker, Topic::Decisions(worker.target.clone())).await?;
    let decisions: Vec<Record> = decisions.into_iter().filter(|record| keys.contains(&*String::from_utf8_lossy(&record.key))).collect();
    for chunk in decisions.chunks(CHUNK) {
        intake::take_again(&worker.context, chunk).await?;
    }
    Ok(())
}

/// The newest record of each key.
async fn all(worker: &Worker, topic: Topic) -> Result<Vec<Record>> {
    let mut table = Table::open(&worker.context.parts.bus, vec![topic]).await?;
    let mut newest = BTreeMap::new();
    while !table.caught_up() {
        newest.extend(table.next().await?.into_iter().map(|record| (record.key.clone(), record)));
    }
    Ok(newest.into_values().collect())
}

/// Those of these links that the store has not, or has older.
async fn lost(worker: &Worker, records: Vec<Record>) -> Result<Vec<(Key, LinkRecord)>> {
    let mut lost = Vec::new();
    for record in records {
        let Some(link) = read(&record) else { continue };
        let key = Key { target: worker.target.clone(), source: link.link.source().clone(), user: link.link.user().clone() };
        let stored = link::read(&worker.context.store, &key).await?;
        if stored.is_none_or(|stored| stored.version < link.version) {
            lost.push((key, link));
        }
    }
    Ok(lost)
}

fn read(record: &Record) -> Option<LinkRecord> {
    let wire = event::decode::<v1::Link>(&record.headers, record.value.as_ref()?).ok()?;
    LinkRecord::try_from(wire).ok()
}

async fn take(worker: &Worker, epoch: Epoch, links: &[(Key, LinkRecord)]) -> Result<()> {
    let (context, now) = (&worker.context, worker.context.now());
    let mut tx = worker.begin(epoch).await?;
    let mut known = link::lock(&mut tx, &links.iter().map(|(key, _)| key.clone()).collect()).await?;
    let mut rebuilt = Vec::new();
    for (key, LinkRecord { link, version, .. }) in links {
        let before = known.remove(key);
        let mut link = link.clone();
        if let Some(before) = &before {
            link.rebase(&before.link);
        }
        link.doubt();
        let (traceparent, edition) = before.map_or((None, 0), |before| (before.traceparent, before.edition));
        rebuilt.push(Stored { link, version: *version, traceparent, counted: None, edition });
    }
    link::save(&mut tx, rebuilt.iter(), context.store.incarnation()).await?;
    let due: Vec<_> = rebuilt.iter().map(|stored| (stored.key(), class(&stored.link))).collect();
    work::arrived(&mut tx, &due, now).await?;
    Ok(tx.commit().await?)
}
