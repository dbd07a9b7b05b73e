//! Waits until the groups that were applied by name have become ids.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::anyhow;
use tokio::time::{Instant, sleep};
use xtsync_control::manifest::Written;
use xtsync_proto::v1::{ListResourcesRequest, ResourceStatus};

use super::place;
use crate::client::{Client, failure};
use crate::exit;
use crate::output::{self, Waiting};

/// How often control is asked.
const EVERY: Duration = Duration::from_millis(250);

/// What became of the names.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// `GlobalEmployees (7c1e…)`.
    pub(super) resolved: Vec<String>,
    /// What is still pending, each with its place.
    pub(super) pending: Vec<String>,
    /// Whether all of it waits for a person.
    stuck: bool,
    /// Whether anybody waited.
    waited: bool,
}

/// Waits for a while; not for what only a person can settle.
pub(super) async fn wait(client: &mut Client, written: &[Written], limit: Duration) -> exit::Result<Found> {
    let ids: BTreeSet<String> = written.iter().map(|resource| resource.id.to_string()).collect();
    let deadline = Instant::now() + limit;
    let waiting = Waiting::begin();
    loop {
        let listed = client.list_resources(ListResourcesRequest {}).await.map_err(|status| failure(&status))?.into_inner();
        let mine: Vec<ResourceStatus> = listed.resources.into_iter().filter(|resource| ids.contains(&resource.id)).collect();
        let found = Found { waited: !limit.is_zero(), ..found(&mine, written) };
        if found.pending.is_empty() || found.stuck || Instant::now() >= deadline {
            return Ok(found);
        }
        waiting.waits_for(&found.pending.join(", "));
        sleep(EVERY).await;
    }
}

fn found(listed: &[ResourceStatus], written: &[Written]) -> Found {
    let mut found = Found { stuck: true, ..Found::default() };
    for resource in listed {
        found.resolved.extend(resource.resolved.iter().cloned());
        for pending in &resource.pending {
            let place = place(written, &resource.id, &pending.path).unwrap_or_else(|| format!("{}, {}", resource.id, pending.path));
            found.pending.push(format!("{place}: {}", pending.reason));
            found.stuck &= pending.stuck;
        }
    }
    found
}

impl Found {
    /// The names that became ids.
    pub(super) fn as_text(&self) -> String {
        self.resolved.iter().map(|name| format!("{}\n", output::good(name))).collect()
    }

    /// What is pending is an error, unless nobody wanted to wait for it.
    pub(super) fn verdict(self) -> exit::Result {
        if self.pending.is_empty() || (!self.waited && !self.stuck) {
            return Ok(());
        }
        Err(exit::Code::Failed.because(anyhow!("{}", self.pending.join("\nerror: "))))
    }
}
