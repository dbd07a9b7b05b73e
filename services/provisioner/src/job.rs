//! One link from where it is to where it shall be, call by call.
//!
//! The state table says each step; this file only carries it out: ask the gate, commit the intent, call, take the answer in, until the
//! table says rest, hold or wait. What an answer changed is committed with the next intent, so a crash leaves either the old row with an
//! intent, from which the table finds out what happened, or the new row. Every commit asserts the lease and counts only if intake has
//! decided nothing meanwhile: else that is taken over, and where it changes what is wanted the table is asked again.

mod call;
mod close;
mod end;
mod inherit;
mod intend;
mod look_up;
mod perform;

use std::time::Duration;

use tokio::time::Instant;
use tracing::{Instrument as _, Span, error, info_span, warn};
use xtsync_domain::gate::Counter;
use xtsync_domain::link::{Change, ConditionKind, Conflict, ConflictKind, GracePeriod, Hold, Link, Observed, Step, next};
use xtsync_domain::{TargetId, Timestamp, UserId, Wanted};
use xtsync_runtime::telemetry::chain;
use xtsync_runtime::trace;
use xtsync_store::{self as store, Epoch, MayBeContended as _, retry_contended};

use self::end::End;
use self::look_up::LookedUp;
use crate::error::{Error, Result};
use crate::owned_target::OwnedTarget;
use crate::owned_target::group_commit::LinkUpdate;
use crate::owned_target::in_use::Use;
use crate::table::link::{self, Encoded, Stored};
use crate::table::work::{Called, Due, Waited, Work};
use crate::table::{Key, work};

/// The most steps of one job: the longest path has 13. A target that answers in circles does not keep a slot.
const STEPS_MAX: usize = 32;

/// How long a link is postponed that the store cannot read or write.
const PUT_OFF_INTERVAL: Duration = Duration::from_secs(60);

/// Works on one link until nothing is left to do now. A row that cannot be worked on is put off, so that it does not keep others waiting.
pub(crate) async fn run(owned: &OwnedTarget, epoch: Epoch, due: Due) -> Result<()> {
    let (key, was) = (due.key.clone(), due.was);
    let done = start(owned, epoch, due).await;
    owned.release_probe(&key);
    match done {
        Err(error @ (Error::Unreadable(..) | Error::Store(store::Error::Statement { .. } | store::Error::NotUnique(_)))) => {
            error!(link = %key, error = chain(&error), "the link is put off");
            retry_contended(|| put_off(owned, epoch, &key, was)).await
        }
        result => result,
    }
}

async fn start(owned: &OwnedTarget, epoch: Epoch, Due { key, stored, called_until, was, former }: Due) -> Result<()> {
    let Some(stored) = stored? else { return retry_contended(|| drop_orphan(owned, epoch, &key)).await };
    let span = info_span!("job", target = %key.target, source = %key.source, user = %key.user, trace_id = tracing::field::Empty);
    if let Some(parent) = &stored.traceparent {
        trace::set_parent(&span, parent);
    }
    let job = Job { confirmed: former, ..Job::new(owned, epoch, key, stored, was) };
    job.run(called_until).instrument(span).await
}

/// Work without a link belongs to no job.
async fn drop_orphan(owned: &OwnedTarget, epoch: Epoch, key: &Key) -> Result<()> {
    let mut tx = owned.begin(epoch).await?;
    work::remove(&mut tx, vec![key]);
    Ok(tx.commit().await?)
}

/// Postpones a link that the store cannot read or write. A newer decision for it is not postponed.
async fn put_off(owned: &OwnedTarget, epoch: Epoch, key: &Key, was: Waited) -> Result<()> {
    let mut tx = owned.begin(epoch).await?;
    let due = owned.context.now().plus(PUT_OFF_INTERVAL);
    let work =
        Work { class: was.class, due: Some(due), condition: Some((ConditionKind::Retry, "store".to_owned())), was, blocked_by: None };
    work::postpone(&mut tx, vec![(key, work, Called::Unchanged)]);
    Ok(tx.commit().await?)
}

/// Puts a link off whose job panicked, the longer the oftener. Its intent stays: what it names may have happened.
pub(crate) async fn put_off_panicked(owned: &OwnedTarget, epoch: Epoch, key: Key, was: Waited) -> Result<()> {
    match link::read(&owned.context.store, &key).await? {
        Some(stored) => Job::new(owned, epoch, key, stored, was).close(End::Panicked).await.map(drop),
        None => Ok(()),
    }
}

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Committed {
    /// It is stored.
    Yes,
    /// Intake has decided anew: it must be asked again what to do.
    DecisionChanged,
    /// Another link bears the anchor, and stands in the way.
    AnchorTaken,
}

struct Job<'a> {
    owned: &'a OwnedTarget,
    epoch: Epoch,
    key: Key,
    /// The link as this job knows it, with what answers have changed since the row was read or written.
    stored: Stored,
    /// How the link waited when this job took it up.
    was: Waited,
    /// The link as its row has it.
    row: Link,
    seen: Observed,
    /// What answered this job's look-up.
    looked_up: LookedUp,
    /// Attributes written by this job.
    changes: Vec<Change>,
    /// Whether this job wrote anything.
    wrote: bool,
    /// Another link that bears this one's anchor.
    anchor_taken: Option<Conflict>,
    /// An object that no other link owned when this job asked.
    unclaimed: Option<TargetId>,
    /// The user's former account, whose object an administrator wants this link to take over.
    confirmed: Option<UserId>,
    /// Keeps other jobs from inviting the same address until this one ends.
    address: Option<Use<'a>>,
    /// Keeps other jobs from writing to the object that this one has created until it is stored whose it is.
    created: Option<Use<'a>>,
    /// The end of the newest intent that this job has stored.
    intended_until: Option<Instant>,
    /// What the call about to start was counted against, and when.
    reserved: Option<(Counter, Timestamp)>,
    /// Whether the link waited for something that is not our lateness.
    had_condition: bool,
    began: Instant,
}

impl<'a> Job<'a> {
    fn new(owned: &'a OwnedTarget, epoch: Epoch, key: Key, mut stored: Stored, was: Waited) -> Self {
        let had_condition = stored.link.condition.is_some();
        // It is its turn, by time or because something has changed: what the target refused is asked for again.
        if let Some(refused) = stored.link.condition.as_mut().filter(|condition| condition.kind == ConditionKind::Refused) {
            refused.due = refused.due.map(|due| due.min(owned.context.now())).or(Some(owned.context.now()));
        }
        Self {
            was,
            owned,
            epoch,
            key,
            row: stored.link.clone(),
            stored,
            seen: Observed::NotObserved,
            looked_up: LookedUp::No,
            changes: Vec::new(),
            wrote: false,
            anchor_taken: None,
            unclaimed: None,
            confirmed: None,
            address: None,
            created: None,
            intended_until: None,
            reserved: None,
            had_condition,
            began: Instant::now(),
        }
    }

    async fn run(mut self, called_until: Option<Timestamp>) -> Result<()> {
        if let Some(until) = self.await_former_call(called_until) {
            return self.close(End::NotYet(until)).await.map(drop);
        }
        for _ in 0..STEPS_MAX {
            if let Some(conflict) = self.anchor_taken.take() {
                if self.close(End::Hold(Hold::Conflict(conflict))).await? {
                    return Ok(());
                }
                continue;
            }
            self.find_anchor();
            if let Some(end) = self.inherit_confirmed().await? {
                if self.close(end).await? {
                    return Ok(());
                }
                continue;
            }
            if self.anchor_taken.is_some() {
                continue;
            }
            let now = self.now();
            let end = match next(&self.stored.link, &self.seen, now, &self.owned.capabilities) {
                Step::Call(call) => match self.call(&call).await? {
                    Some(end) => end,
                    None => continue,
                },
                Step::Inherit { owner, account } => {
                    let end = self.inherit(&owner, &account).await?;
                    self.seen = Observed::NotObserved;
                    match end {
                        Some(end) => end,
                        None => continue,
                    }
                }
                Step::UpdateRow(update) => {
                    self.stored.link.update_row(&update, self.now());
                    self.seen = Observed::NotObserved;
                    continue;
                }
                Step::AwaitVisibility => End::NotVisible,
                Step::GracePeriod(GracePeriod::Scope, due) => End::NotYet(due),
                Step::GracePeriod(GracePeriod::Deletion, due) => End::Deferred { since: now, due },
                Step::Hold(hold) => End::Hold(hold),
                Step::Converged => End::Converged,
            };
            if self.close(end).await? {
                return Ok(());
            }
        }
        self.close(End::Retry("too_many_steps")).await.map(drop)
    }

    /// Sets the anchor of the link once its home is known for sure. That no other link bears it is asserted by the first commit.
    fn find_anchor(&mut self) {
        let link = &mut self.stored.link;
        if link.anchor.is_none()
            && matches!(link.wanted(), Wanted::Yes(_))
            && let Some(home) = self.owned.context.own_directory(&self.key.source)
        {
            link.anchor = Some(format!("{home}/{}", self.key.user));
        }
    }

    /// Notes which other link bears the anchor that this one has found, where that is why it could not be stored. That is so when a source was
    /// another Tenant before: then two links would own one object.
    async fn note_anchor_taken(&mut self, error: Error) -> Result<()> {
        let Error::Store(store::Error::NotUnique(_)) = error else { return Err(error) };
        let Some(anchor) = self.stored.link.anchor.take_if(|_| self.row.anchor.is_none()) else { return Err(error) };
        let owner = link::anchor_owner(&self.owned.context.store, &self.key.target, &anchor).await?;
        let Some(owner) = owner.filter(|owner| *owner != self.key) else { return Err(error) };
        self.anchor_taken = Some(Conflict { kind: ConflictKind::AnchorTaken, others: vec![owner.record()], is_passing: false });
        Ok(())
    }

    /// A call without a recorded answer may still be under way: then nothing is done until it must have ended, and after that the
    /// object is read back. Returns the end of the wait.
    fn await_former_call(&mut self, called_until: Option<Timestamp>) -> Option<Timestamp> {
        let until = called_until?;
        if self.now() < until {
            return Some(until);
        }
        self.stored.link.mark_unverified();
        None
    }

    /// The link as a commit of this job writes it.
    fn encode(&self, stored: &Stored) -> Encoded {
        stored.encode(self.owned.context.store.store_id())
    }

    /// Commits an update, with which the link is as given. Where intake has decided anew meanwhile nothing is stored, and what was decided is
    /// taken over. If another process has changed the row, this job no longer knows the state of its link: that ends the epoch's work.
    async fn commit(&mut self, stored: Stored, update: LinkUpdate) -> Result<Committed> {
        let owned = self.owned;
        let committed = match owned.group_commit.commit(&owned.context, &owned.target, &owned.lease.fence(self.epoch), update).await {
            Err(error) => {
                self.note_anchor_taken(error).await?;
                return Ok(Committed::AnchorTaken);
            }
            Ok(committed) => committed,
        };
        if committed {
            let before = std::mem::replace(&mut self.row, stored.link.clone());
            self.stored = stored.saved();
            self.owned.limits().note_live(&self.key.source, link::is_live(&before), link::is_live(&self.row));
            if before.occupied_address().is_some() && before.occupied_address() != self.row.occupied_address() {
                self.unblock(&self.key).await?;
            }
            return Ok(Committed::Yes);
        }
        let newest = link::read(&owned.context.store, &self.key).await?;
        let newest = newest.ok_or_else(|| Error::Unreadable(self.key.to_string(), "its row is gone".to_owned()))?;
        // The decision made the link due again: that is what this job works on from here.
        self.was = work::waits(&owned.context.store, &self.key).await?.unwrap_or(self.was);
        self.stored.version = newest.version;
        (self.stored.row_version, self.stored.stored_version) = (newest.row_version, newest.stored_version);
        let is_ours = (&newest.link.shadow, &newest.link.applied) == (&self.row.shadow, &self.row.applied);
        if !is_ours || !self.stored.link.rebase(&newest.link) {
            return Err(Error::ConcurrentModification(self.key.to_string()));
        }
        self.row = newest.link;
        if let Some(newest) = &newest.traceparent {
            trace::link(&Span::current(), newest);
        }
        self.stored.traceparent = newest.traceparent;
        // What was seen may have been looked for under another address.
        self.seen = Observed::NotObserved;
        Ok(Committed::DecisionChanged)
    }

    /// Users who wait for the address of a link get it as soon as it is given up.
    async fn unblock(&self, by: &Key) -> Result<()> {
        match work::unblock(&self.owned.context.store, by, self.now()).await {
            Ok(0) => Ok(()),
            Ok(_) => {
                self.owned.wake.notify_one();
                Ok(())
            }
            // The waiting link is checked again by itself within the hour, which is better than to drop the jobs of all others.
            Err(error) if error.is_contended() => {
                warn!(error = chain(&error), "who waits for an address was not woken");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn now(&self) -> Timestamp {
        self.owned.context.now()
    }
}
