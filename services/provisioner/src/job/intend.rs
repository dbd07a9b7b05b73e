//! The intent of a call that writes: durable before the call starts, and extended while the call goes on. While it lasts, no other owner
//! calls for the link.

use tokio::time::{Instant, sleep_until, timeout_at};
use tracing::warn;
use xtsync_domain::link::{Answer, Call};
use xtsync_runtime::telemetry::chain;

use super::perform::Failure;
use super::{Committed, Job};
use crate::error::Result;
use crate::owned_target::group_commit::{Called, LinkUpdate, Queued};
use crate::owned_target::limits;
use crate::table::intent::{self, Intent};

impl Job<'_> {
    /// Commits what must be durable before the call starts, and returns until when the call may go on. None where intake has decided anew
    /// meanwhile: then it must not start.
    pub(super) async fn begin(&mut self, call: &Call) -> Result<Option<Instant>> {
        // Measured from before the intent is written, so that the call has ended when the intent says so, however long its commit takes.
        let (now, ttl) = (self.now(), self.owned.context.config.intent_ttl);
        let ends = Instant::now() + ttl;
        let uses = self.reserved;
        let until = now.plus(ttl);
        let mut stored = self.stored.clone();
        if let Some((counter, at)) = uses {
            stored.counted.note(counter, limits::minute(at), self.decision());
        }
        stored.link.begin(call, self.begins(call, now));
        self.note_written(call);
        let call = Called::Starts(call.name(), Intent { epoch: self.epoch, until });
        if self.commit(LinkUpdate { stored, work: Queued::Stays, call, uses, outcome: None, now }).await? == Committed::DecisionChanged {
            self.release_reservation();
            return Ok(None);
        }
        // It is stored: what follows counts for itself.
        self.reserved = None;
        self.wrote = true;
        if Instant::now() < ends {
            return Ok(Some(ends));
        }
        let extended = Instant::now() + ttl;
        self.extend_intent().await?;
        Ok(Some(extended))
    }

    /// Waits for a call that writes, and extends its intent, which lasts until `until`, while that takes long. A call whose intent cannot be
    /// extended ends with it: then another owner may call.
    pub(super) async fn while_intended(
        &self,
        call: impl Future<Output = Result<Answer, Failure>>,
        mut until: Instant,
    ) -> Result<Answer, Failure> {
        let ttl = self.owned.context.config.intent_ttl;
        let extend = async {
            loop {
                sleep_until(until - ttl / 2).await;
                let extended = Instant::now() + ttl;
                match timeout_at(until, self.extend_intent()).await {
                    Ok(Ok(())) => until = extended,
                    Ok(Err(error)) => {
                        warn!(error = chain(&error), "a call that takes long ends with its intent, which cannot be extended");
                        sleep_until(until).await;
                        return;
                    }
                    Err(_) => return,
                }
            }
        };
        tokio::select! {
            biased;
            answer = call => answer,
            () = extend => Err(Failure::Lost),
        }
    }

    async fn extend_intent(&self) -> Result<()> {
        let mut tx = self.owned.begin(self.epoch).await?;
        intent::set_until(&mut tx, vec![&self.key], self.now().plus(self.owned.context.config.intent_ttl));
        Ok(tx.commit().await?)
    }
}
