//! What the tests of a tenant's detection stand on: a scripted directory, a bus, a store, and a clock that is moved by hand.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use secrecy::ExposeSecret as _;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::time::Instant;
use xtsync_bus::{Bus, Embedded, Table};
use xtsync_contract::event;
use xtsync_contract::topic;
use xtsync_contract::{events, internal};
use xtsync_directory::{
    Cursor, Error as DirectoryError, GroupChange, Member, MemberChange, MemberKind, MemberPage, Next, Page, Rejected,
    Result as DirectoryResult, Source, Subscribe, Subscription, UserChange,
};
use xtsync_domain::delta::{Gone, Kind, UserDelta};
use xtsync_domain::extension::{DataType, Extension, Extensions};
use xtsync_domain::fact::{AccessPolicy, Fact, GroupState, Identity, TenantFact};
use xtsync_domain::resource::Projection;
use xtsync_domain::{Attributes, GroupId, TenantName, Timestamp, Value};
use xtsync_harness::{Postgres, unique};
use xtsync_kit::bus_fixture::ALONE;
use xtsync_runtime::clock::ManualClock;
use xtsync_store::{self as store, Fence, Store, lease, params, republish};

use crate::Inbox;
use crate::error::Error;
use crate::metrics::Metrics;
use crate::mirror;
use crate::names::Names;
use crate::publisher::Publisher;
use crate::scope::{Scope, Scopes};
use crate::subscriber::Subscriber;
use crate::tenant::tests::faulty_bus::FaultyBus;
use crate::tenant::{DetectionSpec, Intervals, Pause, Tenant};
use crate::trigger::Trigger;

const LEASE: &str = "detector/emea";
/// Rarer than anything else that a test waits for.
pub(super) const COMPARE: Duration = Duration::from_secs(1_000 * 60 * 60);
/// How long a deleted user stays known.
pub(super) const FORGET: Duration = Duration::from_secs(60 * 24 * 60 * 60);
/// How often a statement that reaches its time limit is tried again.
const RETRIES_MAX: usize = 20;
const TTL: Duration = Duration::from_secs(100_000_000);

pub(super) struct Fixture {
    folder: TempDir,
    store: String,
    clock: Arc<ManualClock>,
    bus: Bus,
    faulty_bus: Arc<FaultyBus>,
    published_deltas: Table,
    /// Whose keys were ended.
    pub(super) ended: Vec<String>,
    before: Vec<UserDelta>,
    pub(super) directory: Arc<Script>,
    spec: DetectionSpec,
    tenant: Tenant,
}

impl Fixture {
    pub(super) async fn new(attributes: &[&str], groups: &[&str]) -> Self {
        Self::with_projection(projection(attributes, groups)).await
    }

    pub(super) async fn unresolved(attributes: &[&str], name: &str) -> Self {
        let mut fixture = Self::with_projection(projection(attributes, &[])).await;
        fixture.names(Names { unresolved: [name.to_owned()].into(), ..written(1, &[name]) }).await;
        fixture
    }

    /// With its store in PostgreSQL.
    pub(super) async fn on_postgres(attributes: &[&str], groups: &[&str]) -> Self {
        let database = unique("detector").replace('-', "_");
        let store = Postgres::shared().await.unwrap().create_database(&database).await.unwrap();
        Self::stored(tempfile::tempdir().unwrap(), store, projection(attributes, groups)).await
    }

    /// As before, where no statement may take longer than 300 ms.
    pub(super) async fn on_limited_postgres(attributes: &[&str], groups: &[&str]) -> Self {
        let database = unique("detector").replace('-', "_");
        let store = Postgres::shared().await.unwrap().create_database(&database).await.unwrap();
        let store = format!("{store}?options[statement_timeout]=300ms");
        Self::stored(tempfile::tempdir().unwrap(), store, projection(attributes, groups)).await
    }

    pub(super) async fn with_projection(projection: Projection) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().display().to_string();
        Self::stored(folder, store, projection).await
    }

    /// With its users in several partitions.
    pub(super) async fn partitioned(attributes: &[&str], groups: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().display().to_string();
        Self::published_in(3, folder, store, projection(attributes, groups)).await
    }

    async fn stored(folder: TempDir, store: String, projection: Projection) -> Self {
        Self::published_in(1, folder, store, projection).await
    }

    async fn published_in(partitions: u32, folder: TempDir, store: String, projection: Projection) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp(1_000_000_000_000)));
        let faulty_bus = FaultyBus::new(Embedded::open(&folder.path().join("bus.sqlite"), clock.clone()).await.unwrap());
        let bus: Bus = Arc::<FaultyBus>::clone(&faulty_bus);
        bus.create(&[topic::USER_DELTAS.of(emea()).with_partitions(partitions)], ALONE).await.unwrap();
        let published_deltas = Table::open(&bus, vec![topic::USER_DELTAS.of(emea())]).await.unwrap();
        let directory = Arc::new(Script::default());
        let downstream = vec![topic::USER_DELTAS.of(emea())];
        let spec = DetectionSpec {
            revision: 1,
            users: Some((1, projection)),
            names: Names::default(),
            scopes: Scopes::new(),
            downstream,
            directory: None,
        };
        let tenant = load_tenant(&store, &clock, &bus, &directory, &spec).await;
        Self { folder, store, clock, bus, faulty_bus, published_deltas, ended: Vec::new(), before: Vec::new(), directory, spec, tenant }
    }

    /// One step, a moment later.
    pub(super) async fn step(&mut self) -> Result<Pause, Error> {
        self.clock.advance(Duration::from_millis(1));
        let now = self.now();
        let pause = self.tenant.step(now).await;
        if !matches!(pause, Err(Error::Store(_))) {
            self.directory.unused.lock().clear();
        }
        let pause = pause?;
        if self.tenant.is_asking() {
            // The next step uses the answer.
            let of_cycle = std::mem::take(&mut *self.directory.given.lock());
            self.tenant.answered().await;
            *self.directory.unused.lock() = std::mem::replace(&mut *self.directory.given.lock(), of_cycle);
            return Ok(Pause::None);
        }
        Ok(pause)
    }

    /// Publishes facts that say again what is known; returns their number.
    pub(super) async fn publish_repeated(&self) -> usize {
        self.tenant.repeated.publish(&self.bus, &self.tenant.store).await.unwrap()
    }

    /// Steps until the directory is asked what it does not answer (see [`Script::hold`]).
    pub(super) async fn steps_until_held(&mut self) {
        self.trigger();
        for _ in 0..100 {
            self.step_unanswered().await;
            if self.tenant.is_asking() {
                tokio::select! {
                    biased;
                    () = self.directory.is_held() => return,
                    () = self.tenant.answered() => {}
                }
            }
        }
        panic!("that is never asked");
    }

    /// One step, without what is asked beside the cycles being answered before the next.
    pub(super) async fn step_unanswered(&mut self) {
        self.clock.advance(Duration::from_millis(1));
        self.tenant.step(self.now()).await.unwrap();
    }

    /// Waits as after a failure, for as long as there is something to publish.
    pub(super) async fn wait_publishing(&mut self) {
        self.tenant.publish_until(Instant::now() + Duration::from_secs(60), &*self.clock).await;
    }

    pub(super) fn trigger(&mut self) {
        self.tenant.trigger();
    }

    /// As [`Self::run_cycle`], where that may take many pages.
    pub(super) async fn run_long_cycle(&mut self) -> Vec<UserDelta> {
        self.trigger();
        self.steps_within(5_000).await.unwrap();
        self.published().await
    }

    /// Steps until there is nothing more to do.
    pub(super) async fn steps(&mut self) -> Result<(), Error> {
        self.steps_within(1_000).await
    }

    /// As [`Self::step`]. A statement that reaches its time limit beside other work of the machine is tried again by a tenant that is loaded
    /// anew, as the service does; one that is too large for the limit fails each time.
    pub(super) async fn retried_step(&mut self) -> Result<Pause, Error> {
        for _ in 0..RETRIES_MAX {
            self.directory.given.lock().clear();
            match self.step().await {
                Err(Error::Store(store::Error::Unavailable(_))) => {
                    self.directory.give_again(&self.directory.given);
                    self.restart().await;
                }
                done => return done,
            }
        }
        self.step().await
    }

    async fn steps_within(&mut self, limit: usize) -> Result<(), Error> {
        for _ in 0..limit {
            if self.retried_step().await? != Pause::None {
                return Ok(());
            }
        }
        panic!("it does not come to rest");
    }

    /// Steps a whole cycle and until there is nothing more to do; returns what was published.
    pub(super) async fn run_cycle(&mut self) -> Vec<UserDelta> {
        self.trigger();
        self.steps().await.unwrap();
        self.published().await
    }

    /// As [`Self::run_cycle`], where the process is killed after every so many steps.
    pub(super) async fn run_cycle_killed(&mut self, every: usize) -> Vec<UserDelta> {
        self.trigger();
        for steps in 1..10_000 {
            if self.retried_step().await.unwrap() != Pause::None {
                return self.published().await;
            }
            if steps % every == 0 {
                self.restart().await;
            }
        }
        panic!("it does not come to rest");
    }

    /// The attributes that the mirror keeps of a user.
    pub(super) async fn stored_attributes(&self, user: &str) -> Vec<String> {
        let mut tx = self.tenant.store.begin().await.unwrap();
        let users = mirror::load(&mut tx, &emea(), &[user.into()]).await.unwrap();
        users[&user.into()].body.iter().map(|(name, _)| name.to_owned()).collect()
    }

    /// Waits a moment, as after a failure.
    pub(super) async fn pause(&mut self) {
        if self.tenant.pause_until(Instant::now() + Duration::from_millis(20), &*self.clock).await {
            self.tenant.use_answer(self.now()).await.unwrap();
        }
    }

    /// What needs a look.
    pub(super) fn warning(&self) -> &'static str {
        self.tenant.warning()
    }

    /// How many users are marked as perhaps not as they were published.
    pub(super) async fn dirty_users(&self) -> u64 {
        let row = self.tenant.store.fetch_one_opt("SELECT COUNT(*) AS users FROM user_ WHERE dirty = 1", vec![]).await.unwrap();
        row.unwrap().uint("users").unwrap()
    }

    /// Steps a cycle until something is published; returns that.
    pub(super) async fn first_published(&mut self) -> Vec<UserDelta> {
        self.trigger();
        loop {
            assert_eq!(self.step().await.unwrap(), Pause::None, "nothing was published");
            let deltas = self.published().await;
            if !deltas.is_empty() {
                return deltas;
            }
        }
    }

    /// Whether who takes what is published is far behind from now on.
    pub(super) fn fill(&self, is_full: bool) {
        self.faulty_bus.faults().full = if is_full { vec![topic::USER_DELTAS.of(emea())] } else { Vec::new() };
    }

    /// The reported progress: how many users wait to be published, and the last complete cycle, to operators and to all.
    pub(super) async fn progress(&self) -> (u64, u64, Option<u64>) {
        self.publish_repeated().await;
        let mut fresh = self.facts().await.into_iter().filter_map(|fact| match fact.fact {
            Fact::Freshness { round: cycle, .. } => Some(cycle),
            _ => None,
        });
        (self.tenant.lag(), self.tenant.published_cycle(), fresh.next_back())
    }

    /// Every fact that was published, in order within each key.
    pub(super) async fn facts(&self) -> Vec<TenantFact> {
        let mut table = Table::open(&self.bus, vec![topic::TENANT_FACTS.of(emea())]).await.unwrap();
        let mut facts = Vec::new();
        while !table.caught_up() {
            for record in table.next().await.unwrap() {
                let Some(value) = &record.value else { continue };
                let wire: events::TenantFact = event::decode(&record.headers, value).unwrap();
                facts.push(TenantFact::try_from(wire).unwrap());
            }
        }
        facts
    }

    /// What was published since this was last asked.
    pub(super) async fn published(&mut self) -> Vec<UserDelta> {
        let ends = self.bus.ends(&topic::USER_DELTAS.of(emea())).await.unwrap();
        let all: i64 = ends.iter().map(|ends| ends.high).sum();
        let mut deltas = Vec::new();
        while self.directory.records_read() < all {
            let records = self.published_deltas.next().await.unwrap();
            self.directory.add_records_read(records.len());
            let (ends, values): (Vec<_>, Vec<_>) = records.iter().partition(|record| record.value.is_none());
            self.ended.extend(ends.into_iter().map(|record| String::from_utf8(record.key.to_vec()).unwrap()));
            deltas.extend(values.into_iter().map(|record| {
                let wire: events::UserDelta = event::decode(&record.headers, record.value.as_ref().unwrap()).unwrap();
                UserDelta::try_from(wire).unwrap()
            }));
        }
        deltas
    }

    pub(super) fn advance_past_facts(&self) {
        self.later(Duration::from_secs(60));
    }

    pub(super) fn later(&self, time: Duration) {
        self.clock.advance(time);
    }

    /// The clock is set back.
    pub(super) fn earlier(&self, time: Duration) {
        self.clock.set(self.now().minus(time));
    }

    pub(super) async fn configure(&mut self, attributes: &[&str], groups: &[&str], revision: u64) {
        self.project(projection(attributes, groups), revision).await;
    }

    pub(super) async fn project(&mut self, projection: Projection, revision: u64) {
        let users = Some((revision, projection));
        self.spec = DetectionSpec { revision, users, names: Names::default(), ..self.spec.clone() };
        self.apply_spec().await;
    }

    /// The configuration writes these names of groups from now on.
    pub(super) async fn names(&mut self, names: Names) {
        self.spec.revision += 1;
        self.spec.names = names;
        self.apply_spec().await;
    }

    /// The groups' names on the bus, as a consumer reads them from the beginning: `name@resolution: ids`.
    pub(super) async fn resolved(&self) -> Vec<String> {
        let mut table = Table::open(&self.bus, vec![topic::TENANT_FACTS.of(emea())]).await.unwrap();
        let mut resolutions = BTreeMap::new();
        while !table.caught_up() {
            for record in table.next().await.unwrap() {
                let Some(value) = &record.value else {
                    resolutions.remove(&record.key);
                    continue;
                };
                let wire: events::TenantFact = event::decode(&record.headers, value).unwrap();
                if let Fact::GroupName { name, ids, resolution } = TenantFact::try_from(wire).unwrap().fact {
                    let ids: Vec<&str> = ids.iter().map(GroupId::as_str).collect();
                    resolutions.insert(record.key.clone(), format!("{name}@{resolution}: {}", ids.join(",")));
                }
            }
        }
        resolutions.into_values().collect()
    }

    /// An administrator says how a group counts, and nothing else.
    pub(super) async fn scope(&mut self, group: &str, scope: Scope) {
        self.spec.revision += 1;
        self.spec.scopes.insert(group.into(), scope);
        self.apply_spec().await;
    }

    /// An operator confirms that the tenant is this directory.
    pub(super) async fn confirm(&mut self, directory: &str) {
        self.spec.revision += 1;
        self.spec.directory = Some(directory.into());
        self.apply_spec().await;
    }

    /// Why nothing is read.
    pub(super) fn blocked(&self) -> &'static str {
        self.tenant.blocked()
    }

    async fn apply_spec(&mut self) {
        let now = self.now();
        self.tenant.apply_spec(self.spec.clone(), now).await.unwrap();
    }

    /// The users that the tenant keeps, in all and in groups.
    pub(super) fn held(&self) -> [u64; 2] {
        self.tenant.held().map(|(_, people)| people)
    }

    /// What keeps the tenant from being read to its end.
    pub(super) fn condition(&self) -> Option<&'static str> {
        self.tenant.condition().map(|(code, _)| code)
    }

    /// Whether users are being projected.
    pub(super) fn is_projecting(&self) -> bool {
        self.tenant.sync_state.phase == crate::sync_state::Phase::Projecting
    }

    /// The configuration that every user is published for.
    pub(super) fn revision(&self) -> u64 {
        self.tenant.revision()
    }

    /// How far the full read under way has come.
    pub(super) fn full_phase(&self) -> Option<crate::full::FullPhase> {
        self.tenant.sync_state.full.as_ref().map(|full| full.phase.clone())
    }

    /// Where the next cycle asks for users.
    pub(super) fn users_cursor(&self) -> Option<&str> {
        self.tenant.sync_state.users.as_ref().map(|cursor| cursor.0.as_str())
    }

    /// Steps one cycle to its end; what it publishes is in [`Self::published_before`].
    pub(super) async fn step_cycle(&mut self) {
        let cycle = self.tenant.sync_state.cycle;
        while self.tenant.sync_state.cycle == cycle {
            self.step().await.unwrap();
        }
        self.before = self.published().await;
    }

    /// What the last [`Self::step_cycle`] published.
    pub(super) fn published_before(&self) -> &[UserDelta] {
        &self.before
    }

    /// How many groups and members cycles reported beside the full read under way.
    pub(super) async fn reported(&self) -> u64 {
        let row = self.tenant.store.fetch_one_opt("SELECT COUNT(*) AS rows FROM reported", vec![]).await.unwrap();
        row.unwrap().uint("rows").unwrap()
    }

    /// The state of a group, as stored.
    pub(super) async fn group_state(&self, id: &str) -> i64 {
        let row = self.tenant.store.fetch_one_opt("SELECT state FROM group_ WHERE id = $1", params![id]).await.unwrap();
        row.unwrap().int("state").unwrap()
    }

    /// How many users are staged.
    pub(super) async fn staged(&self) -> u64 {
        let row = self.tenant.store.fetch_one_opt("SELECT COUNT(*) AS users FROM staged", vec![]).await.unwrap();
        row.unwrap().uint("users").unwrap()
    }

    /// How many users a comparison found that no delta query had reported.
    pub(super) fn missed_changes(&self) -> u64 {
        self.tenant.full.missed_changes
    }

    /// Leaves the store as a crash between version and publication leaves it: the newest versions are not noted as published.
    pub(super) async fn crash_before_mark_published(&mut self, user: &str) {
        self.run_cycle().await;
        let mut tx = self.tenant.store.begin().await.unwrap();
        tx.execute("UPDATE user_ SET published_version = published_version - 1 WHERE id = $1", params![user]).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// How often the published state is republished.
    pub(super) fn set_republish_interval(&mut self, every: Duration) {
        self.tenant.intervals.republish = every;
    }

    /// A full read is asked for.
    pub(super) async fn request_resync(&mut self) {
        let mut tx = self.tenant.store.begin().await.unwrap();
        crate::sync_state::request_resync(&mut tx, &emea(), self.now()).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Requests a republication.
    pub(super) async fn request_republish(&mut self) {
        let mut tx = self.tenant.store.begin().await.unwrap();
        republish::request(&mut tx, &emea(), self.now()).await.unwrap();
        tx.commit().await.unwrap();
        self.later(Duration::from_secs(1));
    }

    /// Loses the store; another process takes the tenant up on an empty one.
    pub(super) async fn lose_store(&mut self) {
        let folder = self.folder.path().join("another");
        std::fs::create_dir(&folder).unwrap();
        self.store = match self.store.starts_with("postgres") {
            true => Postgres::shared().await.unwrap().create_database(&unique("detector").replace('-', "_")).await.unwrap(),
            false => folder.display().to_string(),
        };
        self.restart().await;
    }

    /// Takes a backup of the users, or restores it and has another process take the tenant up.
    pub(super) async fn back_up(&mut self) {
        self.execute("CREATE TABLE backup AS SELECT * FROM user_").await;
    }

    pub(super) async fn restore(&mut self) {
        self.execute("DELETE FROM user_").await;
        self.execute("INSERT INTO user_ SELECT * FROM backup").await;
        self.restart().await;
    }

    async fn execute(&self, sql: &'static str) {
        let mut tx = self.tenant.store.begin().await.unwrap();
        tx.execute(sql, vec![]).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Another process takes the tenant up where the store says it stands.
    pub(super) async fn restart(&mut self) {
        self.directory.give_again(&self.directory.unused);
        self.tenant = load_tenant(&self.store, &self.clock, &self.bus, &self.directory, &self.spec).await;
    }

    /// The dead letters.
    pub(super) async fn dead_letters(&self) -> Vec<internal::DeadLetter> {
        let mut table = Table::open(&self.bus, vec![topic::DEAD_LETTERS.topic()]).await.unwrap();
        let records = table.next().await.unwrap();
        records.iter().map(|record| event::decode(&record.headers, record.value.as_ref().unwrap()).unwrap()).collect()
    }

    /// What keeps the tenant's subscriptions, under the lease as it is.
    pub(super) fn subscriber(&self, url: Option<&str>) -> Subscriber {
        Subscriber {
            name: emea(),
            source: self.directory.clone(),
            fence: self.tenant.fence.clone(),
            trigger: Trigger::default(),
            metrics: Metrics::new(),
            warning: watch::Sender::new(String::new()),
            url: url.map(|url| url.parse().unwrap()),
            not_before: Timestamp(0),
        }
    }

    /// The store.
    pub(super) fn store(&self) -> Store {
        self.tenant.store.clone()
    }

    pub(super) fn is_on_postgres(&self) -> bool {
        self.store.starts_with("postgres:")
    }

    /// Where another replica of this store takes notifications in.
    pub(super) fn inbox(&self, trigger: &Trigger) -> Inbox {
        let inbox = Inbox::new(trigger.clone());
        inbox.attach(self.tenant.store.clone(), Metrics::new());
        inbox
    }

    pub(super) fn now(&self) -> Timestamp {
        xtsync_runtime::clock::Clock::now(&*self.clock)
    }

    /// What publishes under the lease as it is.
    pub(super) fn publisher(&self) -> Publisher {
        self.tenant.publisher()
    }

    /// Another replica takes the lease.
    pub(super) async fn take_lease_away(&self) {
        lease::release(&self.tenant.store, LEASE, self.tenant.fence.epoch()).await.unwrap();
        lease::acquire(&self.tenant.store, LEASE, "another", Duration::ZERO).await.unwrap().unwrap();
    }
}

async fn load_tenant(url: &str, clock: &Arc<ManualClock>, bus: &Bus, directory: &Arc<Script>, spec: &DetectionSpec) -> Tenant {
    let options = store::Options { url: url.to_owned(), service: "detector", migrations: crate::service::MIGRATIONS, clock: clock.clone() };
    let store = Store::open(options).await.unwrap();
    let epoch = lease::acquire(&store, LEASE, "test", TTL).await.unwrap().unwrap();
    let fence = Fence::new(store.clone(), LEASE, epoch);
    let intervals = Intervals {
        cycles: Duration::from_secs(30),
        facts: Duration::from_secs(20),
        compare: COMPARE,
        republish: Duration::ZERO,
        forget: FORGET,
    };
    let source: Arc<dyn Source> = directory.clone();
    let now = xtsync_runtime::clock::Clock::now(&**clock);
    Tenant::load(emea(), source, (store, bus.clone(), Arc::default()), fence, (intervals, Metrics::new()), spec.clone(), now).await.unwrap()
}

pub(super) fn emea() -> TenantName {
    TenantName::new("emea").unwrap()
}

/// Everyone is in some scope: what becomes of others is tested apart.
fn projection(attributes: &[&str], groups: &[&str]) -> Projection {
    Projection { everyone: true, ..scoped(attributes, groups, &[]) }
}

/// Only members of these groups are in some scope, and through other groups only those of some.
pub(super) fn scoped(attributes: &[&str], groups: &[&str], nested: &[&str]) -> Projection {
    let ids = |ids: &[&str]| ids.iter().map(|id| GroupId::from(*id)).collect();
    let attributes = attributes.iter().map(|name| (*name).to_owned()).collect();
    Projection { attributes, groups: ids(groups), nested: ids(nested), ..Projection::default() }
}

/// Names of groups that a revision writes.
pub(super) fn written(revision: u64, names: &[&str]) -> Names {
    Names { revision, all: names.iter().map(|name| (*name).to_owned()).collect(), ..Names::default() }
}

pub(super) fn changed(id: &str, attributes: &[(&'static str, &str)]) -> UserChange {
    UserChange::Changed { id: id.into(), attributes: attributes.iter().map(|(name, value)| (*name, Value::from(*value))).collect() }
}

pub(super) fn gone(id: &str, how: Gone) -> UserChange {
    UserChange::Gone { id: id.into(), how }
}

/// Members that joined a group; `group:x` is a group.
pub(super) fn joined(group: &str, members: &[&str]) -> GroupChange {
    let member = |id: &&str| match id.strip_prefix("group:") {
        Some(id) => Member { id: id.to_owned(), kind: MemberKind::Group },
        None => Member { id: (*id).to_owned(), kind: MemberKind::User },
    };
    let members = members.iter().map(member).map(MemberChange::Joined).collect();
    GroupChange::Changed { id: group.into(), name: None, members }
}

pub(super) fn left(group: &str, members: &[&str]) -> GroupChange {
    let members = members.iter().map(|id| MemberChange::Left { id: (*id).to_owned() }).collect();
    GroupChange::Changed { id: group.into(), name: None, members }
}

/// Both in one object, in this order.
pub(super) fn both(first: GroupChange, then: GroupChange) -> GroupChange {
    match (first, then) {
        (GroupChange::Changed { id, name, members }, GroupChange::Changed { members: more, .. }) => {
            GroupChange::Changed { id, name, members: [members, more].concat() }
        }
        (_, then) => then,
    }
}

/// What the directory answers to the next question for users or groups.
#[derive(Clone)]
pub(super) enum Answer {
    Fail(DirectoryError),
    Groups(Vec<GroupChange>),
    Users(Vec<UserChange>),
    /// There is another page after this one.
    PageOfGroups(Vec<GroupChange>),
    /// There is another page after this one.
    PageOfUsers(Vec<UserChange>),
    /// One object makes no sense.
    UsersBut(Vec<UserChange>, Rejected),
}

/// A directory that gives scripted answers, and "nothing changed" otherwise.
#[derive(Default)]
pub(super) struct Script {
    answers: Mutex<VecDeque<Answer>>,
    /// The answers given in the step under way, each with whether it was to a full read.
    given: Mutex<Vec<(bool, Answer)>>,
    /// The answers given beside the cycles that are not used yet.
    unused: Mutex<Vec<(bool, Answer)>>,
    /// Answers to full reads, where a tenant was read before; they follow cursors of their own.
    full: Mutex<VecDeque<Answer>>,
    rules: Mutex<Rules>,
    /// Pages of users that full reads asked for after the first one; and pages that were asked for at all.
    full_pages: Mutex<usize>,
    pages: Mutex<usize>,
    states: Mutex<HashMap<GroupId, GroupState>>,
    count: Mutex<Option<u64>>,
    identity: Mutex<Option<String>>,
    extensions: Mutex<Extensions>,
    records_read: Mutex<i64>,
    full_reads: Mutex<u32>,
    requests: Mutex<Vec<String>>,
    client_states: Mutex<Vec<String>>,
    members: Mutex<HashMap<GroupId, Vec<String>>>,
    listed_pages: Mutex<usize>,
    named: Mutex<HashMap<String, Result<Vec<GroupId>, String>>>,
    /// What is not answered for now, and whether it was asked.
    held: watch::Sender<(&'static str, bool)>,
}

/// What holds whatever is asked.
#[derive(Default)]
struct Rules {
    endless: bool,
    void_pages: bool,
    blocks_full_reads: bool,
    unselectable: Option<DirectoryError>,
    refused: Option<DirectoryError>,
    throttled_listings: BTreeSet<GroupId>,
    refuses_policy: bool,
    refuses_extensions: bool,
    throttles_cycles: bool,
}

/// How many members a page of a listing has.
pub(super) const LISTED_PAGE: usize = 999;

/// The cursor of a first reading, and of every later one but those of full reads.
const NEXT: &str = "next";

impl Script {
    /// Listings of this group's members are throttled for a second each, or not any more.
    pub(super) fn throttle_listing(&self, group: &str, is_throttled: bool) {
        let groups = &mut self.rules.lock().throttled_listings;
        let _ = if is_throttled { groups.insert(group.into()) } else { groups.remove(&GroupId::from(group)) };
    }

    /// The access policy is refused, or not any more.
    pub(super) fn refuse_policy(&self, is_refused: bool) {
        self.rules.lock().refuses_policy = is_refused;
    }

    /// Cycles are throttled for 20 seconds each time, or not any more.
    pub(super) fn throttle_cycles(&self, is_throttled: bool) {
        self.rules.lock().throttles_cycles = is_throttled;
    }

    /// This request is not answered for now; none of a cycle's.
    pub(super) fn hold(&self, request: &'static str) {
        self.held.send_replace((request, false));
    }

    /// Until a request came that is not answered.
    async fn is_held(&self) {
        self.held.subscribe().wait_for(|(_, is_held)| *is_held).await.unwrap();
    }

    /// Until this request is answered.
    async fn unheld(&self, request: &'static str) {
        self.held.send_if_modified(|held| held.0 == request && !std::mem::replace(&mut held.1, true));
        self.held.subscribe().wait_for(|(held, _)| *held != request).await.unwrap();
    }

    /// Every page of users has another one after it, with another link.
    pub(super) fn users_without_end(&self, endless: bool) {
        self.rules.lock().endless = endless;
    }

    /// Every second page of a full read declares its cursor void.
    pub(super) fn void_pages(&self, void: bool) {
        self.rules.lock().void_pages = void;
    }

    /// Full reads are not answered.
    pub(super) fn block_full_reads(&self) {
        self.rules.lock().blocks_full_reads = true;
    }

    pub(super) fn unblock_full_reads(&self) {
        self.rules.lock().blocks_full_reads = false;
    }

    /// What full reads ask of users is refused.
    pub(super) fn refuse_selection(&self, error: Option<DirectoryError>) {
        self.rules.lock().unselectable = error;
    }

    /// Cursors that were given before are refused.
    pub(super) fn refuse_cursors(&self, error: Option<DirectoryError>) {
        self.rules.lock().refused = error;
    }

    pub(super) fn full_pages(&self) -> usize {
        *self.full_pages.lock()
    }

    pub(super) fn requested_pages(&self) -> usize {
        *self.pages.lock()
    }

    /// Applies the scripted faults to a request; returns whether it belongs to a full read.
    fn question(&self, cursor: Option<&Cursor>) -> DirectoryResult<bool> {
        let is_full = cursor.is_none_or(|cursor| cursor.0.starts_with("full"));
        let rules = self.rules.lock();
        if !is_full && rules.throttles_cycles {
            return Err(DirectoryError::Throttled { wait: Duration::from_secs(20) });
        }
        if is_full && rules.blocks_full_reads {
            return Err(DirectoryError::Unavailable { reason: "held".to_owned() });
        }
        *self.pages.lock() += 1;
        if is_full && cursor.is_some() && rules.void_pages {
            return Err(DirectoryError::Resync);
        }
        match &rules.refused {
            Some(error) if cursor.is_some_and(|cursor| cursor.0 == NEXT) => Err(error.clone()),
            Some(_) | None => Ok(is_full),
        }
    }

    fn another_page<T>(&self, is_full: bool, changes: Vec<T>) -> Page<T> {
        let link = format!("{}page-{}", if is_full { "full-" } else { "" }, self.requested_pages());
        Page { next: Next::Page(Cursor(link)), ..complete(false, changes) }
    }

    pub(super) fn full_read_in_pages(&self, groups: Vec<GroupChange>, users: Vec<Vec<UserChange>>) {
        self.count(users.iter().flatten().count() as u64);
        let mut full = self.full.lock();
        full.push_back(Answer::Groups(groups));
        let last = users.len() - 1;
        full.extend(
            users.into_iter().enumerate().map(|(at, users)| if at < last { Answer::PageOfUsers(users) } else { Answer::Users(users) }),
        );
    }

    /// Full reads get these answers, page by page.
    pub(super) fn full_pages_of(&self, answers: Vec<Answer>, count: u64) {
        self.count(count);
        self.full.lock().extend(answers);
    }

    pub(super) fn answer(&self, answer: Answer) {
        self.answers.lock().push_front(answer);
    }

    pub(super) fn fail(&self, error: DirectoryError) {
        self.answers.lock().push_back(Answer::Fail(error));
    }

    pub(super) fn answer_last(&self, answer: Answer) {
        self.answers.lock().push_back(answer);
    }

    pub(super) fn groups(&self, changes: Vec<GroupChange>) {
        self.answers.lock().push_back(Answer::Groups(changes));
    }

    pub(super) fn users(&self, changes: Vec<UserChange>) {
        self.answers.lock().push_back(Answer::Users(changes));
    }

    pub(super) fn page_of_users(&self, changes: Vec<UserChange>) {
        self.answers.lock().push_back(Answer::PageOfUsers(changes));
    }

    pub(super) fn users_but(&self, changes: Vec<UserChange>, rejected: Rejected) {
        self.answers.lock().push_back(Answer::UsersBut(changes, rejected));
    }

    /// How often everything was read so far.
    pub(super) fn full_reads(&self) -> u32 {
        *self.full_reads.lock()
    }

    pub(super) fn full_read(&self, groups: Vec<GroupChange>, users: Vec<UserChange>) {
        self.count(users.len() as u64);
        let mut answers = if self.full_reads() == 0 { self.answers.lock() } else { self.full.lock() };
        answers.push_back(Answer::Groups(groups));
        answers.push_back(Answer::Users(users));
    }

    pub(super) fn state(&self, group: &str, state: GroupState) {
        self.states.lock().insert(group.into(), state);
    }

    /// These groups bear a name from now on.
    pub(super) fn named(&self, name: &str, ids: &[&str]) {
        self.named.lock().insert(name.to_owned(), Ok(ids.iter().map(|id| GroupId::from(*id)).collect()));
    }

    /// The directory can make no sense of a name.
    pub(super) fn refuse(&self, name: &str) {
        self.named.lock().insert(name.to_owned(), Err("no name".to_owned()));
    }

    /// Its users have these directory extensions of one text from now on.
    pub(super) fn set_extensions(&self, names: &[&str]) {
        let extension = Extension { data_type: DataType::String, is_multi_valued: false };
        *self.extensions.lock() = Extensions(names.iter().map(|name| ((*name).to_owned(), extension)).collect());
    }

    /// Whether it may not be asked for them.
    pub(super) fn refuse_extensions(&self, is_refused: bool) {
        self.rules.lock().refuses_extensions = is_refused;
    }

    /// Its domain leads to another directory from now on.
    pub(super) fn set_identity(&self, directory: &str) {
        *self.identity.lock() = Some(directory.to_owned());
    }

    pub(super) fn count(&self, count: u64) {
        *self.count.lock() = Some(count);
    }

    /// The members that a group lists from now on; one that was never given lists none and is no group.
    pub(super) fn members(&self, group: &str, members: &[&str]) {
        self.members.lock().insert(group.into(), members.iter().map(|id| (*id).to_owned()).collect());
    }

    /// How many pages of members were listed.
    pub(super) fn listed_pages(&self) -> usize {
        *self.listed_pages.lock()
    }

    /// What was asked about subscriptions since this was last called.
    pub(super) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.requests.lock())
    }

    /// The client states it was given, one a subscription.
    pub(super) fn client_states(&self) -> Vec<String> {
        self.client_states.lock().clone()
    }

    /// A question about subscriptions; one that is to fail fails it.
    fn request(&self, question: String) -> DirectoryResult<()> {
        self.requests.lock().push(question);
        self.next(false, |_| false).map(drop)
    }

    fn records_read(&self) -> i64 {
        *self.records_read.lock()
    }

    fn add_records_read(&self, records: usize) {
        *self.records_read.lock() += i64::try_from(records).unwrap();
    }

    /// Gives answers once more, as a directory does for the same cursor.
    fn give_again(&self, given: &Mutex<Vec<(bool, Answer)>>) {
        for (is_of_full, answer) in given.lock().drain(..).rev() {
            let answers = if is_of_full { &self.full } else { &self.answers };
            answers.lock().push_front(answer);
        }
    }

    /// The next answer if it is one to this question; a failure answers any.
    fn next(&self, is_full: bool, is_mine: fn(&Answer) -> bool) -> DirectoryResult<Option<Answer>> {
        let full = self.full.lock();
        let is_of_full = is_full && !full.is_empty();
        let mut answers = if is_of_full { full } else { self.answers.lock() };
        match answers.pop_front() {
            Some(Answer::Fail(error)) => {
                self.given.lock().push((is_of_full, Answer::Fail(error.clone())));
                Err(error)
            }
            Some(answer) if is_mine(&answer) => {
                self.given.lock().push((is_of_full, answer.clone()));
                Ok(Some(answer))
            }
            Some(other) => {
                answers.push_front(other);
                Ok(None)
            }
            None => Ok(None),
        }
    }
}

fn complete<T>(is_fresh: bool, changes: Vec<T>) -> Page<T> {
    Page { changes, rejected: vec![], next: Next::Complete(Cursor(if is_fresh { "fresh" } else { NEXT }.to_owned())) }
}

#[async_trait]
impl Source for Script {
    async fn users(&self, _: &[String], cursor: Option<&Cursor>) -> DirectoryResult<Page<UserChange>> {
        let is_full = self.question(cursor)?;
        self.unheld(if is_full { "users" } else { "cycle" }).await;
        if let Some(error) = self.rules.lock().unselectable.clone().filter(|_| cursor.is_none()) {
            return Err(error);
        }
        if is_full && self.full_reads() > 1 {
            *self.full_pages.lock() += 1;
        }
        let is_fresh = is_full && self.full_reads() > 1 || cursor.is_some_and(|cursor| cursor.0 == "fresh");
        match self.next(is_full, |answer| matches!(answer, Answer::Users(_) | Answer::PageOfUsers(_) | Answer::UsersBut(..)))? {
            Some(Answer::Users(changes)) => Ok(complete(is_fresh, changes)),
            Some(Answer::UsersBut(changes, rejected)) => Ok(Page { rejected: vec![rejected], ..complete(is_fresh, changes) }),
            Some(Answer::PageOfUsers(changes)) => Ok(self.another_page(is_full, changes)),
            _ if self.rules.lock().endless || (is_full && cursor.is_none() && self.rules.lock().void_pages) => {
                Ok(self.another_page(is_full, vec![changed("ana", &[("city", "Paris")])]))
            }
            _ => Ok(complete(is_fresh, vec![])),
        }
    }

    async fn groups(&self, cursor: Option<&Cursor>) -> DirectoryResult<Page<GroupChange>> {
        let is_full = self.question(cursor)?;
        self.unheld(if is_full { "groups" } else { "cycle" }).await;
        if cursor.is_none() {
            *self.full_reads.lock() += 1;
        }
        let is_fresh = is_full && self.full_reads() > 1 || cursor.is_some_and(|cursor| cursor.0 == "fresh");
        match self.next(is_full, |answer| matches!(answer, Answer::Groups(_) | Answer::PageOfGroups(_)))? {
            Some(Answer::Groups(changes)) => Ok(complete(is_fresh, changes)),
            Some(Answer::PageOfGroups(changes)) => Ok(self.another_page(is_full, changes)),
            _ => Ok(complete(is_fresh, vec![])),
        }
    }

    fn needs(&self, attribute: &str) -> bool {
        attribute == "kind"
    }

    async fn members(&self, group: &GroupId, cursor: Option<&Cursor>) -> DirectoryResult<MemberPage> {
        self.unheld("members").await;
        if self.rules.lock().throttled_listings.contains(group) {
            return Err(DirectoryError::Throttled { wait: Duration::from_secs(1) });
        }
        let members = self.members.lock().get(group).cloned().ok_or(DirectoryError::NotFound)?;
        *self.listed_pages.lock() += 1;
        let from: usize = cursor.map_or(0, |cursor| cursor.0.parse().unwrap());
        let member = |id: &String| match id.strip_prefix("group:") {
            Some(id) => Member { id: id.to_owned(), kind: MemberKind::Group },
            None => Member { id: id.clone(), kind: MemberKind::User },
        };
        let to = members.len().min(from + LISTED_PAGE);
        let next = (to < members.len()).then(|| Cursor(to.to_string()));
        Ok(MemberPage { members: members[from..to].iter().map(member).collect(), next })
    }

    async fn find_groups(&self, name: &str) -> DirectoryResult<Vec<GroupId>> {
        match self.named.lock().get(name) {
            Some(found) => found.clone().map_err(|reason| DirectoryError::Malformed { reason }),
            None => Ok(vec![]),
        }
    }

    async fn group(&self, id: &GroupId) -> DirectoryResult<(Option<String>, GroupState)> {
        self.unheld("group").await;
        Ok((None, self.states.lock().get(id).copied().unwrap_or(GroupState::Present)))
    }

    async fn user_count(&self) -> DirectoryResult<u64> {
        self.unheld("user_count").await;
        Ok(self.count.lock().unwrap_or(0))
    }

    async fn access_policy(&self) -> DirectoryResult<AccessPolicy> {
        self.unheld("access_policy").await;
        if self.rules.lock().refuses_policy {
            return Err(DirectoryError::Forbidden { code: "Authorization_RequestDenied".into() });
        }
        Ok(AccessPolicy::default())
    }

    async fn extensions(&self) -> DirectoryResult<Extensions> {
        if self.rules.lock().refuses_extensions {
            return Err(DirectoryError::Forbidden { code: "Authorization_RequestDenied".into() });
        }
        Ok(self.extensions.lock().clone())
    }

    async fn identity(&self) -> DirectoryResult<Identity> {
        let directory = self.identity.lock().clone().unwrap_or_else(|| "emea".to_owned());
        Ok(Identity { directory_id: directory.into(), verified_domains: vec![], default_domain: None })
    }

    async fn subscribe(&self, asked: &Subscribe) -> DirectoryResult<Subscription> {
        self.request(format!("subscribe {:?} {}", asked.of, asked.url))?;
        let mut states = self.client_states.lock();
        states.push(asked.client_state.expose_secret().to_owned());
        Ok(Subscription { id: format!("s{}", states.len()), expires: asked.until })
    }

    async fn renew(&self, id: &str, until: Timestamp) -> DirectoryResult<Timestamp> {
        self.request(format!("renew {id}"))?;
        Ok(until)
    }

    async fn unsubscribe(&self, id: &str) -> DirectoryResult<()> {
        self.request(format!("unsubscribe {id}"))
    }

    fn kind(&self, attributes: &Attributes) -> Kind {
        match attributes.text("kind") {
            Some("external") => Kind::External,
            Some(_) | None => Kind::Internal,
        }
    }
}
