//! Removes the status records of vanished replicas. A replica's name may contain host and process, so each restart may add new records.
//!
//! For each record that is too old to be shown, the leader publishes a tombstone on `status`; the read model drops the row when it folds
//! the tombstone. A replica that returns publishes its status within seconds.

use std::time::Duration;

use prost::Message as _;
use tokio::time::sleep;
use xtsync_bus::{Outgoing, Urgency};
use xtsync_contract::internal::RoleStatus;
use xtsync_contract::topic;
use xtsync_store::params;

use crate::Error;
use crate::context::Context;
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
    let now = context.clock.now();
    let mut expired = Vec::new();
    for row in context.store.fetch("SELECT key, record FROM view_role ORDER BY key", params![]).await? {
        // An unreadable row is of no use.
        let is_fresh = RoleStatus::decode(row.bytes("record")?.as_slice()).is_ok_and(|status| age(&status, now) < EXPIRED_AFTER);
        if !is_fresh {
            expired.push(Outgoing::tombstone(topic::STATUS.topic(), &row.text("key")?));
        }
    }
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
        let status = RoleStatus { role: "policy".into(), replica: replica.into(), at: Some(wire_time(at)), ..RoleStatus::default() };
        let record = event::record::<RoleStatus>(ROLE, topic::STATUS.topic(), &key, 1, at, None, status.encode_to_vec());
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
}
