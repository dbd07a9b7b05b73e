//! The last commit of a job: the row as it is now, when it is due again, and the outcomes to publish, in one transaction.

use prost::Message as _;
use tracing::{debug, error};
use xtsync_bus::Outgoing;
use xtsync_contract::event;
use xtsync_contract::events;
use xtsync_contract::topic::{self, link_key};
use xtsync_domain::link::class::class;
use xtsync_domain::link::{ConditionKind, ConflictKind, Ending, Hold, Link, Outcome, Verb};
use xtsync_domain::{Timestamp, key, version};

use super::end::End;
use super::{Committed, Job};
use crate::ROLE;
use crate::error::Result;
use crate::owned_target::group_commit::{LinkUpdate, Queued};
use crate::table::Key;
use crate::table::link::{self, Stored};
use crate::table::work::{Called, Waited, Work};

impl Job<'_> {
    /// Ends the job. False where intake has decided anew meanwhile, or another link stands in the way, so that this is not the end.
    pub(super) async fn close(&mut self, end: End) -> Result<bool> {
        let now = self.now();
        let mut is_superseded = false;
        loop {
            let (stored, update, outcome) = self.closing(&end, is_superseded, now);
            match self.commit(stored, update).await? {
                Committed::Yes => {
                    self.count(&end, outcome.as_ref(), now);
                    self.check_blocker(&end).await?;
                    // Also where it was the decision that gave the object up, not a call.
                    if end == End::Converged && self.stored.link.has_given_up() {
                        self.unblock(&self.key).await?;
                    }
                    self.owned.publish.notify_one();
                    return Ok(true);
                }
                Committed::DecisionChanged if end.depends_on_decision() => return Ok(false),
                Committed::AnchorTaken => return Ok(false),
                Committed::DecisionChanged => is_superseded = true,
            }
        }
    }

    /// The link in the way may have given up its object since it was looked at, and before it could be known that this one waits.
    async fn check_blocker(&self, end: &End) -> Result<()> {
        let End::Hold(Hold::Conflict(conflict)) = end else { return Ok(()) };
        // Only an address is given up with its object: an anchor stays with its link.
        let is_passing = conflict.is_passing || conflict.kind != ConflictKind::AddressTaken;
        let Some(blocker) = blocker(&conflict.others).filter(|_| !is_passing) else { return Ok(()) };
        let Some(key) = Key::of_record(&self.key.target, blocker) else { return Ok(()) };
        let is_free = link::read(&self.owned.context.store, &key).await?.is_none_or(|stored| stored.link.has_given_up());
        if is_free { self.unblock(&key).await } else { Ok(()) }
    }

    /// The link as it is at the end, what is committed of it, and the outcome.
    fn closing(&self, end: &End, is_superseded: bool, now: Timestamp) -> (Stored, LinkUpdate, Option<Outcome>) {
        let context = &self.owned.context;
        let mut stored = self.stored.clone();
        // What became of the former decision is no condition of the newer one, which is due already.
        let due = match is_superseded {
            true => None,
            false => end.set_condition(&mut stored.link, now, context.config.call_timeout, &mut *self.owned.jitter()),
        };
        let outcome = self.outcome(&mut stored.link, end, now);
        // What waits on and has nothing to say is not published again.
        if self.row != stored.link || outcome.is_some() {
            stored.version = version::next(stored.version, now);
        }
        let work = match end {
            End::Converged => Queued::Done,
            _ if is_superseded => Queued::Stays,
            _ => Queued::Again(work(&stored.link, due, self.was)),
        };
        let call = match end {
            // A call that may not be repeated yet keeps its intent, and its time.
            End::Lost { created: true } | End::NotYet(_) | End::Panicked => Called::Unchanged,
            End::Lost { created: false } => Called::Unknown(now),
            End::Converged
            | End::Deferred { .. }
            | End::Hold(_)
            | End::Closed { .. }
            | End::Retry(_)
            | End::NotVisible
            | End::Stopped
            | End::Failing { .. }
            | End::Waits { .. }
            | End::Refused { .. } => Called::Ended,
        };
        let outgoing = outcome.as_ref().map(|outcome| record(outcome, stored.version, stored.traceparent.as_deref()));
        let update = LinkUpdate { link: self.encode(&stored), work, call, uses: None, outcome: outgoing };
        (stored, update, outcome)
    }

    /// The outcome to publish, if any: what was done, or that it failed or is held until something changes.
    fn outcome(&self, link: &mut Link, end: &End, now: Timestamp) -> Option<Outcome> {
        let (verb, ending) = match end {
            End::Converged => (link.mark_converged(!self.changes.is_empty(), now)?, Ending::Done),
            End::Deferred { since, .. } => (link.mark_deferred(*since)?, Ending::Done),
            End::Refused { refusal, verb, .. } if is_first(link) => ((*verb)?, Ending::Failed(refusal.code.clone())),
            End::Hold(Hold::Conflict(conflict)) if is_first(link) => (Verb::Create, Ending::Failed(conflict.kind.code().to_owned())),
            End::Hold(Hold::Vetoed | Hold::Rejected) | End::Closed { .. } | End::Waits { .. } => {
                (link.intended()?, Ending::Held(new_hold(link, &self.row)?))
            }
            End::Refused { .. }
            | End::Hold(Hold::Refused | Hold::Conflict(_))
            | End::NotYet(_)
            | End::Retry(_)
            | End::NotVisible
            | End::Lost { .. }
            | End::Panicked
            | End::Stopped
            | End::Failing { .. } => return None,
        };
        Some(Outcome {
            // A link has one version a moment, so this id is as unique as the link.
            id: key::compose([self.key.target.as_str(), self.key.source.as_str(), self.key.user.as_str(), &now.0.to_string()]),
            source: self.key.source.clone(),
            user: self.key.user.clone(),
            target: self.key.target.clone(),
            synchronization: link.desired.synchronization.clone(),
            verb,
            version: link.desired.version,
            changes: self.changes.clone(),
            took: self.began.elapsed(),
            ending,
            first_seen: link.desired.first_seen,
            at: now,
            target_id: link.shadow.id().cloned(),
        })
    }

    fn count(&self, end: &End, outcome: Option<&Outcome>, now: Timestamp) {
        let (context, link) = (&self.owned.context, &self.stored.link);
        if let Some(outcome) = outcome {
            let result = match &outcome.ending {
                Ending::Done => "done",
                Ending::Failed(_) => "failed",
                Ending::Held(_) => "held",
            };
            context.metrics.outcome(link, outcome.verb, result);
            debug!(verb = outcome.verb.name(), result, took = ?outcome.took, "link brought on");
        }
        if let (End::Refused { refusal, .. }, Some(_), true) = (end, outcome, class(link).loses_access()) {
            error!(%refusal, "the target refuses to take a user's access: it is tried again about every hour");
        }
        if self.wrote && !self.had_condition && matches!(end, End::Converged | End::Deferred { .. }) {
            context.metrics.applied(link, now.since(link.awaited_since()));
        }
    }
}

fn work(link: &Link, due: Option<Timestamp>, was: Waited) -> Work {
    let condition = link.condition.as_ref();
    let blocked_by =
        condition.filter(|condition| condition.kind == ConditionKind::Conflict).and_then(|condition| blocker(&condition.others)).cloned();
    Work { class: class(link), due, condition: condition.map(|condition| (condition.kind, condition.code.clone())), blocked_by, was }
}

/// The first link among what stands in the way; where there are several, the next is found when this one is gone. Ids of objects have no
/// slash.
fn blocker(others: &[String]) -> Option<&String> {
    others.iter().find(|other| other.contains('/'))
}

/// Whether the condition is new, or that of a former decision: a lasting condition is published once.
fn is_first(link: &Link) -> bool {
    link.condition.as_ref().is_none_or(|condition| condition.attempts == 1)
}

/// The code by which a link is held, where that was not its condition before.
fn new_hold(link: &Link, before: &Link) -> Option<String> {
    let held = |link: &Link| {
        link.condition.as_ref().filter(|condition| condition.kind == ConditionKind::Held).map(|condition| condition.code.clone())
    };
    held(link).filter(|code| before.condition.as_ref().is_none_or(|condition| condition.code != *code))
}

fn record(outcome: &Outcome, version: u64, traceparent: Option<&str>) -> Outgoing {
    let key = link_key(&outcome.source, &outcome.user);
    let value = events::Outcome::from(outcome.clone()).encode_to_vec();
    event::record::<events::Outcome>(ROLE, topic::OUTCOMES.of(&outcome.target), &key, version, outcome.at, traceparent, value)
}
