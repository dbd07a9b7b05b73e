//! An incremental cycle, one page at a time: groups, then users, then the projection of the changed users.
//!
//! A page is stored with the place where the cycle goes on; the users that a small cycle changes are projected in the same transaction.
//! A cycle in which nothing changed stores nothing but, now and then, its cursors.
//!
//! A large change takes many chunks to check and to project. Cycles go on meanwhile: reported users are projected at once, so that a
//! leaver never waits for a group of a hundred thousand.

use std::collections::BTreeSet;
use std::time::Duration;

use tracing::warn;
use xtsync_bus::Topic;
use xtsync_contract::topic;
use xtsync_directory::{self as directory, Cursor, GroupChange, Next, Page, Rejected, UserChange};
use xtsync_domain::{Timestamp, UserId};
use xtsync_service::dead_letter;

use super::failure::Failure;
use super::losses::{Left, Losses};
use super::{Tenant, paging};
use crate::ROLE;
use crate::chunk::CHUNK;
use crate::error::Error;
use crate::full::{FullPhase, Reason};
use crate::merge::{self, GroupPage};
use crate::page::{Context, PageOf};
use crate::removal_check::RemovalCheck;
use crate::removal_guard;
use crate::sync_state::{self, Phase, SyncState};

/// The code of a delta that pages without end.
pub(super) const NEVER_ENDS: &str = "delta_never_ends";

/// The first pause after a delta that pages without end.
pub(super) const ENDLESS_RETRY_INTERVAL: Duration = Duration::from_secs(30);

/// After so many endless cycles everything is read anew.
const ENDLESS_MAX: u32 = 3;

/// The first pause before everything is read again, where the cursor of the last reading was void before a cycle came to its end.
const VOID_RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// The pause after a cursor was refused, while everything is read anew.
const REFUSED_RETRY_INTERVAL: Duration = Duration::from_secs(60);

/// A cursor counts as refused for good after so many tries, and not before this has passed: a gateway may be ill for a moment.
const REFUSALS_MAX: u32 = 3;
const REFUSED_TIMEOUT: Duration = Duration::from_secs(15);

/// Where it fails at a page instead of refusing it, which an outage does too.
const FAILING_TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// The most users of a cycle remembered for projection before others; a larger cycle has no such users.
const MENTIONED_MAX: usize = 5 * CHUNK;

enum Read {
    Groups(Page<GroupChange>),
    Users(Page<UserChange>),
    /// The first of both.
    Both(Page<GroupChange>, Page<UserChange>),
}

/// The cycle under way, beside what is stored of it, and when the next one is due.
#[derive(Debug, Default)]
pub(super) struct CycleReading {
    /// Whether a cycle is asked for now.
    pub(super) is_triggered: bool,
    /// Whether it did not come to the end of a delta.
    pub(super) is_partial: bool,
    /// What was seen of its delta.
    paging: paging::Paging,
    /// The users that it has reported.
    pub(super) mentioned: BTreeSet<UserId>,
    pub(super) losses: Losses,
    /// The cycle, and the full read, whose losses were weighed last.
    pub(super) checked: Option<(u64, u64)>,
    /// The look at its losses.
    pub(super) removal_check: Option<RemovalCheck>,
    /// When the next one is due.
    pub(super) due: Timestamp,
    /// When its cursors are stored at the latest.
    pub(super) cursor_due: Timestamp,
}

impl Tenant {
    /// Reads one page of the cycle under way, or begins one, or projects a chunk. True when there is more to do at once.
    pub(super) async fn step_cycle(&mut self, now: Timestamp) -> Result<bool, Error> {
        let is_due = self.sync_state.is_incremental() && self.is_cycle_due(now);
        let begins = match (&self.sync_state.phase, is_due) {
            (Phase::Idle, false) => return Ok(false),
            (Phase::Projecting, false) => return self.finish(now).await,
            (Phase::Idle | Phase::Projecting, true) => {
                self.begin_cycle(now);
                matches!(self.sync_state.phase, Phase::Groups(_))
            }
            (Phase::Groups(_) | Phase::Users(_), _) => false,
        };
        let (read, asked) = match self.sync_state.phase.clone() {
            Phase::Idle | Phase::Projecting => return Ok(false),
            Phase::Groups(cursor) if begins => (self.read_both(&cursor).await, cursor),
            Phase::Groups(cursor) => (self.source.groups(Some(&cursor)).await.map(Read::Groups), cursor),
            Phase::Users(cursor) => (self.source.users(&self.sync_state.selected, Some(&cursor)).await.map(Read::Users), cursor),
        };
        match read {
            Ok(Read::Groups(page)) => self.merge_groups(page, &asked, now).await,
            Ok(Read::Users(page)) => self.merge_users(page, &asked, now).await,
            Ok(Read::Both(groups, users)) => {
                self.merge_groups(groups, &asked, now).await?;
                // While groups have more to say, users are asked again after that.
                match self.sync_state.phase.clone() {
                    Phase::Users(asked) => self.merge_users(users, &asked, now).await,
                    Phase::Idle | Phase::Groups(_) | Phase::Projecting => Ok(true),
                }
            }
            Err(directory::Error::Resync) => {
                warn!(tenant = %self.name, "the directory asks to read everything again");
                self.voided(now);
                Ok(true)
            }
            Err(error) if is_refusal(&error) => self.refused(error, now),
            Err(error) => Err(error.into()),
        }
    }

    /// The directory declares a cursor void: everything is read, and goes on at the cursors of that.
    fn voided(&mut self, now: Timestamp) {
        let has_replaced_cursors = self.sync_state.full.as_ref().is_some_and(|full| full.replaces_cursors && !full.phase.is_reading());
        let pause = if self.failures.void.is_none() { Duration::ZERO } else { VOID_RETRY_INTERVAL };
        Failure::record(&mut self.failures.void, NEVER_ENDS, pause, now);
        self.sync_state.void();
        if self.sync_state.full.is_none() || has_replaced_cursors {
            self.begin_full(Reason::Void, now);
        }
        self.sync_state.switch_cursors();
    }

    /// Whether a cycle is due.
    fn is_cycle_due(&self, now: Timestamp) -> bool {
        (self.cycle.is_triggered || now >= self.cycle.due) && Failure::is_retry_due(self.failures.cycle.as_ref(), now)
    }

    /// Begins a cycle, perhaps while the changed users of another are still being projected.
    fn begin_cycle(&mut self, now: Timestamp) {
        self.sync_state.begin();
        (self.cycle.is_triggered, self.cycle.is_partial) = (false, false);
        self.cycle.due = now.plus(self.intervals.cycles);
        self.cycle.paging = paging::Paging::default();
        self.cycle.mentioned.clear();
        self.cycle.losses.begin_cycle();
    }

    /// Asks for the first page of groups and of users at once: mostly neither has a second one, and a change would take twice as long.
    async fn read_both(&self, groups: &Cursor) -> directory::Result<Read> {
        let users = self.source.users(&self.sync_state.selected, self.sync_state.users.as_ref());
        let (groups, users) = tokio::try_join!(self.source.groups(Some(groups)), users)?;
        Ok(Read::Both(groups, users))
    }

    /// A cursor that the directory gave is refused. The cycle begins anew where it began; if that goes on, everything is read beside it,
    /// so that a cursor which is bad for good holds nothing up, and an outage costs no cursor.
    fn refused(&mut self, error: directory::Error, now: Timestamp) -> Result<bool, Error> {
        let timeout = if matches!(error, directory::Error::Failing { .. }) { FAILING_TIMEOUT } else { REFUSED_TIMEOUT };
        let error = Error::Directory(error);
        let pause = if self.sync_state.full.is_some() { REFUSED_RETRY_INTERVAL } else { Duration::ZERO };
        Failure::record(&mut self.failures.cycle, error.code(), pause, now);
        let is_lasting = self.failures.cycle.as_ref().is_some_and(|it| it.count >= REFUSALS_MAX && now.since(it.since) >= timeout);
        if self.sync_state.phase != Phase::Projecting {
            self.sync_state.phase = Phase::Idle;
        }
        (self.cycle.due, self.cycle.mentioned) = (now, BTreeSet::new());
        if is_lasting {
            warn!(tenant = %self.name, code = error.code(), "a cursor of the directory's is refused: everything is read anew");
            self.replace_cursors(Reason::Refused, now);
        } else if self.sync_state.full.is_none() {
            return Err(error);
        }
        self.metrics.failed(&self.name, error.code());
        Ok(true)
    }

    /// A delta pages without end. What it brought is taken; it is asked again later, and read anew if that goes on.
    fn note_endless(&mut self, what: &'static str, now: Timestamp) {
        warn!(tenant = %self.name, what, code = NEVER_ENDS, "a delta pages without end");
        self.metrics.failed(&self.name, NEVER_ENDS);
        (self.cycle.is_partial, self.cycle.paging) = (true, paging::Paging::default());
        Failure::record(&mut self.failures.cycle, NEVER_ENDS, ENDLESS_RETRY_INTERVAL, now);
        let is_lasting = self.failures.cycle.as_ref().is_some_and(|failure| failure.count >= ENDLESS_MAX);
        if is_lasting {
            self.replace_cursors(Reason::Endless, now);
        }
    }

    /// The cursors at which cycles go on lead nowhere: those of the full read under way take their place, or everything is read anew.
    fn replace_cursors(&mut self, reason: Reason, now: Timestamp) {
        match &mut self.sync_state.full {
            Some(full) if full.phase.is_reading() => full.replaces_cursors = true,
            // It has read everything, and waits for a cycle that would never be complete.
            Some(full) if !full.replaces_cursors && matches!(full.phase, FullPhase::AwaitCycle(_)) => {
                full.replaces_cursors = true;
                self.sync_state.switch_cursors();
            }
            // What it has read is taken over first; that needs no cycle.
            Some(full) if !matches!(full.phase, FullPhase::AwaitCycle(_)) => {}
            Some(_) | None => self.begin_full(reason, now),
        }
    }

    /// A malformed object is reported and left out; it does not stop the others.
    pub(super) async fn report(&mut self, topic: Topic, kind: &str, rejected: &[Rejected], now: Timestamp) -> Result<(), Error> {
        for Rejected { index, reason, .. } in rejected {
            let place = format!("{}/{kind}/{index}", self.name);
            let context = format!("object {index} of a page of {kind} of {}: {reason}", self.name);
            dead_letter::send_context(&*self.bus, ROLE, &topic, &place, "rejected_object", &context, now).await?;
            self.metrics.failed(&self.name, "rejected");
        }
        Ok(())
    }

    async fn merge_groups(&mut self, page: Page<GroupChange>, asked: &Cursor, now: Timestamp) -> Result<bool, Error> {
        self.report(topic::TENANT_FACTS.of(&self.name), "groups", &page.rejected, now).await?;
        let is_endless = self.cycle.paging.is_endless(Some(asked), &page.next, &paging::groups(&page.changes));
        let mut sync_state = self.sync_state.clone();
        let users = sync_state.users.clone().map_or(Phase::Idle, Phase::Users);
        match page.next {
            Next::Page(_) if is_endless => sync_state.phase = users,
            Next::Page(cursor) => sync_state.phase = Phase::Groups(cursor),
            Next::Complete(cursor) => (sync_state.phase, sync_state.groups) = (users, Some(cursor)),
        }
        if !page.changes.is_empty() {
            let full = sync_state.full.as_ref().map(|full| &full.phase);
            let of = PageOf::Cycle { full, is_listing: self.listings.is_under_way() };
            self.merge_group_page(page.changes, of, &sync_state, now).await?;
        }
        self.sync_state = sync_state;
        if is_endless {
            self.note_endless("groups", now);
        }
        Ok(true)
    }

    /// Merges what a page says of groups, and stores how far the reading is then.
    pub(super) async fn merge_group_page(
        &mut self,
        changes: Vec<GroupChange>,
        of: PageOf<'_>,
        sync_state: &SyncState,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.metrics.read(&self.name, "group", changes.len());
        let context = Context { of, ..self.context(now) };
        let mut tx = self.begin().await?;
        let page = GroupPage::of(&mut tx, &context, changes).await?;
        let guarded = if self.held.scope > 0 { removal_guard::groups(&mut tx, &self.name).await? } else { BTreeSet::new() };
        let has_nestings = !page.nestings.is_empty();
        let has_gone = matches!(of, PageOf::Cycle { .. }) && page.has_gone_groups();
        let left = Left::of(&self.closure, &page, &guarded);
        for entries in page.users.chunks(CHUNK) {
            merge::members(&mut tx, &context, &self.closure, entries).await?;
            // A page that is killed between two chunks is read again, and what is merged already merges once more.
            if entries.len() == CHUNK {
                tx.commit().await?;
                tx = self.begin().await?;
            }
        }
        let referenced = self.spec.users.as_ref().map(|(_, projection)| &projection.groups);
        let closure = merge::nest(&mut tx, &context, &self.closure, referenced, page).await?;
        sync_state::save(&mut tx, &self.name, sync_state);
        tx.commit().await?;
        if has_gone {
            self.facts.gone_at = now;
        }
        let are_few = match of {
            PageOf::Cycle { .. } => self.cycle.losses.note(left),
            PageOf::Full { .. } | PageOf::Listing { .. } => false,
        };
        if !are_few || has_nestings {
            // What groups lose is not known any more.
            (self.cycle.checked, self.cycle.removal_check) = (None, None);
        }
        if let Some(closure) = closure {
            (self.closure, self.is_pending) = (closure, true);
            // The cycle reported a group, and no user whose memberships that changes.
            self.full.is_counting &= !matches!(of, PageOf::Cycle { .. });
        }
        Ok(())
    }

    async fn merge_users(&mut self, page: Page<UserChange>, asked: &Cursor, now: Timestamp) -> Result<bool, Error> {
        self.report(topic::USER_DELTAS.of(&self.name), "users", &page.rejected, now).await?;
        let is_endless = self.cycle.paging.is_endless(Some(asked), &page.next, &paging::users(&page.changes));
        if is_endless {
            self.note_endless("users", now);
        }
        let mut sync_state = self.sync_state.clone();
        match page.next {
            Next::Page(_) if is_endless => sync_state.phase = Phase::Projecting,
            Next::Page(cursor) => sync_state.phase = Phase::Users(cursor),
            Next::Complete(cursor) => (sync_state.phase, sync_state.users) = (Phase::Projecting, Some(cursor)),
        }
        if !is_endless && sync_state.phase == Phase::Projecting && !self.cycle.is_partial {
            (self.failures.cycle, self.failures.void) = (None, None);
        }
        if !page.changes.is_empty() {
            self.metrics.read(&self.name, "user", page.changes.len());
            let mut tx = self.begin().await?;
            let (mentioned, newcomers) = merge::users(&mut tx, &self.context(now), page.changes).await?;
            newcomers.into_iter().for_each(|created| self.metrics.directory_lag(&self.name, created, now));
            self.cycle.mentioned.extend(mentioned.into_iter().take(MENTIONED_MAX.saturating_sub(self.cycle.mentioned.len())));
            let is_last = sync_state.phase == Phase::Projecting && self.can_project();
            let projected = if is_last { self.project_cycle(&mut tx, &mut sync_state, now).await? } else { None };
            sync_state::save(&mut tx, &self.name, &sync_state);
            tx.commit().await?;
            self.note_unpublished();
            if let Some(projected) = projected {
                return self.close(sync_state, &projected, true, now).await;
            }
        }
        self.sync_state = sync_state;
        if self.sync_state.phase == Phase::Projecting { self.finish(now).await } else { Ok(true) }
    }
}

/// Whether a failure may be the cursor's own.
pub(super) fn is_refusal(error: &directory::Error) -> bool {
    match error {
        directory::Error::Failing { .. }
        | directory::Error::Forbidden { .. }
        | directory::Error::NotFound
        | directory::Error::Refused { .. }
        | directory::Error::Malformed { .. } => true,
        directory::Error::Throttled { .. }
        | directory::Error::Unavailable { .. }
        | directory::Error::Unknown { .. }
        | directory::Error::Unauthorized { .. }
        | directory::Error::Unsupported { .. }
        | directory::Error::Resync => false,
    }
}
