//! Waits until the groups that were applied by name have become ids, and says what stays in force where they have not.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::anyhow;
use tokio::time::{Instant, sleep};
use xtsync_contract::control::{ListResourcesRequest, ResourceStatus};
use xtsync_control::manifest::Written;

use super::place;
use crate::client::{Client, failure};
use crate::exit;
use crate::output::{self, Waiting};

/// How often control is asked.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// What became of the names.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// `GlobalEmployees (7c1e…)`.
    pub(super) resolved: Vec<String>,
    /// What is still pending, each with its place.
    pub(super) pending: Vec<String>,
    /// What stays in force of each resource that is pending.
    pub(super) in_force: Vec<String>,
    /// What is to be known of groups that were resolved, each with its place.
    pub(super) notices: Vec<String>,
    /// Those that an administrator must do something about.
    pub(super) needs_action: Vec<String>,
    /// Whether all of it waits for a person.
    is_stuck: bool,
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
        if found.pending.is_empty() || found.is_stuck || Instant::now() >= deadline {
            return Ok(found);
        }
        waiting.waits_for(&found.pending.join(", "));
        sleep(POLL_INTERVAL).await;
    }
}

fn found(listed: &[ResourceStatus], written: &[Written]) -> Found {
    let mut found = Found { is_stuck: true, ..Found::default() };
    for resource in listed {
        found.resolved.extend(resource.resolved.iter().cloned());
        let nowhere = |path: &str| format!("{}, {path}", resource.id);
        for pending in &resource.pending {
            let place = place(written, &resource.id, &pending.path).unwrap_or_else(|| nowhere(&pending.path));
            found.pending.push(format!("{place}: {}", pending.reason));
            found.is_stuck &= pending.needs_action;
        }
        if !resource.in_force.is_empty() {
            found.in_force.push(format!("{} is stored and pending: {}", resource.id, resource.in_force));
        }
        for notice in &resource.notices {
            // They are about what is in force, which is not what was written where that is pending.
            let place = place(written, &resource.id, &notice.path).filter(|_| resource.pending.is_empty());
            let line = format!("{}: {}", place.unwrap_or_else(|| nowhere(&notice.path)), notice.text);
            if notice.needs_action { &mut found.needs_action } else { &mut found.notices }.push(line);
        }
    }
    found
}

impl Found {
    /// The names that became ids, what stays in force of what is pending, and what is to be known.
    pub(super) fn as_text(&self) -> String {
        let resolved = self.resolved.iter().map(|name| output::good(name));
        let rest = self.in_force.iter().map(|text| output::notable(text)).chain(self.notices.iter().map(|text| format!("notice: {text}")));
        resolved.chain(rest).map(|line| format!("{line}\n")).collect()
    }

    /// What is pending is an error, unless nobody wanted to wait for it. So is a group that is gone: what was applied names it.
    pub(super) fn verdict(self) -> exit::Result {
        let mut errors = self.needs_action;
        if self.waited || self.is_stuck {
            errors.extend(self.pending);
        }
        if errors.is_empty() { Ok(()) } else { Err(exit::Code::Failed.because(anyhow!("{}", errors.join("\nerror: ")))) }
    }
}
