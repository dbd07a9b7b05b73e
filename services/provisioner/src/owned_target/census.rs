//! What a census of the target says of look-ups: that certainly nothing there bears an anchor or holds an address.
//!
//! A look-up takes several requests, and in a first synchronization nearly all find nothing. So once many did, the target is listed once,
//! beside the work (`take.rs`), and a look-up for a link without an object whose keys the listing lacks is answered without a request.
//! Every other look-up asks the directory. The keys are in a Bloom filter: it may say *present* of what is not there, never *absent* of what
//! is.
//!
//! A census is up to [`AGE`] old, so an object may have appeared since. That is safe for the reason that makes the time between any look-up
//! and its invitation safe: the invitation and the read after it show what is there.
//!
//! - What this owner puts into the directory is added before it is sent, so that two users with one address meet.
//! - An internal user who holds the address makes the directory refuse the invitation: a conflict.
//! - A guest who was invited by hand is returned by the invitation, and read before anything is written to it (R4). It is ours only if it was
//!   created after the intent. The state table grants a tolerance for clocks that differ, which is safe after a look-up just before. After a
//!   census it is not granted: how much the clocks differ at most is known from the creations before ([`Census::earliest`]), and the intent
//!   says so, which a crash does not change. So an older guest is a conflict.
//! - A contact makes a guest without a mail address (R4). A user read back without the address is looked up in the directory, also by
//!   another owner; if another object holds it, that is a conflict.
//! - What leaves the directory meanwhile is still listed, and asked for. A guest who came and went meanwhile stays in the bin.
//!
//! After such a conflict the census is dropped, since others change the directory just now. In memory alone, and forgotten with the lease.

mod take;

use std::time::Duration;

use fastbloom::BloomFilter;
use xtsync_domain::Timestamp;
use xtsync_domain::link::classify::CLOCK_SKEW_LIMIT;

pub(crate) use self::take::take;

/// How long a census answers, from when it began.
pub(crate) const AGE: Duration = Duration::from_secs(5 * 60);

/// From this age on another one is taken, if it is worth it.
const RENEWED_AFTER: Duration = Duration::from_secs(5 * 60 / 2);

/// So many look-ups must have found nothing within [`AGE`] before a census is taken.
const ABSENCES_MIN: u32 = 100;

/// How long none is taken after one that failed or was contradicted.
const PUT_OFF: Duration = Duration::from_secs(10 * 60);

/// The size of a listing in bits: 4 MiB, of which there are two while one replaces the other. With the keys of a million objects, about
/// four each, one in twenty look-ups asks the directory in vain.
const BITS: usize = 32 * 1024 * 1024;
const KEYS_EXPECTED: usize = 4_000_000;

/// By how much a creation may seem earlier than it can be: directories cut times to whole seconds, and clocks are put right.
const IMPRECISION: Duration = Duration::from_secs(5);

/// What is known of the target's objects.
#[derive(Default)]
pub(crate) struct Census {
    standing: Option<Listing>,
    /// Not complete yet.
    taking: Option<Listing>,
    absences: Absences,
    /// How many requests the last census took.
    cost: u32,
    /// Before this, none is taken.
    put_off_until: Timestamp,
    /// By how many microseconds the directory's clock is at least ahead of ours; negative if it may be behind.
    ahead: Option<i64>,
}

/// Keys of objects.
struct Listing {
    began: Timestamp,
    keys: BloomFilter,
}

/// Look-ups that found nothing.
#[derive(Default)]
struct Absences {
    since: Timestamp,
    count: u32,
}

impl Census {
    /// Whether nothing in the directory has any of these keys.
    pub(crate) fn lacks(&self, keys: &[String], now: Timestamp) -> bool {
        let fresh = self.standing.as_ref().filter(|standing| now < standing.began.plus(AGE));
        fresh.is_some_and(|standing| keys.iter().all(|key| !standing.keys.contains(key)))
    }

    /// The earliest creation time, by the directory's clock, of what is created from now on. `None` if the clocks were not compared, or
    /// differ by more than what counts as ours anyway.
    pub(crate) fn earliest(&self, now: Timestamp) -> Option<Timestamp> {
        let ahead = self.ahead.filter(|ahead| Duration::from_micros(ahead.unsigned_abs()) <= CLOCK_SKEW_LIMIT)?;
        Some(Timestamp(now.0.saturating_add(ahead)).minus(IMPRECISION))
    }

    /// An object of ours was created at this time by the directory's clock, and that time is past.
    pub(crate) fn note_creation(&mut self, created_at: Timestamp, now: Timestamp) {
        self.ahead = self.ahead.max(Some(created_at.0.saturating_sub(now.0)));
    }

    /// A look-up found nothing, whatever answered it.
    pub(crate) fn note_absence(&mut self, now: Timestamp) {
        if now >= self.absences.since.plus(AGE) {
            self.absences = Absences { since: now, count: 0 };
        }
        self.absences.count = self.absences.count.saturating_add(1);
    }

    /// An object with these keys is about to be in the directory.
    pub(crate) fn add(&mut self, keys: impl IntoIterator<Item = String>) {
        for key in keys {
            for listing in self.standing.iter_mut().chain(&mut self.taking) {
                listing.keys.insert(&key);
            }
        }
    }

    /// Whether keys that are added matter.
    pub(crate) fn is_kept(&self) -> bool {
        self.standing.is_some() || self.taking.is_some()
    }

    /// Whether a census should be taken now: look-ups that find nothing cost more than it. Forgets one that is too old to answer.
    pub(crate) fn is_wanted(&mut self, now: Timestamp) -> bool {
        self.standing.take_if(|standing| now >= standing.began.plus(AGE));
        let is_worth_it = self.absences.count >= self.cost.max(ABSENCES_MIN) && now < self.absences.since.plus(AGE);
        let is_stale = self.standing.as_ref().is_none_or(|standing| now >= standing.began.plus(RENEWED_AFTER));
        self.taking.is_none() && is_worth_it && is_stale && now >= self.put_off_until
    }

    /// Something contradicts what it said.
    pub(crate) fn distrust(&mut self, now: Timestamp) {
        let put_off_until = now.plus(PUT_OFF);
        *self = Self { put_off_until, ..Self::default() };
    }

    /// A census begins; the seed decides which keys are taken for others.
    fn begin(&mut self, now: Timestamp, seed: u128) {
        let keys = BloomFilter::with_num_bits(BITS).seed(&seed).expected_items(KEYS_EXPECTED);
        self.taking = Some(Listing { began: now, keys });
        self.absences = Absences { since: now, count: 0 };
    }

    /// A page of the one that began then. Nothing, if that was dropped meanwhile; so below.
    fn list(&mut self, began: Timestamp, keys: &[String]) {
        if let Some(listing) = self.taking.as_mut().filter(|listing| listing.began == began) {
            listing.keys.insert_all(keys);
        }
    }

    /// It is complete, after so many requests.
    fn complete(&mut self, began: Timestamp, cost: u32) {
        if let Some(complete) = self.taking.take_if(|listing| listing.began == began) {
            self.standing = Some(complete);
            self.cost = cost;
        }
    }

    /// It does not come to its end.
    fn give_up(&mut self, began: Timestamp, now: Timestamp) {
        if self.taking.take_if(|listing| listing.began == began).is_some() {
            self.put_off_until = now.plus(PUT_OFF);
        }
    }
}

#[cfg(test)]
mod tests;
