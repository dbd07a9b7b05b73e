//! The last commit of a job: the row as it is now, when it is due again, and what is told of it, in one transaction.

use prost::Message as _;
use tracing::{debug, error};
use xtsync_domain::link::class::class;
use xtsync_domain::link::{Class, Ending, Hold, Link, Outcome, TroubleKind, Verb};
use xtsync_domain::{Timestamp, version};
use xtsync_platform::bus::Outgoing;
use xtsync_proto::event::{self, Typed as _};
use xtsync_proto::topic::Topic;
use xtsync_proto::v1;

use super::Job;
use super::end::End;
use crate::context::ROLE;
use crate::error::Result;
use crate::table::work::Work;
use crate::table::{intent, link, outbox, work};

impl Job<'_> {
    /// Ends the job. False where intake has decided anew meanwhile, so that this is not the end.
    pub(super) async fn close(&mut self, end: End) -> Result<bool> {
        let context = &self.worker.context;
        let now = context.now();
        let mut tx = self.worker.begin(self.epoch).await?;
        let newest = link::lock(&mut tx, &self.key).await?;
        let before = newest.as_ref().map(|stored| stored.link.clone());
        let is_superseded = self.take_newest(newest);
        if is_superseded && end.depends_on_decision() {
            return Ok(false);
        }
        // What became of the former decision is no trouble of the newer one, which is due already.
        let due = match is_superseded {
            true => None,
            false => end.note(&mut self.stored.link, now, context.config.call_timeout, &mut *self.worker.jitter()),
        };
        let told = self.tell(&end, before.as_ref(), now);
        // What waits on and has nothing to say is not published again.
        if before.as_ref() != Some(&self.stored.link) || told.is_some() {
            self.stored.version = version::next(self.stored.version, now);
            link::save(&mut tx, [&self.stored].into_iter(), context.store.incarnation()).await?;
        }
        if matches!(end, End::Rest) {
            work::remove(&mut tx, &self.key).await?;
        } else if !is_superseded {
            work::put(&mut tx, &self.key, self.work(due)).await?;
        }
        match end {
            // What nobody may repeat yet keeps its intent, and its time.
            End::Lost { invited: true } | End::NotYet(_) | End::Panicked => {}
            End::Lost { invited: false } => intent::expire(&mut tx, &self.key, now).await?,
            End::Rest | End::Hold(_) | End::Closed { .. } | End::Retry(_) | End::Stopped | End::Forbidden(_) | End::Refused { .. } => {
                intent::remove(&mut tx, &self.key).await?;
            }
        }
        if let Some(outcome) = &told {
            outbox::put(&mut tx, &record(outcome, self.stored.version, self.stored.traceparent.as_deref())).await?;
        }
        tx.commit().await?;
        self.count(&end, told.as_ref(), now);
        self.worker.publish.notify_one();
        Ok(true)
    }

    fn work(&self, due: Option<Timestamp>) -> Work {
        let link = &self.stored.link;
        Work { class: class(link), due, trouble: link.trouble.as_ref().map(|trouble| (trouble.kind, trouble.code.clone())) }
    }

    /// What is to be told, if anything: what was done, or that it failed or is held until something changes.
    fn tell(&mut self, end: &End, before: Option<&Link>, now: Timestamp) -> Option<Outcome> {
        let (verb, ending) = match end {
            End::Rest => (self.stored.link.reach(!self.changes.is_empty(), now)?, Ending::Done),
            End::Refused { code, verb } if is_first(&self.stored.link) => ((*verb)?, Ending::Failed(code.clone())),
            End::Hold(Hold::Conflict(conflict)) if is_first(&self.stored.link) => {
                (Verb::Create, Ending::Failed(conflict.kind.code().to_owned()))
            }
            End::Hold(Hold::Vetoed | Hold::Rejected) | End::Closed { .. } => {
                (self.stored.link.intended()?, Ending::Held(held_anew(&self.stored.link, before)?))
            }
            End::Refused { .. }
            | End::Hold(Hold::Refused | Hold::Conflict(_))
            | End::NotYet(_)
            | End::Retry(_)
            | End::Lost { .. }
            | End::Panicked
            | End::Stopped
            | End::Forbidden(_) => return None,
        };
        let link = &self.stored.link;
        Some(Outcome {
            // A link has one version a moment, so this id is as unique as the link.
            id: format!("{}/{}/{}", self.key.target, self.key.record(), now.0),
            source: self.key.source.clone(),
            user: self.key.user.clone(),
            target: self.key.target.clone(),
            synchronization: link.desired.synchronization.clone(),
            verb,
            version: link.desired.version,
            changes: std::mem::take(&mut self.changes),
            took: self.began.elapsed(),
            ending,
            first_seen: link.desired.first_seen,
            at: now,
            target_id: link.shadow.id().cloned(),
        })
    }

    fn count(&self, end: &End, told: Option<&Outcome>, now: Timestamp) {
        let (context, link) = (&self.worker.context, &self.stored.link);
        if let Some(outcome) = told {
            let result = match &outcome.ending {
                Ending::Done => "done",
                Ending::Failed(_) => "failed",
                Ending::Held(_) => "held",
            };
            context.metrics.outcome(link, outcome.verb, result);
            debug!(verb = outcome.verb.name(), result, took = ?outcome.took, "link brought on");
        }
        if let (End::Refused { code, .. }, Some(_), Class::Revoke) = (end, told, class(link)) {
            error!(code, "the target refuses to take a user's access: it is asked again every hour");
        }
        if self.wrote && !self.was_troubled && matches!(end, End::Rest) {
            context.metrics.applied(link, now.since(link.awaited_since()));
        }
    }
}

/// Whether the trouble is new, or that of a former decision: what lasts is told once.
fn is_first(link: &Link) -> bool {
    link.trouble.as_ref().is_none_or(|trouble| trouble.attempts == 1)
}

/// The code by which a link is held, where it was not held by it before.
fn held_anew(link: &Link, before: Option<&Link>) -> Option<String> {
    let held = |link: &Link| link.trouble.as_ref().filter(|trouble| trouble.kind == TroubleKind::Held).map(|trouble| trouble.code.clone());
    held(link).filter(|code| before.and_then(held).as_ref() != Some(code))
}

fn record(outcome: &Outcome, version: u64, traceparent: Option<&str>) -> Outgoing {
    let key = xtsync_proto::topic::link_key(&outcome.source, &outcome.user);
    Outgoing {
        topic: Topic::Outcomes(outcome.target.clone()),
        headers: event::headers(v1::Outcome::TYPE, ROLE, &key, version, outcome.at, traceparent),
        key: key.into(),
        value: Some(v1::Outcome::from(outcome.clone()).encode_to_vec().into()),
    }
}
