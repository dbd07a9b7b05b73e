//! One call of a job: the gate, the intent, the call, and what its answer means for the link.

use tokio::time::Instant;
use tracing::{Instrument as _, debug, debug_span, error, warn};
use xtsync_domain::gate::{self, ClosedReason, Counter, Verdict};
use xtsync_domain::link::class::class;
use xtsync_domain::link::classify::{Claim, Claimed};
use xtsync_domain::link::{Answer, Call, Change, ConditionKind, Conflict, ConflictKind, Hold, Shadow, Verb};
use xtsync_domain::{Refusal, Timestamp, Value, Wanted, resource};

use super::Job;
use super::end::{End, Pace};
use super::perform::{self, Failure};
use crate::error::Result;
use crate::owned_target::breaker::{Admission, CallResult, Lane};
use crate::owned_target::limits;

impl Job<'_> {
    /// Makes one call if the gate is open. Returns the job's end if the call ends it.
    pub(super) async fn call(&mut self, call: &Call) -> Result<Option<End>> {
        if let Verdict::Closed(why) = self.admit(call) {
            self.owned.context.metrics.closed(&self.key.target, why.code());
            let until = match why {
                ClosedReason::Limit(counter) => {
                    Some(self.owned.limits().capacity_at(&self.limits(), &self.key.source, counter, self.now()))
                }
                _ => None,
            };
            return Ok(Some(End::Closed { why, until }));
        }
        let lane = Lane::of(class(&self.stored.link));
        let anchor = match self.ready(call, lane) {
            Ok(anchor) => anchor,
            Err(end) => {
                self.release_reservation();
                return Ok(Some(end));
            }
        };
        if let Some(answer) = self.ask_census(call, &anchor) {
            self.answered(call, answer).await?;
            return Ok(None);
        }
        let mut intended = None;
        if call.writes() {
            intended = self.begin(call).await?;
            if intended.is_none() {
                return Ok(None);
            }
        }
        let began = Instant::now();
        if intended.is_some_and(|until| began >= until) {
            self.seen = self.stored.link.record(call, Answer::NotDone, &Claimed::new(), self.now());
            return Ok(Some(End::Retry("commit_slow")));
        }
        let deadline = began + self.owned.context.config.call_timeout;
        let span = debug_span!("call", verb = call.name());
        let answer = perform::perform(&*self.owned.directory, call, &anchor, deadline).instrument(span);
        let answer = match intended {
            Some(until) => self.while_intended(answer, until).await,
            None => answer.await,
        };
        let answer = match answer {
            Ok(answer) => self.look_again(call, answer, &anchor, deadline).await,
            Err(failure) => Err(failure),
        };
        let result = answer.as_ref().map_or_else(Failure::name, |_| "done");
        self.owned.context.metrics.call(&self.key.target, call, result, began.elapsed());
        debug!(call = call.name(), result, "called");
        let call_result = answer.as_ref().map_or_else(Failure::call_result, |_| CallResult::Answered);
        self.owned.report(lane, call.name(), &self.key, &call_result);
        // A refusal says it too, and is heeded by the report.
        if self.owned.directory.take_throttle_warning() && !matches!(answer, Err(Failure::Target(_))) {
            self.owned.target_warned();
        }
        match answer {
            Ok(answer) => {
                self.note_answer(call, &answer);
                self.answered(call, answer).await?;
                Ok(None)
            }
            Err(failure) => Ok(self.failed(call, failure)),
        }
    }

    /// Checks what a call needs besides an open gate: an end if it is missing. Returns the link's anchor.
    fn ready(&mut self, call: &Call, lane: Lane) -> Result<String, End> {
        match self.owned.admit(lane, &self.verbs(call), &self.key) {
            Admission::Allowed => {}
            Admission::TargetBlocked => return Err(End::Stopped),
            Admission::Wait { code, until, spread } => return Err(End::Waits { code, until, spread }),
        }
        let anchor = self.stored.link.anchor.clone().ok_or(End::Retry("home_unknown"))?;
        if let Some(address) = call.creates() {
            // It may be invited once more, by the same job.
            self.address = None;
            let claimed = self.owned.in_use.claim(address.to_lowercase(), &self.key);
            self.address = Some(claimed.map_err(|_| End::Retry("address_busy"))?);
        }
        // An object that another job has created is about to be stored as that of another link.
        if let (Call::WriteAnchor { id, .. }, None) = (call, &self.created) {
            self.created = Some(self.owned.in_use.claim(id.to_string(), &self.key).map_err(|_| End::Retry("object_busy"))?);
        }
        Ok(anchor)
    }

    /// The verbs that a call needs: its own, and one without which it would be made in vain.
    fn verbs(&self, call: &Call) -> Vec<&'static str> {
        let is_wanted = matches!(self.stored.link.wanted(), Wanted::Yes(_));
        match (call, &self.stored.link.shadow) {
            // A user without an object is created after the look-up.
            (Call::LookUp { .. }, Shadow::None) if is_wanted => vec![call.name(), self.owned.capabilities.create.call_name()],
            (_, _) => vec![call.name()],
        }
    }

    /// Asks the gate, and reserves what the call counts against; both at once, so that no two jobs take the last of a window.
    fn admit(&mut self, call: &Call) -> Verdict {
        let now = self.now();
        let pair = self.owned.context.pair(&self.key.source, &self.key.target);
        let home = call.bound_address().and_then(|_| self.owned.context.home_domains(&self.key.source));
        let mut terms = pair.terms();
        terms.home = home.as_ref();
        let mut limits = self.owned.limits();
        let allowance = |counter| Some((counter, limits.allowance(pair.limits(), &self.key.source, counter, now)?));
        let allowance = self.uncounted(call, now).and_then(allowance);
        terms.allowances = allowance.into_iter().collect();
        let verdict = gate::gate(call, &self.stored.link, &terms, now);
        if let (Verdict::Open, Some((counter, _))) = (verdict, allowance) {
            limits.reserve(&self.key.source, counter, now);
            self.reserved = Some((counter, now));
        }
        verdict
    }

    /// What the user still has to be counted for before a call. A deletion is several calls, each of which may be tried many times; it is one
    /// user all the same, who may also come back and go again within the window.
    fn uncounted(&self, call: &Call, now: Timestamp) -> Option<Counter> {
        let counter = gate::counter(call, &self.stored.link)?;
        let is_counted = self.stored.counted.covers(counter, limits::window_from(now), &self.decision());
        (!is_counted).then_some(counter)
    }

    /// Takes back what was reserved for a call that does not start.
    pub(super) fn release_reservation(&mut self) {
        if let Some((counter, at)) = self.reserved.take() {
            self.owned.limits().release_reservation(&self.key.source, counter, at);
        }
    }

    fn limits(&self) -> resource::Limits {
        *self.owned.context.pair(&self.key.source, &self.key.target).limits()
    }

    /// The newest decision, as what was counted names it.
    pub(super) fn decision(&self) -> String {
        self.stored.link.desired.version.to_string()
    }

    async fn answered(&mut self, call: &Call, answer: Answer) -> Result<()> {
        self.note_changes(call);
        let claimed = self.claimed(&answer).await?;
        let is_verified = matches!(call, Call::ReadBack { .. }) && matches!(self.stored.link.shadow, Shadow::Inviting(_));
        self.seen = self.stored.link.record(call, answer, &claimed, self.now());
        if is_verified {
            self.note_creation();
        }
        Ok(())
    }

    fn failed(&mut self, call: &Call, failure: Failure) -> Option<End> {
        let is_tried_again = self.stored.link.condition.as_ref().is_some_and(|condition| condition.kind == ConditionKind::Retry);
        let (answer, end) = match failure {
            Failure::Target(_) => (Answer::NotDone, Some(End::Stopped)),
            // Nor must a target that answers everything but this: it is asked once again, and then the sign-in is blocked all the same.
            Failure::Failing(_) | Failure::Lost if matches!(call, Call::Revoke { .. }) && is_tried_again => {
                warn!("the target does not answer when a user's sessions are to be ended");
                (Answer::Refused, None)
            }
            Failure::Failing(wait) => (Answer::NotDone, Some(End::Failing { verb: call.name(), wait })),
            Failure::NotFound => (Answer::NotFound, Some(End::Retry("not_found"))),
            Failure::Lost => (Answer::Unknown, Some(End::Lost { created: call.creates().is_some() })),
            // Sessions that cannot be revoked must not keep a user enabled.
            Failure::Refused(refusal) if matches!(call, Call::Revoke { .. }) => {
                warn!(%refusal, "the target does not end a user's sessions");
                (Answer::Refused, None)
            }
            Failure::Unsupported if matches!(call, Call::Revoke { .. }) => (Answer::Refused, None),
            Failure::Forbidden(refusal) if matches!(call, Call::Revoke { .. }) => {
                warn_forbidden(call, &refusal);
                (Answer::Refused, None)
            }
            Failure::Refused(refusal) if is_taken(call, &refusal.code) => {
                let conflict = Conflict { kind: ConflictKind::AddressTaken, others: Vec::new(), is_passing: false };
                (Answer::Refused, Some(End::Hold(Hold::Conflict(conflict))))
            }
            Failure::Refused(refusal) => {
                (Answer::Refused, Some(End::Refused { refusal, verb: gate::verb(call, &self.stored.link), pace: Pace::Refused }))
            }
            Failure::Forbidden(refusal) => {
                warn_forbidden(call, &refusal);
                let refusal = Refusal { code: format!("{}_forbidden", call.name()), ..refusal };
                (Answer::NotDone, Some(End::Refused { refusal, verb: self.verb_of(call), pace: Pace::Forbidden }))
            }
            Failure::Unsupported => {
                error!(call = call.name(), "the target has no such verb, though the capabilities of its connector ask for it: a defect");
                let refusal = Refusal::from(format!("{}_unsupported", call.name()));
                (Answer::NotDone, Some(End::Refused { refusal, verb: self.verb_of(call), pace: Pace::Refused }))
            }
        };
        self.seen = self.stored.link.record(call, answer, &Claimed::new(), self.now());
        end
    }

    /// What a call that failed was for.
    fn verb_of(&self, call: &Call) -> Option<Verb> {
        gate::verb(call, &self.stored.link).or_else(|| self.stored.link.intended())
    }

    fn note_changes(&mut self, call: &Call) {
        let Some(attributes) = call.attributes() else { return };
        let known = &self.stored.link.applied.attributes;
        let change =
            |(name, value): (&str, &Value)| Change { attribute: name.to_owned(), before: known.get(name).cloned(), after: value.clone() };
        self.changes.extend(attributes.iter().map(change));
    }

    /// Which of the objects in an answer other links own. A link that has its object needs not ask: ids are unique in the store. Nor does
    /// one that asked for the same object before: who has taken it since keeps this link from being stored with it.
    async fn claimed(&mut self, answer: &Answer) -> Result<Claimed> {
        let mut claimed = Claimed::new();
        if let Shadow::Object(_) = self.stored.link.shadow {
            return Ok(claimed);
        }
        let ids = match answer {
            Answer::Found(found) => found.by_anchor.iter().chain(&found.by_address).map(|object| object.id.clone()).collect(),
            Answer::Read(object) => object.iter().map(|object| object.id.clone()).collect(),
            Answer::Created(id) => vec![id.clone()],
            Answer::Patched(_) | Answer::Done | Answer::NotFound | Answer::Unknown | Answer::Refused | Answer::NotDone => Vec::new(),
        };
        for id in ids {
            if self.unclaimed.as_ref() == Some(&id) {
                continue;
            }
            if let Answer::Created(_) = answer {
                // Before its owner is asked for: a job that has the same object stores it later.
                self.created = None;
                match self.owned.in_use.claim(id.to_string(), &self.key) {
                    Ok(created) => self.created = Some(created),
                    Err(other) => {
                        claimed.insert(id, Claim { owner: other.record(), is_given_up: false, former: None });
                        continue;
                    }
                }
            }
            let owner = self.owned.owners.of_object(&self.owned.context.store, &self.key.target, id.clone()).await?;
            match owner.filter(|(owner, _)| *owner != self.key) {
                Some((owner, stored)) => {
                    let restores = self.owned.context.pair(&self.key.source, &self.key.target).rehire() == resource::Rehire::Restore;
                    let former = stored.link.former_of(&self.stored.link).filter(|_| restores);
                    claimed.insert(id, Claim { owner: owner.record(), is_given_up: stored.link.has_given_up(), former });
                }
                None => self.unclaimed = Some(id),
            }
        }
        Ok(claimed)
    }
}

/// Reports that a target forbids a call for one user. A user who keeps access they must not have needs an administrator (R9).
fn warn_forbidden(call: &Call, refusal: &Refusal) {
    let call_name = call.name();
    if matches!(call, Call::Revoke { .. } | Call::Disable { .. }) {
        error!(%refusal, call = call_name, "the target forbids taking a user's access: they may hold an admin role there");
    } else {
        warn!(%refusal, call = call_name, "the target forbids this: for one user, who may hold an admin role there, or for all");
    }
}

/// Whether a refusal says that an object that no look-up shows holds the address (R4): it may give the address up.
fn is_taken(call: &Call, code: &str) -> bool {
    call.creates().is_some() && code == "already_exists"
}
