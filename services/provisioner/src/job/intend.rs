//! The intent of a call that writes: durable before the call starts, and extended while the call goes on. While it lasts, no other owner
//! calls for the link.

use tokio::time::{Instant, sleep_until, timeout_at};
use tracing::warn;
use xtsync_domain::link::{Answer, Call, Shadow};
use xtsync_runtime::telemetry::chain;

use super::perform::Failure;
use super::{Committed, Job};
use crate::error::Result;
use crate::owned_target::group_commit::{LinkUpdate, Queued};
use crate::owned_target::limits;
use crate::table::work::{self, Called};

impl Job<'_> {
    /// Commits what must be durable before the call starts, and returns until when the call may go on. None where intake has decided anew
    /// meanwhile, or another link stands in the way: then it must not start.
    pub(super) async fn begin(&mut self, call: &Call) -> Result<Option<Instant>> {
        if let Some(until) = self.covered(call) {
            self.note_written(call);
            return Ok(Some(until));
        }
        // Measured from before the intent is written, so that the call has ended when the intent says so, however long its commit takes.
        let (now, ttl) = (self.now(), self.owned.context.config.intent_ttl);
        let ends = Instant::now() + ttl;
        let uses = self.reserved;
        let mut stored = self.stored.clone();
        if let Some((counter, at)) = uses {
            stored.counted.note(counter, limits::minute(at), self.decision());
        }
        stored.link.begin(call, self.begins(call, now));
        self.note_written(call);
        let call = Called::Until(now.plus(ttl));
        let update = LinkUpdate { link: self.encode(&stored), work: Queued::Stays, call, uses, outcome: None };
        if self.commit(stored, update).await? != Committed::Yes {
            self.release_reservation();
            return Ok(None);
        }
        // It is stored: what follows counts for itself.
        self.reserved = None;
        self.wrote = true;
        self.intended_until = Some(ends);
        if Instant::now() < ends {
            return Ok(Some(ends));
        }
        let extended = Instant::now() + ttl;
        self.extend_intent().await?;
        self.intended_until = Some(extended);
        Ok(Some(extended))
    }

    /// Until when the intent of this job's creation lasts, if a call needs no other: the one that writes the anchor of what was created. After
    /// a crash the stored creation has the object looked for, and it is recognised with the anchor and without.
    fn covered(&self, call: &Call) -> Option<Instant> {
        let (Call::WriteAnchor { .. }, Shadow::Inviting(stored), Shadow::Inviting(known)) =
            (call, &self.row.shadow, &self.stored.link.shadow)
        else {
            return None;
        };
        let has_no_news = [&self.address, &self.created].into_iter().all(|used| used.as_ref().is_some_and(|used| !used.has_news()));
        let is_own = stored.began == known.began && has_no_news && self.reserved.is_none();
        self.intended_until.filter(|until| is_own && Instant::now() < *until)
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
        let until = self.now().plus(self.owned.context.config.intent_ttl);
        work::note_calls(&mut tx, vec![(&self.key, Called::Until(until))]);
        Ok(tx.commit().await?)
    }
}
