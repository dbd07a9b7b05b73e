//! Removes the status records of vanished replicas. A replica's name may contain host and process, so each restart may add new records.
//!
//! For each record that is too old and belongs to no heartbeat that is recent enough to be shown, the leader publishes a tombstone on
//! `status`; the read model drops the row when it folds the tombstone. A replica that returns publishes its statuses under new keys.

use std::time::Duration;

use prost::Message as _;
use tokio::time::sleep;
use xtsync_bus::{Outgoing, Urgency};
use xtsync_contract::internal::RoleStatus;
use xtsync_contract::topic;
use xtsync_service::consumer::lag;
use xtsync_store::params;

use crate::Error;
use crate::context::Context;
use crate::status::heartbeat::Heartbeats;
use crate::status::{EXPIRED_AFTER, age};

/// The interval between two runs.
const EXPIRY_INTERVAL: Duration = Duration::from_secs(60);

/// The maximum number of rows that one run removes.
const BATCH_MAX: usize = 500;

/// Removes expired rows at intervals until an error occurs.
///
/// # Errors
/// If the store or the bus fails.
pub(crate) async fn run(context: &Context) -> Result<(), Error> {
    loop {
        sleep(EXPIRY_INTERVAL).await;
        step(context).await?;
    }
}

/// Publishes tombstones for at most [`BATCH_MAX`] expired rows. Returns their number.
async fn step(context: &Context) -> Result<usize, Error> {
    // The read model may not have read a newer heartbeat yet. What is wrong with the bus is reported where records are read.
    if !matches!(lag(&context.store, &context.bus, &[topic::STATUS.topic()]).await, Ok(0)) {
        return Ok(0);
    }
    let now = context.clock.now();
    let mut rows = Vec::new();
    for row in context.store.fetch("SELECT key, record FROM view_role ORDER BY key", params![]).await? {
        rows.push((row.text("key")?, RoleStatus::decode(row.bytes("record")?.as_slice()).ok()));
    }
    let records = || rows.iter().filter_map(|(_, record)| record.as_ref());
    let is_fresh = |record: &RoleStatus| age(record, now) < EXPIRED_AFTER;
    if !records().any(is_fresh) {
        // This clock may be wrong: that is likelier than that every replica is gone.
        return Ok(0);
    }
    let heartbeats = Heartbeats::of(records());
    let counts = |record: &RoleStatus| is_fresh(record) || heartbeats.of_status(record).is_some_and(is_fresh);
    // An unreadable row is of no use.
    let expired = rows.iter().filter(|(_, record)| !record.as_ref().is_some_and(counts));
    let mut expired: Vec<_> = expired.map(|(key, _)| Outgoing::tombstone(topic::STATUS.topic(), key)).collect();
    expired.truncate(BATCH_MAX);
    let count = expired.len();
    if count > 0 {
        context.bus.publish(expired, Urgency::Bulk).await?;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use xtsync_bus::{Record, Table};
    use xtsync_contract::convert::wire_time;
    use xtsync_domain::Timestamp;

    use xtsync_contract::event;

    use super::*;
    use crate::context::ROLE;
    use crate::context::tests::{close, context};
    use crate::view;

    async fn publish_status(context: &Context, replica: &str, at: Timestamp) {
        let key = format!("policy/{replica}/emea");
        let status = RoleStatus { role: "policy".into(), replica: replica.into(), ..RoleStatus::default() };
        publish(context, &key, status, at).await;
    }

    /// Publishes the heartbeat of a replica, or the status of a tenant, under a start.
    async fn publish_since(context: &Context, tenant: &str, since: Timestamp, at: Timestamp) {
        let key = if tenant.is_empty() { "policy/r".to_owned() } else { format!("policy/r/{}/{tenant}", since.0) };
        let (role, replica, tenant, reporting_since) = ("policy".into(), "r".into(), tenant.into(), Some(wire_time(since)));
        let status = RoleStatus { role, replica, tenant, reporting_since, ..RoleStatus::default() };
        publish(context, &key, status, at).await;
    }

    async fn publish(context: &Context, key: &str, status: RoleStatus, at: Timestamp) {
        let status = RoleStatus { at: Some(wire_time(at)), ..status };
        let record = event::record::<RoleStatus>(ROLE, topic::STATUS.topic(), key, 1, at, None, status.encode_to_vec());
        context.bus.publish(vec![record], Urgency::Live).await.unwrap();
    }

    async fn keys(context: &Context) -> Vec<String> {
        let rows = context.store.fetch("SELECT key FROM view_role ORDER BY key", params![]).await.unwrap();
        rows.iter().map(|row| row.text("key").unwrap()).collect()
    }

    /// Folds the given number of new records of `status`.
    async fn fold(context: &Context, table: &mut Table, records: usize) {
        let mut folded = 0;
        while folded < records {
            let batch: Vec<Record> = table.next().await.unwrap();
            folded += batch.len();
            view::fold(context, &batch).await.unwrap();
        }
    }

    #[tokio::test]
    async fn rows_of_vanished_replicas_expire_and_others_stay() {
        let dir = tempfile::tempdir().unwrap();
        let context = context(dir.path()).await;
        let mut table = Table::open(&context.bus, vec![topic::STATUS.topic()]).await.unwrap();
        let now = context.clock.now();
        for process in 0..3 {
            publish_status(&context, &format!("host-{process}"), now.minus(EXPIRED_AFTER)).await;
        }
        publish_status(&context, "host-alive", now).await;
        fold(&context, &mut table, 4).await;
        assert_eq!(step(&context).await.unwrap(), 3);
        fold(&context, &mut table, 3).await;
        assert_eq!(keys(&context).await, ["policy/host-alive/emea"]);
        assert_eq!(step(&context).await.unwrap(), 0);
        close(context).await;
    }

    #[tokio::test]
    async fn an_old_status_stays_while_its_replica_reports_and_expires_after_another_start() {
        let dir = tempfile::tempdir().unwrap();
        let context = context(dir.path()).await;
        let mut table = Table::open(&context.bus, vec![topic::STATUS.topic()]).await.unwrap();
        let now = context.clock.now();
        let (former, since) = (now.minus(EXPIRED_AFTER * 3), now.minus(EXPIRED_AFTER * 2));
        publish_since(&context, "emea", former, former).await;
        publish_since(&context, "emea", since, since).await;
        publish_since(&context, "", since, now).await;
        fold(&context, &mut table, 3).await;
        assert_eq!(step(&context).await.unwrap(), 1);
        fold(&context, &mut table, 1).await;
        assert_eq!(keys(&context).await, ["policy/r".to_owned(), format!("policy/r/{}/emea", since.0)]);
        assert_eq!(step(&context).await.unwrap(), 0);
        close(context).await;
    }

    #[tokio::test]
    async fn nothing_expires_while_a_heartbeat_may_be_unread() {
        let dir = tempfile::tempdir().unwrap();
        let context = context(dir.path()).await;
        let mut table = Table::open(&context.bus, vec![topic::STATUS.topic()]).await.unwrap();
        let now = context.clock.now();
        let since = now.minus(EXPIRED_AFTER);
        publish_since(&context, "emea", since, since).await;
        publish_since(&context, "", since, since).await;
        publish_status(&context, "host-alive", now).await;
        fold(&context, &mut table, 3).await;
        publish_since(&context, "", since, now).await;
        assert_eq!(step(&context).await.unwrap(), 0);
        fold(&context, &mut table, 1).await;
        assert_eq!(step(&context).await.unwrap(), 0, "the replica reports");
        close(context).await;
    }

    #[tokio::test]
    async fn nothing_expires_if_every_replica_seems_gone() {
        let dir = tempfile::tempdir().unwrap();
        let context = context(dir.path()).await;
        let mut table = Table::open(&context.bus, vec![topic::STATUS.topic()]).await.unwrap();
        let then = context.clock.now().minus(EXPIRED_AFTER * 2);
        publish_since(&context, "emea", then, then).await;
        publish_since(&context, "", then, then).await;
        fold(&context, &mut table, 2).await;
        assert_eq!(step(&context).await.unwrap(), 0);
        publish_status(&context, "host-alive", context.clock.now()).await;
        fold(&context, &mut table, 1).await;
        assert_eq!(step(&context).await.unwrap(), 2);
        close(context).await;
    }
}
