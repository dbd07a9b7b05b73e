//! The detection of one tenant, step by step: publish what is due, read one page, project some users, read the facts.
//!
//! The owner of the tenant's lease steps it. Each step is bounded and leaves the store consistent, so that it may be stopped or
//! killed after any of them; a step whose transaction finds the lease gone has no effect.

mod background;
mod cycle;
mod failure;
mod full;
mod full_pages;
mod identify;
mod list_members;
mod listings;
mod losses;
mod paging;
mod project;
mod publishing;
mod refresh_extensions;
mod refresh_facts;
mod republish;
mod retry_schedule;
mod step;

use std::sync::Arc;
use std::time::Duration;

use xtsync_bus::{Bus, Topic};
use xtsync_directory::Source;
use xtsync_domain::resource::Projection;
use xtsync_domain::{DirectoryId, GroupId, TenantName, Timestamp};
use xtsync_store::{Fence, Store, Transaction};

use self::background::Background;
use self::cycle::CycleReading;
use self::failure::Failures;
use self::full::FullReading;
use self::listings::Listings;
use self::paging::Paging;
use self::publishing::Publication;
use self::refresh_facts::FactsReading;
use self::republish::Republishing;
use crate::closure::Closure;
use crate::error::Error;
use crate::listing;
use crate::membership;
use crate::metrics::Metrics;
use crate::names::Names;
use crate::page::{Context, PageOf};
use crate::publisher::Publisher;
use crate::rebuild::rebuild;
use crate::removal_guard;
use crate::repeated_facts::RepeatedFacts;
use crate::reproject::{Groups, Reprojection};
use crate::scope::Scopes;
use crate::sweep::SeenCounter;
use crate::sync_state::{self, SyncState};
use crate::urgency::Reading;

/// What is asked of a tenant's detection by the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DetectionSpec {
    /// The configuration's revision.
    pub(crate) revision: u64,
    /// What to read and publish of users, and the revision it is due to; none where the tenant is only a target.
    pub(crate) users: Option<(u64, Projection)>,
    /// Which groups to look up by name.
    pub(crate) names: Names,
    /// How the groups of its scopes count.
    pub(crate) scopes: Scopes,
    /// The topics that a delta goes by, until it is taken in at its targets.
    pub(crate) downstream: Vec<Topic>,
    /// Which directory it was found to be at first contact, or was confirmed to be since.
    pub(crate) directory: Option<DirectoryId>,
}

impl DetectionSpec {
    /// Asks for nothing yet.
    fn empty(revision: u64) -> Self {
        Self { revision, users: None, names: Names::default(), scopes: Scopes::new(), downstream: Vec::new(), directory: None }
    }
}

/// How often to look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Intervals {
    /// Between cycles.
    pub(crate) cycles: Duration,
    /// Between readings of facts.
    pub(crate) facts: Duration,
    /// Between readings of everything; zero is never.
    pub(crate) compare: Duration,
    /// Between republications; zero is only when requested.
    pub(crate) republish: Duration,
    /// How long a deleted user stays known.
    pub(crate) forget: Duration,
}

/// How many users a tenant keeps though the directory does not show them there any more (`BoundedChange`, I-5).
#[derive(Debug, Default)]
struct HeldCounts {
    /// Users that the last full read missed, because most were missing.
    users: u64,
    /// Users that a group of some scope lost, because it lost most.
    scope: u64,
}

/// When to step again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pause {
    /// At once.
    None,
    /// Not before this, unless triggered.
    Until(Timestamp),
}

/// The detection of one tenant under one epoch of its lease.
pub(crate) struct Tenant {
    pub(crate) name: TenantName,
    pub(crate) source: Arc<dyn Source>,
    pub(crate) store: Store,
    pub(crate) bus: Bus,
    pub(crate) repeated: Arc<RepeatedFacts>,
    pub(crate) fence: Fence,
    pub(crate) metrics: Metrics,
    pub(crate) intervals: Intervals,
    pub(crate) spec: DetectionSpec,
    pub(crate) sync_state: SyncState,
    closure: Closure,
    facts: FactsReading,
    /// The request beside the cycles.
    background: Background,
    cycle: CycleReading,
    full: FullReading,
    failures: Failures,
    /// The listings of the members of groups of scopes.
    listings: Listings,
    held: HeldCounts,
    /// Whether the store may hold pending work.
    is_pending: bool,
    publication: Publication,
    republishing: Republishing,
    /// Where the projection for a new configuration goes on; none when all rows are projected for it.
    reproject_after: Option<String>,
    /// The revision of the configuration that all users are projected for; 0 where that is not known yet.
    taken_up: u64,
}

impl Tenant {
    /// Takes up a tenant where its store says it stands.
    pub(crate) async fn load(
        name: TenantName,
        source: Arc<dyn Source>,
        (store, bus, repeated): (Store, Bus, Arc<RepeatedFacts>),
        fence: Fence,
        (intervals, metrics): (Intervals, Metrics),
        spec: DetectionSpec,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let mut tx = store.begin().await?;
        let mut sync_state = sync_state::load(&mut tx, &name).await?;
        let under_way = listing::load(&mut tx, &name).await?;
        drop(tx);
        if sync_state.began == Timestamp(0) {
            sync_state.began = now;
        }
        let publisher = Publisher { bus: bus.clone(), fence: fence.clone(), tenant: name.clone(), repeated: repeated.clone() };
        rebuild(&publisher, &mut sync_state, now).await?;
        let mut tenant = Self {
            name,
            source,
            store,
            bus,
            repeated,
            fence,
            metrics,
            intervals,
            spec: DetectionSpec::empty(spec.revision),
            closure: Closure::default(),
            facts: FactsReading::default(),
            background: Background::default(),
            cycle: CycleReading::default(),
            full: FullReading::new(&sync_state),
            failures: Failures::default(),
            listings: Listings::new(under_way),
            held: HeldCounts { users: sync_state.missing, scope: 0 },
            is_pending: true,
            sync_state,
            publication: Publication::default(),
            republishing: Republishing::default(),
            reproject_after: None,
            taken_up: 0,
        };
        tenant.apply_spec(spec, now).await?;
        Ok(tenant)
    }

    /// Takes a new order from the configuration.
    pub(crate) async fn apply_spec(&mut self, spec: DetectionSpec, now: Timestamp) -> Result<(), Error> {
        if spec.users != self.spec.users {
            self.reproject_after = Some(String::new());
            // A user whose projection differs from now on may owe it to the order.
            self.full.is_counting = false;
            self.renew_facts();
            if let Some((_, projection)) = &spec.users {
                let mut tx = self.begin().await?;
                self.closure = Closure::new(&projection.groups, &membership::nestings(&mut tx, &self.name).await?);
                if self.sync_state.select(&projection.attributes, now) {
                    (self.full.paging, self.full.seen_counter) = (Paging::default(), SeenCounter::default());
                }
                sync_state::save(&mut tx, &self.name, &self.sync_state);
                tx.commit().await?;
            }
        }
        if spec.names != self.spec.names {
            self.renew_facts();
        }
        self.spec = spec;
        if self.reproject_after.is_none() || self.spec.users.is_none() {
            self.taken_up = self.spec.revision;
        }
        self.release_allowed().await
    }

    /// Releases users from groups that an administrator allows to lose them, or that no scope refers to any more.
    async fn release_allowed(&mut self) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        let referenced = |group: &GroupId| self.spec.users.as_ref().is_some_and(|(_, projection)| projection.groups.contains(group));
        let allowed = |group: &GroupId| self.spec.scopes.get(group).is_some_and(|scope| scope.allows_loss);
        for group in removal_guard::groups(&mut tx, &self.name).await? {
            if allowed(&group) || !referenced(&group) {
                removal_guard::release(&mut tx, &self.name, &group).await?;
                self.is_pending = true;
            }
        }
        self.held.scope = removal_guard::count(&mut tx, &self.name).await?;
        Ok(tx.commit().await?)
    }

    /// The revision of the configuration that all users are projected for; 0 where that is not known yet.
    pub(crate) fn revision(&self) -> u64 {
        self.taken_up
    }

    /// Asks for a cycle now.
    pub(crate) fn trigger(&mut self) {
        (self.cycle.is_triggered, self.republishing.is_triggered) = (true, true);
    }

    /// What keeps the tenant from being read to the end, by stable code, and when that is tried again. Where the full read under way reads
    /// what the projection adds, its failure counts too: until it ends, users are published only as they were before, or without access.
    pub(crate) fn condition(&self) -> Option<(&'static str, Timestamp)> {
        let full = self.failures.full.as_ref().filter(|_| !self.sync_state.is_incremental() || self.sync_state.widens());
        let void = self.failures.void.as_ref().filter(|failure| failure.is_lasting());
        let failure = self.failures.cycle.as_ref().filter(|failure| failure.is_lasting()).or(void);
        failure.or(full.filter(|failure| failure.is_lasting())).map(|failure| (failure.code, failure.next_try))
    }

    /// What keeps a full read from its end while cycles go on, by stable code.
    pub(crate) fn full_warning(&self) -> Option<String> {
        let failure = self.failures.full.as_ref().filter(|failure| self.sync_state.is_incremental() && failure.is_lasting());
        failure.map(|failure| format!("full_read_{}", failure.code))
    }

    /// Whether the published state is being republished.
    pub(crate) fn is_republishing(&self) -> bool {
        self.republishing.is_under_way
    }

    /// How many users are kept in though the directory does not show them there any more, by reason.
    pub(crate) fn held(&self) -> [(&'static str, u64); 2] {
        [("user_loss", self.held.users), ("scope_loss", self.held.scope)]
    }

    /// What needs a look and does not stop it, by stable code; empty where nothing does.
    pub(crate) fn warning(&self) -> &'static str {
        if self.listings.is_any_unreported { list_members::CODE } else { "" }
    }

    /// Whether users may be projected. The first publication waits until the names of groups are looked up, so that users are not published
    /// twice at the start, and until groups can be read: a user in an unreadable group must not be published as in none. So does the first
    /// one after a rebuild.
    fn can_project(&self) -> bool {
        if self.spec.users.is_none() {
            return false;
        }
        let DetectionSpec { names, .. } = &self.spec;
        let found = |name: &str| self.facts.published.resolved(name, names.revision);
        let waits = self.sync_state.is_initial() || self.sync_state.is_rebuilding();
        !waits || (self.facts.groups_readable && names.are_ready(self.sync_state.is_rebuilding(), found))
    }

    fn publisher(&self) -> Publisher {
        let (bus, fence, repeated) = (self.bus.clone(), self.fence.clone(), self.repeated.clone());
        Publisher { bus, fence, tenant: self.name.clone(), repeated }
    }

    async fn begin(&self) -> Result<Transaction, Error> {
        Ok(self.fence.begin().await?)
    }

    fn context(&self, now: Timestamp) -> Context<'_> {
        let (selected, source) = (&self.sync_state.selected, &self.source);
        let full = self.sync_state.full.as_ref().map(|full| &full.phase);
        let of = PageOf::Cycle { full, is_listing: self.listings.is_under_way() };
        Context { tenant: &self.name, full_cycle: self.sync_state.full_cycle, of, now, selected, source }
    }

    fn reprojection(&self, now: Timestamp) -> Option<Reprojection<'_>> {
        let (revision, projection) = self.spec.users.as_ref()?;
        Some(Reprojection {
            tenant: &self.name,
            source: &self.source,
            closure: &self.closure,
            revision: *revision,
            projection,
            reading: match &self.sync_state.full {
                _ if self.sync_state.is_initial() => Reading::Initial,
                Some(full) if full.phase.is_applying() => Reading::Full { adds_attributes: full.widens },
                Some(_) | None => Reading::Cycle,
            },
            full_cycle: self.sync_state.full_cycle,
            unverified_attributes: &self.sync_state.unverified_attributes,
            only_losses: self.sync_state.widens(),
            groups: Groups::Current,
            now,
        })
    }
}

#[cfg(test)]
mod tests;
