//! What a tenant asks its directory beside its cycles: its facts, listings of members, and full reads. One request at a time, which no cycle
//! waits for: a leaver must not stand behind the page of a full read, or behind the names of groups.
//!
//! The tenant may change before the answer is there. An answer that it does not ask for any more is dropped.

use std::panic::resume_unwind;
use std::sync::Arc;

use tokio_util::task::AbortOnDropHandle;
use tracing::warn;
use xtsync_directory::{self as directory, Cursor, GroupChange, MemberPage, Page, Result, Source, UserChange};
use xtsync_domain::extension::Extensions;
use xtsync_domain::fact::{AccessPolicy, GroupState, Identity};
use xtsync_domain::{GroupId, Timestamp};

use super::Tenant;
use super::refresh_extensions::{self, WithExtensions};
use crate::error::Error;
use crate::listing::Listing;
use crate::names::Names;

/// A request beside the cycles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Request {
    /// Who the tenant is, what it allows, and, where that is due, which directory extensions its users have.
    Tenant(WithExtensions),
    /// The groups that bear these names.
    Names(Names),
    /// The names of these groups, and whether they can be read.
    Groups(Vec<GroupId>),
    /// A page of the members of a group.
    Members(GroupId, Listing),
    /// A page of groups of the full read of this number. The first one is asked for with the identity of the directory.
    FullGroups(u64, Option<Cursor>),
    /// A page of users, likewise, with these attributes.
    FullUsers(u64, Option<Cursor>, Vec<String>),
    /// How many users the directory counts, for the full read of this number.
    UserCount(u64),
}

/// The answer to a request.
pub(super) enum Answer {
    Tenant(Result<Identity>, Result<AccessPolicy>, Option<Result<Extensions>>),
    /// Each name with the groups that bear it.
    Names(Result<Vec<(String, Vec<GroupId>)>>),
    /// Each group with its name, if it is known.
    Groups(Result<Vec<(GroupId, Option<String>, GroupState)>>),
    Members(Result<MemberPage>),
    FullGroups(Result<(Option<Identity>, Page<GroupChange>)>),
    FullUsers(Result<Page<UserChange>>),
    UserCount(Result<u64>),
}

impl Request {
    async fn send(self, source: Arc<dyn Source>) -> Answer {
        match self {
            Self::Tenant(with_extensions) => {
                let itself = async { (source.identity().await, source.access_policy().await) };
                let ((identity, policy), extensions) = tokio::join!(itself, refresh_extensions::read(&*source, with_extensions));
                Answer::Tenant(identity, policy, extensions)
            }
            Self::Names(names) => Answer::Names(find(&*source, names).await),
            Self::Groups(groups) => Answer::Groups(look_up(&*source, groups).await),
            Self::Members(group, listing) => Answer::Members(source.members(&group, listing.page.as_ref()).await),
            Self::FullGroups(_, cursor) => Answer::FullGroups(full_groups(&*source, cursor).await),
            Self::FullUsers(_, cursor, selected) => Answer::FullUsers(source.users(&selected, cursor.as_ref()).await),
            Self::UserCount(_) => Answer::UserCount(source.user_count().await),
        }
    }
}

async fn find(source: &dyn Source, names: Names) -> Result<Vec<(String, Vec<GroupId>)>> {
    let mut found = Vec::new();
    for name in names.all {
        match source.find_groups(&name).await {
            Ok(mut ids) => {
                ids.sort();
                found.push((name, ids));
            }
            // One name that the directory cannot make sense of must not keep the others from being known.
            Err(error @ (directory::Error::Refused { .. } | directory::Error::Malformed { .. })) => {
                warn!(%error, "a group's name cannot be looked up");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

async fn look_up(source: &dyn Source, groups: Vec<GroupId>) -> Result<Vec<(GroupId, Option<String>, GroupState)>> {
    let mut found = Vec::new();
    for id in groups {
        let (name, state) = match source.group(&id).await {
            Ok(found) => found,
            // Likewise one group.
            Err(directory::Error::Refused { .. } | directory::Error::Malformed { .. }) => (None, GroupState::Unreadable),
            Err(error) => return Err(error),
        };
        found.push((id, name, state));
    }
    Ok(found)
}

/// A full read begins with the question which directory it is that is read.
async fn full_groups(source: &dyn Source, cursor: Option<Cursor>) -> Result<(Option<Identity>, Page<GroupChange>)> {
    let identity = if cursor.is_none() { Some(source.identity().await?) } else { None };
    Ok((identity, source.groups(cursor.as_ref()).await?))
}

/// The request under way. It ends when this is dropped.
#[derive(Default)]
pub(super) struct Background {
    task: Option<AbortOnDropHandle<Answered>>,
    answered: Option<Answered>,
    /// Whether the last request was for a page of a listing.
    is_full_next: bool,
}

/// A request and its answer.
struct Answered {
    request: Request,
    asked_at: Timestamp,
    answer: Answer,
}

impl Background {
    /// Whether a request is under way, or its answer is not used yet.
    fn is_busy(&self) -> bool {
        self.task.is_some() || self.answered.is_some()
    }

    fn ask(&mut self, request: Request, source: &Arc<dyn Source>, asked_at: Timestamp) {
        let answer = request.clone().send(source.clone());
        self.task = Some(AbortOnDropHandle::new(tokio::spawn(async move { Answered { request, asked_at, answer: answer.await } })));
    }

    /// Waits for an answer; without a request, for ever.
    async fn answered(&mut self) {
        match (&self.answered, &mut self.task) {
            (Some(_), _) => {}
            (None, None) => std::future::pending().await,
            (None, Some(task)) => match task.await {
                Ok(answered) => (self.task, self.answered) = (None, Some(answered)),
                Err(failed) => resume_unwind(failed.into_panic()),
            },
        }
    }

    /// The answer, if it is there.
    async fn take(&mut self) -> Option<Answered> {
        if self.task.as_ref().is_some_and(AbortOnDropHandle::is_finished) {
            self.answered().await;
        }
        self.answered.take()
    }
}

impl Tenant {
    /// Waits for the answer to the request beside the cycles; without one, for ever.
    pub(crate) async fn answered(&mut self) {
        self.background.answered().await;
    }

    /// Whether there is a request beside the cycles.
    pub(crate) fn is_asking(&self) -> bool {
        self.background.is_busy()
    }

    /// Whether the last page failed without which there are no cycles: other answers do not end that.
    pub(crate) fn is_failing(&self) -> bool {
        self.failures.is_page_missing && !self.sync_state.is_incremental()
    }

    /// Asks for what is due beside the cycles. Facts go first: what is not known fresh closes the gate.
    pub(super) fn ask(&mut self, now: Timestamp) {
        if self.background.is_busy() {
            return;
        }
        let (listing, full) = (|| self.listing_request(now), || self.full_request(now));
        // Without cycles everything waits for the full read; beside them, neither waits for the end of the other.
        let request = self.facts_request(now).or_else(|| match self.sync_state.is_incremental() && !self.background.is_full_next {
            true => listing().or_else(full),
            false => full().or_else(listing),
        });
        let Some(request) = request else { return };
        self.background.is_full_next = matches!(request, Request::Members(..));
        if let Request::Members(group, listing) = &request {
            // What cycles report from now on is newer than the page.
            self.listings.proceed(group.clone(), listing.clone());
        }
        self.background.ask(request, &self.source, now);
    }

    /// Asks for facts that are due.
    pub(super) fn ask_facts(&mut self, now: Timestamp) {
        if let Some(request) = self.facts_request(now).filter(|_| !self.background.is_busy()) {
            self.background.ask(request, &self.source, now);
        }
    }

    /// Uses the answer, if it is there. True when there was one.
    pub(crate) async fn use_answer(&mut self, now: Timestamp) -> std::result::Result<bool, Error> {
        let Some(Answered { request, asked_at, answer }) = self.background.take().await else { return Ok(false) };
        if !self.is_wanted(&request) {
            return Ok(true);
        }
        match (request, answer) {
            (_, Answer::Tenant(identity, policy, extensions)) => {
                self.note_tenant(identity, policy, (asked_at, now)).await?;
                if let Some(extensions) = extensions {
                    self.note_extensions(extensions, (asked_at, now)).await?;
                }
            }
            (Request::Names(names), Answer::Names(found)) => self.note_names(&names, found, (asked_at, now)).await?,
            (_, Answer::Groups(found)) => self.note_groups(found, (asked_at, now)).await?,
            (Request::Members(group, listing), Answer::Members(page)) => self.note_members(&group, listing, page, now).await?,
            (Request::FullGroups(_, cursor), Answer::FullGroups(page)) => self.note_full_groups(cursor.as_ref(), page, now).await?,
            (Request::FullUsers(_, cursor, _), Answer::FullUsers(page)) => self.note_full_users(cursor.as_ref(), page, now).await?,
            (_, Answer::UserCount(count)) => self.note_count(count, now).await?,
            // Each request has answers of its own kind.
            (_, Answer::Names(_) | Answer::Members(_) | Answer::FullGroups(_) | Answer::FullUsers(_)) => {}
        }
        Ok(true)
    }

    /// Whether the tenant would still ask this.
    fn is_wanted(&self, request: &Request) -> bool {
        match request {
            Request::Tenant(_) => true,
            Request::Names(_) | Request::Groups(_) => self.facts_request(Timestamp(i64::MAX)).as_ref() == Some(request),
            Request::Members(group, listing) => self.is_listing_wanted(group, listing),
            Request::FullGroups(..) | Request::FullUsers(..) | Request::UserCount(_) => self.full_page_request().as_ref() == Some(request),
        }
    }
}
