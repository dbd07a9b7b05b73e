//! Reports the health of a store: an unavailable database makes the process not ready until it is available again.

use std::time::Duration;

use tokio_util::task::AbortOnDropHandle;

use super::Store;
use xtsync_runtime::health::{Condition, Health};

/// How often the database is checked.
const PING_INTERVAL: Duration = Duration::from_secs(5);

/// Reports as long as this exists.
#[must_use = "dropping it ends the report"]
#[derive(Debug)]
pub struct Report(#[expect(dead_code, reason = "it is there to be dropped")] AbortOnDropHandle<()>);

impl Store {
    /// Starts to report the store of a service, as the condition `store/<service>`.
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
