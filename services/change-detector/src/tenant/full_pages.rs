//! The pages of a full read: asked for beside the cycles, and staged as they come.

use std::time::Duration;

use tracing::warn;
use xtsync_contract::topic;
use xtsync_directory::{self as directory, Cursor, GroupChange, Next, Page, UserChange};
use xtsync_domain::Timestamp;
use xtsync_domain::fact::Identity;

use super::background::Request;
use super::cycle::{ENDLESS_RETRY_INTERVAL, NEVER_ENDS, is_refusal};
use super::failure::Failure;
use super::{Tenant, paging};
use crate::error::Error;
use crate::full::{FullPhase, Reason};
use crate::merge;
use crate::page::{Context, PageOf};
use crate::sync_state::{self, Phase, SyncState};

/// The first pause after a failure of a full read beside cycles, unless the directory asks for another one, and after a second void
/// cursor of one.
const FULL_RETRY_INTERVAL: Duration = Duration::from_secs(5);

impl Tenant {
    /// The next page of the full read under way. A cycle of many pages goes first.
    pub(super) fn full_request(&self, now: Timestamp) -> Option<Request> {
        self.full_page_request().filter(|_| self.can_read() && self.may_try_full(now) && self.sync_state.phase == Phase::Idle)
    }

    /// What the full read under way has to ask.
    pub(super) fn full_page_request(&self) -> Option<Request> {
        let (full, full_cycle) = (self.sync_state.full.as_ref()?, self.sync_state.full_cycle);
        match &full.phase {
            FullPhase::Groups(cursor) => Some(Request::FullGroups(full_cycle, cursor.clone())),
            FullPhase::Users(cursor) => Some(Request::FullUsers(full_cycle, cursor.clone(), full.selected.clone())),
            FullPhase::AwaitCycle(_) if self.full.seen_counter.counts().is_some() => Some(Request::UserCount(full_cycle)),
            FullPhase::AwaitCycle(_)
            | FullPhase::Merge
            | FullPhase::Replace
            | FullPhase::Remove
            | FullPhase::Project
            | FullPhase::Clear => None,
        }
    }

    /// Takes in a page of groups; the first one with the identity of the directory.
    pub(super) async fn note_full_groups(
        &mut self,
        asked: Option<&Cursor>,
        answer: directory::Result<(Option<Identity>, Page<GroupChange>)>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let (identity, page) = match answer {
            Ok(answer) => answer,
            Err(error) => return self.full_failed(error, now),
        };
        let full_cycle = self.sync_state.full_cycle;
        self.failures.is_page_missing = false;
        let is_own = identity.is_none_or(|identity| self.adopt(identity.directory_id, now));
        match is_own && self.sync_state.full_cycle == full_cycle {
            true => self.stage_groups(asked, page, now).await,
            false => Ok(()),
        }
    }

    /// Takes in a page of users.
    pub(super) async fn note_full_users(
        &mut self,
        asked: Option<&Cursor>,
        page: directory::Result<Page<UserChange>>,
        now: Timestamp,
    ) -> Result<(), Error> {
        match page {
            Ok(page) => {
                self.failures.is_page_missing = false;
                self.stage_users(asked, page, now).await
            }
            Err(error) => self.full_failed(error, now),
        }
    }

    /// A full read failed. Where cycles go on beside it, it waits alone.
    pub(super) fn full_failed(&mut self, error: directory::Error, now: Timestamp) -> Result<(), Error> {
        let resumes =
            self.sync_state.full.as_ref().is_some_and(|full| matches!(full.phase, FullPhase::Groups(Some(_)) | FullPhase::Users(Some(_))));
        let reason = self.sync_state.full.as_ref().map_or(Reason::Void, |full| full.reason);
        // Without a cursor nothing can be void or refused: then it is a failure like any other.
        match error {
            directory::Error::Resync if resumes => {
                warn!(tenant = %self.name, "the directory asks to read everything again, while everything is read");
                let pause = if self.failures.full.is_none() { Duration::ZERO } else { FULL_RETRY_INTERVAL };
                Failure::record(&mut self.failures.full, NEVER_ENDS, pause, now);
                self.metrics.failed(&self.name, "resync");
                self.begin_full(reason, now);
                Ok(())
            }
            error if resumes && is_refusal(&error) => {
                let error = Error::Directory(error);
                Failure::record(&mut self.failures.full, error.code(), FULL_RETRY_INTERVAL, now);
                if self.failures.full.as_ref().is_some_and(|failure| failure.count % 3 == 0) {
                    warn!(tenant = %self.name, code = error.code(), "a cursor of a full read is refused: it begins anew");
                    self.begin_full(reason, now);
                }
                self.metrics.failed(&self.name, error.code());
                Ok(())
            }
            error if self.sync_state.is_incremental() => {
                let error = Error::Directory(error);
                warn!(tenant = %self.name, code = error.code(), "the full read waits");
                self.metrics.failed(&self.name, error.code());
                Failure::record(&mut self.failures.full, error.code(), error.wait().unwrap_or(FULL_RETRY_INTERVAL), now);
                Ok(())
            }
            error => {
                self.failures.is_page_missing = true;
                Err(error.into())
            }
        }
    }

    /// A delta of a full read pages without end: it begins anew, later each time.
    fn full_endless(&mut self, what: &'static str, now: Timestamp) {
        warn!(tenant = %self.name, what, code = NEVER_ENDS, "a full read pages without end");
        self.metrics.failed(&self.name, NEVER_ENDS);
        Failure::record(&mut self.failures.full, NEVER_ENDS, ENDLESS_RETRY_INTERVAL, now);
        let reason = self.sync_state.full.as_ref().map_or(Reason::Void, |full| full.reason);
        self.begin_full(reason, now);
    }

    async fn stage_groups(&mut self, asked: Option<&Cursor>, page: Page<GroupChange>, now: Timestamp) -> Result<(), Error> {
        let Some(mut full) = self.sync_state.full.clone() else { return Ok(()) };
        self.report(topic::TENANT_FACTS.of(&self.name), "groups", &page.rejected, now).await?;
        let is_endless = self.full.paging.is_endless(asked, &page.next, &paging::groups(&page.changes));
        full.rejected |= page.rejected.iter().any(|rejected| rejected.is_whole);
        match page.next {
            Next::Page(cursor) => full.phase = FullPhase::Groups(Some(cursor)),
            Next::Complete(cursor) => (full.phase, full.groups) = (FullPhase::Users(None), Some(cursor)),
        }
        let sync_state = SyncState { full: Some(full), ..self.sync_state.clone() };
        if !page.changes.is_empty() {
            self.merge_group_page(page.changes, PageOf::Full { began: sync_state.began }, &sync_state, now).await?;
        }
        self.sync_state = sync_state;
        if is_endless {
            self.full_endless("groups", now);
        }
        Ok(())
    }

    async fn stage_users(&mut self, asked: Option<&Cursor>, page: Page<UserChange>, now: Timestamp) -> Result<(), Error> {
        let Some(mut full) = self.sync_state.full.clone() else { return Ok(()) };
        self.report(topic::USER_DELTAS.of(&self.name), "users", &page.rejected, now).await?;
        let is_endless = self.full.paging.is_endless(asked, &page.next, &paging::users(&page.changes));
        full.rejected |= page.rejected.iter().any(|rejected| rejected.is_whole);
        let mut sync_state = self.sync_state.clone();
        let has_cycles = sync_state.is_incremental();
        match page.next {
            Next::Page(cursor) => full.phase = FullPhase::Users(Some(cursor)),
            Next::Complete(cursor) => {
                full.users = Some(cursor);
                (self.failures.full, self.failures.cycle) = (None, self.failures.cycle.take().filter(|_| !full.replaces_cursors));
                // A cycle under way began before the last page was read. Without cycles there is nothing to wait for.
                let cycles = if sync_state.phase == Phase::Idle { 1 } else { 2 };
                full.phase = FullPhase::AwaitCycle(sync_state.cycle + if has_cycles { cycles } else { 0 });
            }
        }
        sync_state.full = Some(full);
        sync_state.switch_cursors();
        let mut tx = self.begin().await?;
        if !page.changes.is_empty() {
            self.metrics.read(&self.name, "user", page.changes.len());
            let selected = sync_state.full.as_ref().map_or(&self.sync_state.selected, |full| &full.selected);
            let context = Context { selected, of: PageOf::Full { began: sync_state.began }, ..self.context(now) };
            merge::stage(&mut tx, &context, page.changes, self.sync_state.is_initial()).await?;
            if self.sync_state.is_initial() {
                self.project_dirty(&mut tx, now).await?;
            }
        }
        sync_state::save(&mut tx, &self.name, &sync_state);
        tx.commit().await?;
        if self.sync_state.is_initial() {
            self.note_unpublished();
        }
        self.sync_state = sync_state;
        if is_endless {
            self.full_endless("users", now);
        }
        Ok(())
    }
}
