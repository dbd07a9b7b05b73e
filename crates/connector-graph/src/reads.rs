//! Reads of users by id, of which those that come while others are under way go together.
//!
//! A read that finds a free permit is sent alone and at once. Others gather, and as soon as a permit is free the next request asks for up to
//! [`IDS_MAX`] of them by one filter. There are a few permits, so that a request that hangs does not hold up all others.
//!
//! What a directory says of a request as a whole is each caller's answer. Whatever else a shared request does not answer, each caller asks
//! alone: an id that the answer lacks, and every id where the request failed, since the fault may be in one of the others.

use std::collections::{BTreeSet, VecDeque};

use parking_lot::{Mutex, MutexGuard};
use serde_json::{Map, Value as Json};
use tokio::sync::oneshot::error::RecvError;
use tokio::sync::{Semaphore, oneshot};
use xtsync_domain::TargetId;
use xtsync_domain::shadow::Object;

use super::anchor::Extensions;
use super::http::Http;
use super::object::{self, Place};
use super::odata::{self, literal};
use xtsync_directory::{Error, Result};

type Fields = Map<String, Json>;

/// Ids in one filter. Source: Microsoft Graph, "Use the $filter query parameter": `in` takes 15 values.
const IDS_MAX: usize = 15;

/// Requests at once.
const REQUESTS_MAX: usize = 4;

/// Who waits for a read.
pub(super) struct Reads {
    permits: Semaphore,
    waiting: Mutex<VecDeque<Waiting>>,
}

/// The directory that is read.
#[derive(Clone, Copy)]
pub(super) struct Users<'a> {
    pub(super) http: &'a Http,
    pub(super) extensions: &'a Extensions,
}

/// A caller that waits.
struct Waiting {
    id: TargetId,
    answer: oneshot::Sender<Shared>,
}

/// What a request that others shared says to a caller.
enum Shared {
    /// What it would have been answered alone.
    Answer(Result<Option<Object>>),
    /// Nothing: it must ask alone.
    Silent,
}

impl Default for Reads {
    fn default() -> Self {
        Self { permits: Semaphore::new(REQUESTS_MAX), waiting: Mutex::default() }
    }
}

impl Reads {
    /// A user in the directory or its bin; `None` for one that is in neither.
    pub(super) async fn read(&self, users: Users<'_>, id: &TargetId) -> Result<Option<Object>> {
        loop {
            match self.shared(users, id).await {
                Ok(Shared::Answer(answer)) => return answer,
                Ok(Shared::Silent) => return users.alone(id).await,
                // The caller that sent the request was dropped, and the request with it.
                Err(_) => {}
            }
        }
    }

    /// Waits for a permit, or for a caller that has one. The first that gets a permit sends one request for all who wait.
    async fn shared(&self, users: Users<'_>, id: &TargetId) -> Result<Shared, RecvError> {
        let (answer, mut answered) = oneshot::channel();
        self.waiting().push_back(Waiting { id: id.clone(), answer });
        loop {
            let permit = tokio::select! {
                biased;
                answer = &mut answered => return answer,
                permit = self.permits.acquire() => permit,
            };
            let was_sent = self.send(users).await;
            drop(permit);
            if !was_sent {
                // Another caller took this read along.
                return answered.await;
            }
        }
    }

    /// Sends the reads that wait, oldest first. Returns false if none waits.
    async fn send(&self, users: Users<'_>) -> bool {
        let mut taken = self.take();
        match taken.len() {
            0 => return false,
            1 => {
                let Waiting { id, answer } = taken.remove(0);
                // A caller that has stopped waiting needs no answer.
                answer.send(Shared::Answer(users.alone(&id).await)).ok();
            }
            _ => {
                let ids: BTreeSet<&TargetId> = taken.iter().map(|waiting| &waiting.id).collect();
                let together = users.together(&ids).await;
                for Waiting { id, answer } in taken {
                    answer.send(users.share(&together, &id)).ok();
                }
            }
        }
        true
    }

    /// The reads of the next request. One without a waiting caller is not sent.
    fn take(&self) -> Vec<Waiting> {
        let (mut taken, mut waiting) = (Vec::new(), self.waiting());
        while taken.len() < IDS_MAX
            && let Some(next) = waiting.pop_front()
        {
            taken.extend(Some(next).filter(|next| !next.answer.is_closed()));
        }
        taken
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.waiting.lock()
    }
}

impl Users<'_> {
    async fn alone(&self, id: &TargetId) -> Result<Option<Object>> {
        let request = self.http.get("/users/{id}", &[&id.0])?.select(object::selection(self.extensions));
        match self.http.json::<Fields>(&request).await {
            Ok(fields) => object::object(&fields, Place::Users, self.extensions).map(Some),
            Err(Error::NotFound) => self.in_bin(id).await,
            Err(error) => Err(error),
        }
    }

    /// A single item of the bin shows no chosen attributes, a list of one does.
    async fn in_bin(&self, id: &TargetId) -> Result<Option<Object>> {
        let filter = format!("id eq {}", literal(&id.0));
        let request = self.http.get("/directory/deletedItems/microsoft.graph.user", &[])?.query("$filter", &filter);
        let found: Vec<Fields> = odata::list(self.http, request.select(object::selection(self.extensions))).await?;
        found.first().map(|fields| object::object(fields, Place::DeletedItems, self.extensions)).transpose()
    }

    /// Those users of the directory that are there.
    async fn together(&self, ids: &BTreeSet<&TargetId>) -> Result<Vec<Fields>> {
        let literals: Vec<String> = ids.iter().map(|id| literal(&id.0)).collect();
        let request = self.http.get("/users", &[])?.query("$filter", &format!("id in ({})", literals.join(",")));
        odata::list(self.http, request.select(object::selection(self.extensions))).await
    }

    /// One caller's part of an answer.
    fn share(&self, together: &Result<Vec<Fields>>, id: &TargetId) -> Shared {
        match together {
            Ok(found) => {
                let own = found.iter().find(|fields| fields.get("id").and_then(Json::as_str) == Some(&id.0));
                let object = own.and_then(|fields| object::object(fields, Place::Users, self.extensions).ok());
                object.map_or(Shared::Silent, |object| Shared::Answer(Ok(Some(object))))
            }
            // It says so to everyone, or asks everyone to wait.
            Err(
                error @ (Error::Throttled { .. }
                | Error::Unavailable { .. }
                | Error::Unauthorized { .. }
                | Error::Failing { wait: Some(_), .. }),
            ) => Shared::Answer(Err(error.clone())),
            Err(_) => Shared::Silent,
        }
    }
}
