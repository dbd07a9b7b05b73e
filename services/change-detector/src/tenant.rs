//! The detection of one tenant, step by step: publish what is due, read one page, cut some users, look at the facts.
//!
//! Whoever holds the tenant's lease steps it. Each step is bounded and leaves the store consistent, so that it may be stopped or
//! killed after any of them; a step whose transaction finds the lease gone has no effect.

mod again;
mod compare;
mod look;
mod publishing;
mod rounds;
mod scrub;
mod untold;

use std::sync::Arc;
use std::time::Duration;

use tracing::info;
use xtsync_directory::Source;
use xtsync_domain::resource::Projection;
use xtsync_domain::{GroupId, TenantName, Timestamp, UserId};
use xtsync_platform::bus::{Bus, ROOM_LOOK};
use xtsync_platform::store::{Epoch, Store, Transaction, lease};
use xtsync_proto::topic::Topic;

use self::again::Again;
use self::compare::Comparison;
use self::untold::Untold;
use crate::closure::Closure;
use crate::cutting::{Knife, cut_all};
use crate::error::Error;
use crate::facts::Facts;
use crate::hold::Scopes;
use crate::membership;
use crate::metrics::Metrics;
use crate::mirror::{self, Mirrored};
use crate::names::Names;
use crate::publication::{Press, Published};
use crate::reading::{self, Phase, Reading};
use crate::rebuild::rebuild;
use crate::removal_guard;
use crate::round::Context;
use crate::sweep;
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
    /// Every referenced group was found readable when it was looked at last.
    groups_readable: bool,
    /// The reading of everything whose unseen were last looked for.
    swept: u64,
    /// Something of the reading under way made no sense and was left out.
    rejected: bool,
    /// Whether everything is to be read again because the last such reading could not be relied on.
    again: Again,
    /// The reading of everything under way, where it is to find what delta queries lost.
    comparison: Option<Comparison>,
    /// How many users it has found, or the one before it.
    found_lost: u64,
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
        let is_rebuilt = rebuild(&press, &mut reading, now).await?;
        let sight = sweep::sight(&store, &name, reading.generation).await?;
        let swept = sweep::swept(&store, &name).await?;
        let start = Timestamp(0);
        let mut tenant = Self {
            name,
            source,
            store,
            bus,
            fence,
            metrics,
            pace,
            order: Order { revision: order.revision, users: None, names: Names::default(), scopes: Scopes::new(), way: Vec::new() },
            closure: Closure::default(),
            facts: Facts::default(),
            groups_readable: false,
            swept,
            // What was left out before we took it up is not known.
            rejected: !is_rebuilt,
            again: if !reading.entire && sight.unseen > 0 { Again::Owed } else { Again::No },
            comparison: None,
            found_lost: 0,
            held: Kept { users: if !reading.entire && sight.is_collapsed() { sight.unseen } else { 0 }, scope: 0 },
            weighed: None,
            weighing: None,
            is_pending: true,
            reading,
            facts_due: start,
            round_due: start,
            freshness_due: start,
            cursor_due: start,
            scrub_due: start,
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
            self.comparison = None;
            self.facts_due = Timestamp(0);
            if let Some((_, projection)) = &order.users {
                let mut tx = self.begin().await?;
                self.closure = Closure::new(&projection.groups, &membership::nestings(&mut tx, &self.name).await?);
                self.rejected &= !self.reading.select(&projection.attributes, now);
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

    /// Asks for a round now.
    pub(crate) fn nudge(&mut self) {
        self.round_due = Timestamp(0);
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
        let looks = self.owes || now >= self.round_due;
        self.is_bulk &= now < self.round_due;
        let published = if looks { self.publish(now).await? } else { Published::All };
        if now >= self.facts_due {
            self.look_at_facts(now).await?;
        }
        if self.order.users.is_none() {
            return Ok(Pause::Until(self.facts_due));
        }
        let worked = self.work_off(now).await?;
        let recut = self.recut(now).await?;
        let read = if self.reading.phase != Phase::Idle || now >= self.round_due { self.read(now).await? } else { false };
        if published == Published::Some || worked || recut || read {
            return Ok(Pause::None);
        }
        let rest = self.round_due.min(self.facts_due);
        if self.owes {
            return Ok(Pause::Until(rest.min(now.plus(ROOM_LOOK))));
        }
        Ok(Pause::Until(self.scrub(now).await?.map_or(rest, |piece| piece.min(rest))))
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
        Context { tenant: &self.name, generation: self.reading.generation, now, selected: &self.reading.selected, source: &self.source }
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
            entire: self.reading.entire,
            now,
        })
    }

    /// Cuts a chunk of those whose cut may be stale, if they may be cut.
    async fn cut_dirty(&self, tx: &mut Transaction, now: Timestamp) -> Result<(), Error> {
        if self.cuttable() {
            let users = mirror::dirty(tx, &self.name, "").await?;
            self.cut(tx, users, now).await?;
        }
        Ok(())
    }

    /// Cuts users; gives who of them came out otherwise.
    async fn cut(&self, tx: &mut Transaction, users: Vec<Mirrored>, now: Timestamp) -> Result<Vec<UserId>, Error> {
        match self.knife(now) {
            Some(knife) if !users.is_empty() => cut_all(tx, &knife, users).await,
            Some(_) | None => Ok(Vec::new()),
        }
    }

    /// Cuts a chunk of those who were cut for another projection. True when there may be more.
    async fn recut(&mut self, now: Timestamp) -> Result<bool, Error> {
        // While everything is read again, bodies are in parts; while a round is under way, nobody has weighed yet what groups lose.
        let is_first = self.reading.first() && !self.reading.repeats();
        let whole = is_first || (!self.reading.entire && self.reading.phase == Phase::Idle);
        let Some(after) = self.recut_after.clone().filter(|_| self.cuttable() && whole) else {
            return Ok(false);
        };
        let Some(knife) = self.knife(now) else {
            return Ok(false);
        };
        let mut tx = self.begin().await?;
        let (users, further) = mirror::cut_otherwise(&mut tx, &self.name, knife.revision, &after).await?;
        let count = users.len();
        cut_all(&mut tx, &knife, users).await?;
        tx.commit().await?;
        if count > 0 {
            self.owe();
        }
        self.recut_after = further;
        if self.recut_after.is_none() {
            info!(tenant = %self.name, revision = self.order.revision, "every user is cut for the configuration");
        }
        Ok(count > 0 || self.recut_after.is_some())
    }
}

#[cfg(test)]
mod tests;
