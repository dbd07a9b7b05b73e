//! Look-ups that a census answers, and what a creation after one must show. `owned_target/census.rs` says why that is safe.

use tokio::time::Instant;
use xtsync_domain::capability::Create;
use xtsync_domain::link::classify::CLOCK_SKEW_LIMIT;
use xtsync_domain::link::{Answer, Call, Observed, Shadow};
use xtsync_domain::shadow::Found;
use xtsync_domain::{Timestamp, Value};

use super::Job;
use super::perform::{self, Failure};

/// What answered the look-up of this job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LookedUp {
    /// There was none.
    No,
    /// The directory.
    InDirectory,
    /// A census. What is created after that was created at this time or later, by the directory's clock.
    InCensus(Timestamp),
}

impl Job<'_> {
    /// What a census says to a look-up for a link without an object; `None` where the directory is to be asked.
    pub(super) fn ask_census(&mut self, call: &Call, anchor: &str) -> Option<Answer> {
        let Call::LookUp { address } = call else { return None };
        self.looked_up = LookedUp::InDirectory;
        if self.stored.link.shadow != Shadow::None {
            return None;
        }
        let (mut keys, now) = (self.owned.directory.census_keys(address), self.now());
        keys.push(anchor.to_owned());
        let mut census = self.owned.census();
        let earliest = match self.owned.capabilities.create {
            Create::Invite => census.earliest(now)?,
            // The anchor says whose it is.
            Create::Put => now.minus(CLOCK_SKEW_LIMIT),
        };
        if !census.lacks(&keys, now) {
            return None;
        }
        census.note_absence(now);
        drop(census);
        self.owned.context.metrics.answered_by_census(&self.key.target);
        self.looked_up = LookedUp::InCensus(earliest);
        Some(Answer::Found(Found::default()))
    }

    /// The directory has answered.
    pub(super) fn note_answer(&self, call: &Call, answer: &Answer) {
        let is_nothing = matches!(answer, Answer::Found(found) if *found == Found::default());
        if matches!(call, Call::LookUp { .. }) && is_nothing && self.stored.link.shadow == Shadow::None {
            self.owned.census().note_absence(self.now());
        }
    }

    /// When a call begins, as its intent says. After a census the tolerance that the state table grants for clocks is taken back.
    pub(super) fn begins(&self, call: &Call, now: Timestamp) -> Timestamp {
        match self.looked_up {
            LookedUp::InCensus(earliest) if call.creates().is_some() => earliest.plus(CLOCK_SKEW_LIMIT).max(now),
            LookedUp::No | LookedUp::InDirectory | LookedUp::InCensus(_) => now,
        }
    }

    /// What a call is about to put into the directory is there for a census too.
    pub(super) fn note_written(&self, call: &Call) {
        if (call.creates().is_none() && call.attributes().is_none()) || !self.owned.census().is_kept() {
            return;
        }
        let values = call.attributes().into_iter().flat_map(|attributes| attributes.iter());
        let texts = values.flat_map(|(_, value)| match value {
            Value::Text(text) => std::slice::from_ref(text),
            Value::Texts(texts) => texts.as_slice(),
            _ => &[],
        });
        let addresses = call.creates().into_iter().chain(texts.map(String::as_str).filter(|text| text.contains('@')));
        let keys = addresses.flat_map(|address| self.owned.directory.census_keys(address)).chain(self.stored.link.anchor.clone());
        self.owned.census().add(keys);
    }

    /// A user, read back after an invitation, who lacks the address may lack it because another object has it (R4). Unless this job has
    /// just asked the directory it is asked now, and what it finds is the answer if there is another.
    pub(super) async fn look_again(&self, call: &Call, answer: Answer, anchor: &str, deadline: Instant) -> Result<Answer, Failure> {
        let (Call::ReadBack { id }, Answer::Read(Some(object)), Shadow::Inviting(inviting), LookedUp::InCensus(_) | LookedUp::No) =
            (call, &answer, &self.stored.link.shadow, self.looked_up)
        else {
            return Ok(answer);
        };
        let mail = object.attributes.text("mail").unwrap_or_default();
        if mail.to_lowercase() == inviting.address.to_lowercase() {
            return Ok(answer);
        }
        let look_up = Call::LookUp { address: inviting.address.clone() };
        let began = Instant::now();
        let found = perform::perform(&*self.owned.directory, &look_up, anchor, deadline).await;
        let result = found.as_ref().map_or_else(Failure::name, |_| "done");
        self.owned.context.metrics.call(&self.key.target, &look_up, result, began.elapsed());
        let found = found?;
        let is_alone = matches!(&found, Answer::Found(found) if found.by_address.iter().all(|other| other.id == *id));
        Ok(if is_alone { answer } else { found })
    }

    /// What the read after an invitation has shown: how the clocks differ, or that the census is no longer true.
    pub(super) fn note_creation(&self) {
        let now = self.now();
        match (&self.seen, self.looked_up) {
            (Observed::Owned(object) | Observed::Unanchored(object), LookedUp::InDirectory | LookedUp::InCensus(_)) => {
                if let Some(created_at) = object.created_at {
                    self.owned.census().note_creation(created_at, now);
                }
            }
            (Observed::Foreign(_), LookedUp::InCensus(_)) => self.owned.census().distrust(now),
            _ => {}
        }
    }
}
