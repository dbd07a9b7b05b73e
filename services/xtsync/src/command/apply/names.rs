//! Waits until the group names of applied resources are resolved to ids, and reports what stays in force where they are not.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::anyhow;
use tokio::time::{Instant, sleep};
use xtsync_contract::control::{ListResourcesRequest, ResourceStatus};
use xtsync_control::manifest::Written;

use super::place;
use crate::client::{Client, failure};
use crate::exit;
use crate::output::condition::{optional_text, text};
use crate::output::{self, Waiting};

/// The interval between two requests to control.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// The state of the applied names.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// `GlobalEmployees (7c1e…)`.
    pub(super) resolved: Vec<String>,
    /// What is still pending, each with its file and line.
    pub(super) pending: Vec<String>,
    /// What stays in force for each pending resource.
    pub(super) in_force: Vec<String>,
    /// Notices about resolved groups, each with its file and line.
    pub(super) notices: Vec<String>,
    /// Notices that require an administrator.
    pub(super) needs_action: Vec<String>,
    /// Whether everything pending requires an administrator.
    is_stuck: bool,
    /// Whether the caller asked to wait.
    waited: bool,
}

/// Waits until nothing is pending, at most `limit`. Returns at once where everything pending requires an administrator.
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
            found.pending.push(format!("{place}: {}", optional_text(&pending.condition)));
            found.is_stuck &= pending.needs_action;
        }
        if let Some(in_force) = &resource.in_force {
            found.in_force.push(format!("{} is stored and pending: {}", resource.id, text(in_force)));
        }
        for notice in &resource.notices {
            // Notices concern the resource in force. A pending resource differs from it, so its places do not apply.
            let place = place(written, &resource.id, &notice.path).filter(|_| resource.pending.is_empty());
            let line = format!("{}: {}", place.unwrap_or_else(|| nowhere(&notice.path)), optional_text(&notice.condition));
            if notice.needs_action { &mut found.needs_action } else { &mut found.notices }.push(line);
        }
    }
    found
}

impl Found {
    /// The resolved names, what stays in force for pending resources, and the notices.
    pub(super) fn as_text(&self) -> String {
        let resolved = self.resolved.iter().map(|name| output::good(name));
        let rest = self.in_force.iter().map(|text| output::notable(text)).chain(self.notices.iter().map(|text| format!("notice: {text}")));
        resolved.chain(rest).map(|line| format!("{line}\n")).collect()
    }

    /// A pending name is an error, unless the caller did not wait. A group that is gone is always an error: the applied resource names it.
    pub(super) fn verdict(self) -> exit::Result {
        let mut errors = self.needs_action;
        if self.waited || self.is_stuck {
            errors.extend(self.pending);
        }
        if errors.is_empty() { Ok(()) } else { Err(exit::Code::Failed.because(anyhow!("{}", errors.join("\nerror: ")))) }
    }
}
