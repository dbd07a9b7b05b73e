//! The detection of one tenant, step by step: publish what is due, read one page, cut some users, look at the facts.
//!
//! Whoever holds the tenant's lease steps it. Each step is bounded and leaves the store consistent, so that it may be stopped or
//! killed after any of them; a step whose transaction finds the lease gone has no effect.

mod again;
mod full;
mod identify;
mod look;
mod paging;
mod project;
mod publishing;
mod rounds;
mod scrub;
mod trouble;
mod untold;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use xtsync_directory::Source;
use xtsync_domain::resource::Projection;
use xtsync_domain::{DirectoryId, GroupId, TenantName, Timestamp, UserId};
use xtsync_platform::bus::{Bus, ROOM_LOOK};
use xtsync_platform::store::{Epoch, Store, Transaction, lease};
use xtsync_proto::topic::Topic;

use self::again::Again;
use self::paging::Paging;
use self::trouble::Trouble;
use self::untold::Untold;
use crate::closure::Closure;
use crate::cutting::Knife;
use crate::error::Error;
use crate::facts::Facts;
use crate::hold::Scopes;
use crate::membership;
use crate::metrics::Metrics;
use crate::names::Names;
use crate::publication::{Press, Published};
use crate::reading::{self, Phase, Reading};
use crate::rebuild::rebuild;
use crate::removal_guard;
use crate::round::Context;
use crate::sweep::Sighting;
use crate::weighing::Weighing;

/// The right to act for a tenant.
#[derive(Debug, Clone)]
pub(crate) struct Fence {
    /// The lease's name.
    pub(crate) lease: String,
    /// Its epoch; a later one fences this.
    pub(crate) epoch: Epoch,
}

/// What is asked of a tenant's detection by the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    /// The configuration's revision.
    pub(crate) revision: u64,
    /// What to read and publish of users, and the revision it is due to; none where the tenant is only a target.
    pub(crate) users: Option<(u64, Projection)>,
    /// Which groups to look up by name.
    pub(crate) names: Names,
    /// How the groups of its scopes count.
    pub(crate) scopes: Scopes,
    /// The topics that a delta goes by, until it is taken in at its targets.
    pub(crate) way: Vec<Topic>,
    /// Which directory it was found to be at first contact, or was confirmed to be since.
    pub(crate) directory: Option<DirectoryId>,
}

impl Order {
    /// Asks for nothing yet.
    fn nothing(revision: u64) -> Self {
        Self { revision, users: None, names: Names::default(), scopes: Scopes::new(), way: Vec::new(), directory: None }
    }
}

/// How often to look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Between rounds.
    pub(crate) rounds: Duration,
    /// Between readings of facts.
    pub(crate) facts: Duration,
    /// Between readings of everything; zero is never.
    pub(crate) compare: Duration,
    /// Between scrubs; zero is never, unless asked for.
    pub(crate) scrub: Duration,
    /// How long who is gone stays known.
    pub(crate) forget: Duration,
}

/// How many people a tenant keeps though the directory does not show them there any more (I-5).
#[derive(Debug, Default)]
struct Kept {
    /// Whom the last reading of everything missed, because most were missing.
    users: u64,
    /// Whom a group of some scope lost, because it lost most.
    scope: u64,
}

/// When to step again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pause {
    /// At once.
    None,
    /// Not before this, unless nudged.
    Until(Timestamp),
}

/// The detection of one tenant under one epoch of its lease.
pub(crate) struct Tenant {
    pub(crate) name: TenantName,
    pub(crate) source: Arc<dyn Source>,
    pub(crate) store: Store,
    pub(crate) bus: Bus,
    pub(crate) fence: Fence,
    pub(crate) metrics: Metrics,
    pub(crate) pace: Pace,
    pub(crate) order: Order,
    pub(crate) reading: Reading,
    closure: Closure,
    facts: Facts,
    /// Which directory its domain leads to, as it was read last under this epoch.
    identity: Option<DirectoryId>,
    /// Every referenced group was found readable when it was looked at last.
    groups_readable: bool,
    /// Whether everything is to be read again because the last such reading could not be relied on.
    again: Again,
    /// How many users the full read under way, or the one before it, has found that delta queries had lost.
    found_lost: u64,
    /// Whether what it finds is such a loss.
    is_counting: bool,
    /// The look at what it has shown.
    sighting: Option<Sighting>,
    /// Whether a cycle is asked for now.
    is_nudged: bool,
    /// Whether the cycle under way did not come to the end of a delta.
    is_partial: bool,
    /// What the cycle under way has seen of its delta; and the full read of its own.
    paging: Paging,
    full_paging: Paging,
    /// Trouble with the delta of cycles; and with that of full reads.
    trouble: Option<Trouble>,
    full_trouble: Option<Trouble>,
    /// That the cursors of cycles were void, and none has come to its end since.
    void: Option<Trouble>,
    /// Of whom the cycle under way has told.
    told: BTreeSet<UserId>,
    held: Kept,
    /// Groups of scopes of whose members delta queries tell nothing.
    untold: Untold,
    /// The round, and the reading of everything, whose losses were weighed last.
    weighed: Option<(u64, u64)>,
    /// The look at the losses of the round under way.
    weighing: Option<Weighing>,
    /// Whether the store may hold pending work.
    is_pending: bool,
    facts_due: Timestamp,
    round_due: Timestamp,
    freshness_due: Timestamp,
    cursor_due: Timestamp,
    /// When the scrub is looked at next.
    scrub_due: Timestamp,
    /// When the store is asked next whether a full read is asked for.
    resync_due: Timestamp,
    /// Whether one is under way.
    is_scrubbing: bool,
    /// Where cutting anew for a new projection goes on; none when all rows are cut for it.
    recut_after: Option<String>,
    /// Whether the bus may not have heard the newest of somebody.
    owes: bool,
    /// Whether all that waits to be published is bulk.
    is_bulk: bool,
    /// About how many users wait for room to be published.
    behind: u64,
    /// The last round of which the bus has heard everything.
    on_bus: u64,
    /// A complete round that is still to be told, with when it was complete.
    fresh: Option<(u64, Timestamp)>,
}

impl Tenant {
    /// Takes up a tenant where its store says it stands.
    pub(crate) async fn take_up(
        name: TenantName,
        source: Arc<dyn Source>,
        (store, bus): (Store, Bus),
        fence: Fence,
        (pace, metrics): (Pace, Metrics),
        order: Order,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let mut tx = store.begin().await?;
        let mut reading = reading::load(&mut tx, &name).await?;
        drop(tx);
        if reading.began == Timestamp(0) {
            reading.began = now;
        }
        let press = Press { store: store.clone(), bus: bus.clone(), fence: fence.clone(), tenant: name.clone() };
        rebuild(&press, &mut reading, now).await?;
        let start = Timestamp(0);
        let mut tenant = Self {
            name,
            source,
            store,
            bus,
            fence,
            metrics,
            pace,
            order: Order::nothing(order.revision),
            closure: Closure::default(),
            facts: Facts::default(),
            identity: None,
            groups_readable: false,
            again: if reading.full.is_none() && reading.owed { Again::Owed } else { Again::No },
            found_lost: 0,
            is_counting: true,
            sighting: None,
            is_nudged: false,
            is_partial: false,
            paging: Paging::default(),
            full_paging: Paging::default(),
            trouble: None,
            full_trouble: None,
            void: None,
            told: BTreeSet::new(),
            held: Kept { users: reading.missing, scope: 0 },
            weighed: None,
            weighing: None,
            is_pending: true,
            reading,
            facts_due: start,
            round_due: start,
            freshness_due: start,
            cursor_due: start,
            scrub_due: start,
            resync_due: start,
            is_scrubbing: false,
            recut_after: None,
            owes: true,
            is_bulk: false,
            untold: Untold::default(),
            behind: 0,
            on_bus: 0,
            fresh: None,
        };
        tenant.obey(order, now).await?;
        Ok(tenant)
    }

    /// Takes a new order from the configuration.
    pub(crate) async fn obey(&mut self, order: Order, now: Timestamp) -> Result<(), Error> {
        if order.users != self.order.users {
            self.recut_after = Some(String::new());
            // Whoever comes out otherwise from now on may owe it to the order.
            self.is_counting = false;
            self.facts_due = Timestamp(0);
            if let Some((_, projection)) = &order.users {
                let mut tx = self.begin().await?;
                self.closure = Closure::new(&projection.groups, &membership::nestings(&mut tx, &self.name).await?);
                if self.reading.select(&projection.attributes, now) {
                    (self.full_paging, self.sighting) = (Paging::default(), None);
                }
                reading::save(&mut tx, &self.name, &self.reading);
                tx.commit().await?;
            }
        }
        if order.names != self.order.names {
            self.facts_due = Timestamp(0);
        }
        self.order = order;
        self.let_go().await
    }

    /// Lets go of whom groups keep that an administrator allows to lose them, or that no scope refers to any more.
    async fn let_go(&mut self) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        let referenced = |group: &GroupId| self.order.users.as_ref().is_some_and(|(_, projection)| projection.groups.contains(group));
        let allowed = |group: &GroupId| self.order.scopes.get(group).is_some_and(|scope| scope.lets_go);
        for group in removal_guard::groups(&mut tx, &self.name).await? {
            if allowed(&group) || !referenced(&group) {
                removal_guard::release(&mut tx, &self.name, &group).await?;
                self.is_pending = true;
            }
        }
        self.held.scope = removal_guard::count(&mut tx, &self.name).await?;
        Ok(tx.commit().await?)
    }

    /// Asks for a cycle now.
    pub(crate) fn nudge(&mut self) {
        self.is_nudged = true;
    }

    /// What keeps the tenant from being read to the end, by stable code, and when that is tried again. Where the full read under way reads
    /// what the projection adds, its trouble counts as well: until it ends, users are published only as they were before, or without access.
    pub(crate) fn condition(&self) -> Option<(&'static str, Timestamp)> {
        let full = self.full_trouble.as_ref().filter(|_| !self.reading.is_incremental() || self.reading.widens());
        let void = self.void.as_ref().filter(|trouble| trouble.is_lasting());
        let trouble = self.trouble.as_ref().filter(|trouble| trouble.is_lasting()).or(void);
        trouble.or(full.filter(|trouble| trouble.is_lasting())).map(|trouble| (trouble.code, trouble.next_try))
    }

    /// What keeps a full read from its end while cycles go on, by stable code.
    pub(crate) fn full_warning(&self) -> Option<String> {
        let trouble = self.full_trouble.as_ref().filter(|trouble| self.reading.is_incremental() && trouble.is_lasting());
        trouble.map(|trouble| format!("full_read_{}", trouble.code))
    }

    /// Whether what is published is being told again.
    pub(crate) fn is_scrubbing(&self) -> bool {
        self.is_scrubbing
    }

    /// How many people are kept in though the directory does not show them there any more, by reason.
    pub(crate) fn held(&self) -> [(&'static str, u64); 2] {
        [("users_collapsed", self.held.users), ("scope_collapsed", self.held.scope)]
    }

    /// What needs a look and does not stop it, by stable code; empty where nothing does.
    pub(crate) fn warning(&self) -> &'static str {
        if self.untold.is_any() { untold::CODE } else { "" }
    }

    /// Does one bounded thing of each kind that is due.
    pub(crate) async fn step(&mut self, now: Timestamp) -> Result<Pause, Error> {
        // With each round also what a former owner published too late.
        let looks = self.owes || self.is_nudged || now >= self.round_due;
        self.is_bulk &= now < self.round_due && !self.is_nudged;
        let published = if looks { self.publish(now).await? } else { Published::All };
        if now >= self.facts_due {
            self.look_at_facts(now).await?;
        }
        if self.order.users.is_none() || self.is_elsewhere() {
            return Ok(Pause::Until(self.facts_due));
        }
        if !self.identify(now).await? {
            return Ok(Pause::Until(self.facts_due));
        }
        self.obey_resync(now).await?;
        let worked = self.work_off(now).await?;
        let recut = self.recut(now).await?;
        let mut read = self.cycle(now).await?;
        // A cycle of many pages goes first; a full read goes on when it is over.
        let takes_over = self.reading.full.as_ref().is_some_and(|full| full.phase.takes_over());
        if self.reading.phase == Phase::Idle || (self.reading.phase == Phase::Cutting && takes_over) {
            read |= self.full_step(now).await?;
        }
        if published == Published::Some || worked || recut || read {
            return Ok(Pause::None);
        }
        let rest = self.rest_until(now);
        if self.owes {
            return Ok(Pause::Until(rest.min(now.plus(ROOM_LOOK))));
        }
        Ok(Pause::Until(self.scrub(now).await?.map_or(rest, |piece| piece.min(rest))))
    }

    /// Until when there is nothing to read.
    fn rest_until(&self, now: Timestamp) -> Timestamp {
        let mut rest = self.facts_due;
        if self.reading.is_incremental() {
            let due = if self.is_nudged { now } else { self.round_due };
            rest = rest.min(self.trouble.as_ref().map_or(due, |trouble| trouble.next_try.max(due)));
        }
        for trouble in [&self.full_trouble, &self.void].into_iter().flatten() {
            if self.reading.full.is_some() && trouble.next_try > now {
                rest = rest.min(trouble.next_try);
            }
        }
        rest
    }

    /// Whether users may be cut. Their first publication waits until the names of groups are looked up, so that a tenant is not published
    /// twice at its start, and until groups can be read: who is in an unreadable group must not be told to be in none. So does the first
    /// one after a rebuild.
    fn cuttable(&self) -> bool {
        if self.order.users.is_none() {
            return false;
        }
        let Order { names, .. } = &self.order;
        let found = |name: &str| self.facts.found(name, names.revision);
        let waits = self.reading.first() || self.reading.rereads();
        !waits || (self.groups_readable && names.are_settled(self.reading.rereads(), found))
    }

    fn press(&self) -> Press {
        Press { store: self.store.clone(), bus: self.bus.clone(), fence: self.fence.clone(), tenant: self.name.clone() }
    }

    async fn begin(&self) -> Result<Transaction, Error> {
        let mut tx = self.store.begin().await?;
        lease::assert_with_commit(&mut tx, &self.fence.lease, self.fence.epoch);
        Ok(tx)
    }

    fn context(&self, now: Timestamp) -> Context<'_> {
        let (selected, source) = (&self.reading.selected, &self.source);
        Context { tenant: &self.name, generation: self.reading.generation, is_full: false, now, selected, source }
    }

    fn knife(&self, now: Timestamp) -> Option<Knife<'_>> {
        let (revision, projection) = self.order.users.as_ref()?;
        Some(Knife {
            tenant: &self.name,
            source: &self.source,
            closure: &self.closure,
            revision: *revision,
            projection,
            first_round: self.reading.first(),
            entire: self.reading.first() || self.reading.full.as_ref().is_some_and(|full| full.phase.ends()),
            keeps_groups: false,
            now,
        })
    }
}

#[cfg(test)]
mod tests;
