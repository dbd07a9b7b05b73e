//! Tells health how a store is: a database that goes away turns readiness off, and on again when it is back.

use std::time::Duration;

use tokio_util::task::AbortOnDropHandle;

use super::Store;
use xtsync_runtime::health::{Condition, Health};

/// How often the database is asked for a sign of life.
const PING_INTERVAL: Duration = Duration::from_secs(5);

/// Tells it for as long as this lives.
#[must_use = "dropping it ends the report"]
#[derive(Debug)]
pub struct Report(#[expect(dead_code, reason = "it is there to be dropped")] AbortOnDropHandle<()>);

impl Store {
    /// Begins to tell how the store of a service is, as the condition `store/<service>`.
    pub fn report(&self, service: &str, health: &Health) -> Report {
        let condition = health.condition(format!("store/{service}"));
        Report(AbortOnDropHandle::new(tokio::spawn(report_health(self.clone(), condition))))
    }
}

async fn report_health(store: Store, condition: Condition) {
    loop {
        match store.ping().await {
            Ok(()) => condition.set(true, ""),
            Err(error) => condition.set(false, error.to_string()),
        }
        tokio::time::sleep(PING_INTERVAL).await;
    }
}
