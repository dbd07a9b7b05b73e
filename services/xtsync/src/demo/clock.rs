//! Measures the time from the source simulator's commit to the target simulator's commit, by the simulator's journal.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;
use xtsync_tenant_sim::{Entry, Journal};

use super::events::Expected;

/// The longest wait for a change; after it the demo fails.
const DEADLINE: Duration = Duration::from_secs(20);

/// Follows the journal from before an event.
pub(super) struct Clock {
    entries: Receiver<Entry>,
    source: String,
    target: String,
}

impl Clock {
    /// Subscribes to the journal: later entries are received.
    pub(super) fn start(journal: &Journal, source: &str, target: &str) -> Self {
        Self { entries: journal.subscribe(), source: source.to_owned(), target: target.to_owned() }
    }

    /// Waits until every expected write was made in the target. Returns for each the time since the newest write to the source that
    /// concerned its user.
    pub(super) async fn took(mut self, expected: &[Expected]) -> Result<Vec<Duration>> {
        let mut committed: HashMap<String, Instant> = HashMap::new();
        let mut waiting: Vec<&Expected> = expected.iter().collect();
        let mut took = Vec::new();
        while !waiting.is_empty() {
            let entry =
                self.next().await.with_context(|| format!("{} of {} changes did not reach the target", waiting.len(), expected.len()))?;
            if *entry.tenant == *self.source {
                // The user is the object of a write, or the member that was added or removed.
                for user in [Some(entry.object), entry.other].into_iter().flatten() {
                    committed.insert(user.to_string(), entry.at);
                }
            } else if *entry.tenant == *self.target {
                waiting.retain(|expected| {
                    let Some(began) = since(expected, &entry, &committed) else { return true };
                    took.push(entry.at.duration_since(began));
                    false
                });
            }
        }
        Ok(took)
    }

    async fn next(&mut self) -> Result<Entry> {
        match timeout(DEADLINE, self.entries.recv()).await {
            Ok(Ok(entry)) => Ok(entry),
            Ok(Err(RecvError::Lagged(missed))) => bail!("the demo fell {missed} writes behind"),
            Ok(Err(RecvError::Closed)) => bail!("the simulator ended"),
            Err(_) => bail!("nothing was written for {} s", DEADLINE.as_secs()),
        }
    }
}

/// The time at which the user's change was committed in the source, if this write of the target completes it.
fn since(expected: &Expected, entry: &Entry, committed: &HashMap<String, Instant>) -> Option<Instant> {
    let names = |property: &str| entry.properties.iter().any(|name| name == property);
    let completes = entry.anchor.as_deref() == Some(&expected.anchor) && entry.verb == expected.verb && expected.property.is_none_or(names);
    let (_, user) = expected.anchor.split_once('/')?;
    if completes { committed.get(user).copied() } else { None }
}
