//! A provisioner on an embedded bus and a store of either kind, between two tenants: `emea` synchronizes into `hub`.

#![allow(clippy::unwrap_used, dead_code, reason = "in a test a panic is the report; each test file uses a part of the bed")]

#[path = "../../../../crates/platform/tests/bus/rigged.rs"]
pub(crate) mod rigged;
pub(crate) mod target;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;
use xtsync_directory::Target;
use xtsync_domain::decision::{Departure, Desired, Present};
use xtsync_domain::fact::{AccessPolicy, Fact, Identity, Partner, Redemption};
use xtsync_domain::resource::{Id, Kind, Resource, Spec};
use xtsync_domain::{Attributes, Configuration, Decision, Origin, TenantFact, TenantName, Timestamp, Version};
use xtsync_harness::{Dir, Postgres, unique};
use xtsync_platform::bus::{Bus, Embedded, Outgoing, Partition, Table, Urgency};
use xtsync_platform::clock::{Clock as _, ManualClock, SystemClock};
use xtsync_platform::health::{Health, Question};
use xtsync_platform::params;
use xtsync_platform::service::{Parts, Role};
use xtsync_platform::store::{Options, Param, Store, Transaction, lock_offsets};
use xtsync_proto::convert::{LinkRecord, wire_time};
use xtsync_proto::event::{self, Typed};
use xtsync_proto::topic::{Topic, link_key};
use xtsync_proto::v1;
use xtsync_proto::v1::command::Action;
use xtsync_provisioner::{Config, Provisioner, build};

use self::rigged::Rigged;
use self::target::Fake;

/// How long anything may take that is waited for.
const DEADLINE: Duration = Duration::from_secs(20);

/// How long a link that is over stays known.
pub(crate) const FORGET: Duration = Duration::from_secs(20 * 24 * 60 * 60);

/// In how many steps time passes.
const STEPS: u32 = 6;

/// Time enough for the embedded bus to say what it has.
const NEWS: Duration = Duration::from_millis(50);

/// Where the store is.
pub(crate) enum Place {
    /// A file of its own.
    Sqlite,
    /// A database of its own on a server that all tests of a file share.
    Postgres,
}

impl Place {
    /// Somewhere without a store yet.
    async fn fresh(&self, dir: &Dir) -> String {
        match self {
            Self::Sqlite => {
                let folder = dir.join(&unique("store"));
                std::fs::create_dir(&folder).unwrap();
                folder.to_str().unwrap().to_owned()
            }
            Self::Postgres => {
                let postgres = Postgres::shared().await.unwrap();
                postgres.create_database(&unique("provisioner").replace('-', "_")).await.unwrap()
            }
        }
    }
}

/// The bed. Its provisioner can be killed and started again.
pub(crate) struct Bed {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) fake: Arc<Fake>,
    pub(crate) bus: Bus,
    pub(crate) rigged: Arc<Rigged>,
    pub(crate) health: Health,
    pub(crate) provisioner: Arc<Provisioner>,
    configuration: watch::Sender<Arc<Configuration>>,
    connector: Arc<dyn Target>,
    place: Place,
    store: String,
    dir: Dir,
    delta: AtomicU64,
    sources: Mutex<Vec<&'static str>>,
    /// Facts said so far, and how many of them the provisioner has heard.
    said: AtomicUsize,
    heard: AtomicUsize,
}

pub(crate) fn tenant(name: &str) -> TenantName {
    TenantName::new(name).unwrap()
}

/// Wanted with a city, so that something can change.
pub(crate) fn present(user: &str, city: &str, enabled: bool) -> Desired {
    Desired::Present(Present {
        enabled,
        address: address(user),
        attributes: [("city", city.into()), ("displayName", user.into())].into_iter().collect(),
        on_create: [("userType", "Member".into())].into_iter().collect(),
    })
}

/// The same with an address of another source.
pub(crate) fn present_in(source: &str, user: &str) -> Desired {
    match present(user, "Paris", true) {
        Desired::Present(present) => Desired::Present(Present { address: format!("{user}@{source}.example"), ..present }),
        other => other,
    }
}

pub(crate) fn address(user: &str) -> String {
    format!("{user}@emea.example")
}

pub(crate) fn gone() -> Desired {
    Desired::Gone(Departure::Deleted)
}

pub(crate) fn out_of_scope(settle: Duration) -> Desired {
    Desired::Gone(Departure::OutOfScope { settle_ms: u64::try_from(settle.as_millis()).unwrap(), blocked: false })
}

fn config(store: &str) -> Config {
    // A lease that outlives what tests do with their clock, and is looked for often.
    Config { lease_ttl: FORGET + Duration::from_secs(10 * 24 * 60 * 60), forget: FORGET, ..Config::new(store) }
}

impl Bed {
    /// Two tenants that agree, and a provisioner that knows it and owns `hub`.
    pub(crate) async fn new(place: Place) -> Self {
        let bed = Self::closed(place, "enforce").await;
        bed.agree(true).await;
        bed.all_facts().await;
        bed
    }

    /// Two tenants of which nothing is known yet.
    pub(crate) async fn closed(place: Place, mode: &str) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::parse("2026-11-21T08:00:00Z").unwrap()));
        let fake = Fake::new(clock.clone());
        Self::between(place, mode, clock, fake.clone(), fake).await
    }

    /// Two tenants that agree, of which the target is reached through a connector and lives by the machine's clock.
    pub(crate) async fn through(connector: Arc<dyn Target>) -> Self {
        let clock = Arc::new(ManualClock::at(SystemClock.now()));
        let fake = Fake::new(clock.clone());
        let bed = Self::between(Place::Sqlite, "enforce", clock, fake, connector).await;
        bed.agree(true).await;
        bed.all_facts().await;
        bed
    }

    async fn between(place: Place, mode: &str, clock: Arc<ManualClock>, fake: Arc<Fake>, connector: Arc<dyn Target>) -> Self {
        let dir = Dir::new().unwrap();
        let store = place.fresh(&dir).await;
        let rigged = Rigged::new(Embedded::open(&dir.join("bus.sqlite"), clock.clone()).await.unwrap());
        let (bus, health) = (Arc::<Rigged>::clone(&rigged) as Bus, Health::new());
        let (configuration, seen) = watch::channel(Arc::new(configured(1, mode, "{}")));
        let provisioner = start(&store, &bus, &clock, seen, &connector, &health).await;
        own(&provisioner).await;
        Self {
            clock,
            fake,
            bus,
            rigged,
            health,
            provisioner: Arc::new(provisioner),
            configuration,
            connector,
            place,
            store,
            dir,
            delta: AtomicU64::new(0),
            sources: Mutex::new(vec!["emea"]),
            said: AtomicUsize::new(0),
            heard: AtomicUsize::new(0),
        }
    }

    /// Kills the provisioner as it is and starts it again, in a new epoch.
    pub(crate) async fn restart(&mut self) {
        let seen = self.configuration.subscribe();
        self.health = Health::new();
        self.provisioner = Arc::new(start(&self.store, &self.bus, &self.clock, seen, &self.connector, &self.health).await);
        own(&self.provisioner).await;
        self.heard.store(0, Ordering::SeqCst);
        self.all_facts().await;
    }

    /// Loses the store and starts the provisioner on an empty one.
    pub(crate) async fn lose_store(&mut self) {
        self.store = self.place.fresh(&self.dir).await;
        self.restart().await;
    }

    /// A second provisioner of the same name on the same store: from its first breath on the bed's own is a former one.
    pub(crate) async fn another(&self) -> Provisioner {
        self.another_on(&self.bus).await
    }

    /// The same on another bus.
    pub(crate) async fn another_on(&self, bus: &Bus) -> Provisioner {
        start(&self.store, bus, &self.clock, self.configuration.subscribe(), &self.connector, &Health::new()).await
    }

    /// Gives the lease of `hub` to somebody else, as when it ran out while we slept.
    pub(crate) async fn take_lease_away(&self) {
        let taken = self.amend("UPDATE lease SET owner = 'r2', epoch = epoch + 1 WHERE name = 'target/hub'").await;
        assert_eq!(taken, 1);
    }

    /// Another replica has taken in what follows in every partition that was read so far.
    pub(crate) async fn take_decisions_away(&self) {
        assert!(self.amend("UPDATE offset_ SET next = next + 10 WHERE topic LIKE '%decisions%'").await > 0);
    }

    /// The store is put back to before somebody came, but for the offsets.
    pub(crate) async fn forget(&self, user: &'static str) {
        let forgotten = self.amend_with("DELETE FROM link WHERE user_id = $1", params![user]).await;
        assert_eq!(forgotten, 1);
    }

    /// The store is put back to the middle of a rebuild.
    pub(crate) async fn interrupt_rebuild(&self) {
        assert_eq!(self.amend("UPDATE target_ SET whole = 0").await, 1);
    }

    /// Somebody writes a link's row who must not.
    pub(crate) async fn meddle(&self, user: &'static str) {
        assert_eq!(self.amend_with("UPDATE link SET edition = edition + 1 WHERE user_id = $1", params![user]).await, 1);
    }

    /// A store of one's own, beside the provisioner's.
    pub(crate) async fn beside(&self) -> Store {
        self.open().await
    }

    async fn amend(&self, sql: &'static str) -> u64 {
        self.amend_with(sql, Vec::new()).await
    }

    /// A transaction in which decisions are being taken in, on a store of its own.
    pub(crate) async fn taking_in(&self) -> (Store, Transaction) {
        let store = self.open().await;
        let mut tx = store.begin().await.unwrap();
        lock_offsets(&mut tx, Partition::all(&Topic::Decisions(tenant("hub"))).collect()).await.unwrap();
        (store, tx)
    }

    async fn open(&self) -> Store {
        let options = Options {
            url: self.store.clone(),
            service: "provisioner",
            migrations: xtsync_provisioner::MIGRATIONS,
            clock: self.clock.clone(),
        };
        Store::open(options).await.unwrap()
    }

    async fn amend_with(&self, sql: &'static str, params: Vec<Param>) -> u64 {
        let store = self.open().await;
        let mut tx = store.begin().await.unwrap();
        let rows = tx.execute(sql, params).await.unwrap();
        tx.commit().await.unwrap();
        store.close().await;
        rows
    }

    pub(crate) async fn configure(&self, mode: &str) {
        let revision = self.configuration.borrow().revision() + 1;
        self.configuration.send_replace(Arc::new(configured(revision, mode, "{}")));
        self.provisioner.facts_step(NEWS).await.unwrap();
    }

    /// An administrator says what becomes of users who come back with a new account.
    pub(crate) async fn rehire(&self, rule: &str) {
        let revision = self.configuration.borrow().revision() + 1;
        let more = format!(r#"{{}},"rehire":"{rule}""#);
        self.configuration.send_replace(Arc::new(configured(revision, "enforce", &more)));
        self.provisioner.facts_step(NEWS).await.unwrap();
    }

    /// A second source into `hub`, in the next revision, which agrees with it.
    pub(crate) async fn also_from(&self, source: &'static str) {
        let revision = self.configuration.borrow().revision() + 1;
        self.configuration.send_replace(Arc::new(configured_between(revision, "enforce", "{}", &["emea", source], &["hub"])));
        self.sources.lock().unwrap().push(source);
        self.provisioner.facts_step(NEWS).await.unwrap();
        self.agree(true).await;
        self.facts().await;
    }

    /// One source only, in the next revision.
    pub(crate) async fn only_from(&self, source: &'static str) {
        let revision = self.configuration.borrow().revision() + 1;
        self.configuration.send_replace(Arc::new(configured_between(revision, "enforce", "{}", &[source], &["hub"])));
        self.provisioner.facts_step(NEWS).await.unwrap();
    }

    /// An administrator sets the limits of the synchronization.
    pub(crate) async fn limit(&self, limits: &str) {
        let revision = self.configuration.borrow().revision() + 1;
        self.configuration.send_replace(Arc::new(configured(revision, "enforce", limits)));
        self.provisioner.facts_step(NEWS).await.unwrap();
    }

    /// Both tenants say what their policies are now.
    pub(crate) async fn agree(&self, allowed: bool) {
        let sources = self.sources.lock().unwrap().clone();
        for name in sources.iter().copied().chain(["hub"]) {
            let on = Redemption { inbound: Some(true), outbound: Some(true) };
            let partner = Partner { sync_allowed: Some(allowed), redemption: on };
            let others = sources.iter().copied().chain(["hub"]).filter(|other| *other != name);
            // The directory that a tenant becomes in some tests is agreed with like the one it was.
            let partners = others.map(|other| format!("{other}-id")).chain(["other".to_owned()]).map(|id| (id.into(), partner)).collect();
            self.say(name, Fact::AccessPolicy(AccessPolicy { default: Redemption::default(), partners })).await;
            let identity = Identity { directory_id: format!("{name}-id").into(), verified_domains: vec![format!("{name}.example")] };
            self.say(name, Fact::Identity(identity)).await;
        }
    }

    /// A tenant's domain leads to this directory.
    pub(crate) async fn identify(&self, name: &str, directory: &str) {
        self.say(name, Fact::Identity(Identity { directory_id: directory.into(), verified_domains: Vec::new() })).await;
        self.facts().await;
    }

    /// A revision in which directories are pinned to tenants.
    pub(crate) async fn pin(&self, pins: &[(&str, &str)]) {
        self.publish_pins(pins);
        self.provisioner.refresh().await;
        own(&self.provisioner).await;
        self.provisioner.facts_step(NEWS).await.unwrap();
    }

    /// The same revision, for which no worker is made anew yet.
    pub(crate) fn publish_pins(&self, pins: &[(&str, &str)]) {
        let revision = self.configuration.borrow().revision() + 1;
        let pinned =
            pins.iter().map(|(name, id)| resource(revision, Kind::Directory, Some(name), "directory", &format!(r#"{{"id":"{id}"}}"#)));
        let resources = resources(revision, "enforce", "{}", &["emea"], &["hub"]).into_iter().chain(pinned);
        self.configuration.send_replace(Arc::new(Configuration::new(revision, resources)));
    }

    async fn say(&self, name: &str, fact: Fact) {
        let key = fact.key();
        let fact = TenantFact { version: self.next(), read_at: self.clock.now(), fact };
        self.publish(Topic::TenantFacts(tenant(name)), &key, &v1::TenantFact::from(fact)).await;
        self.said.fetch_add(1, Ordering::SeqCst);
    }

    /// The same for a user of any source.
    pub(crate) async fn decide_from(&self, source: &str, user: &str, desired: Desired) {
        let version = Version { delta: self.next(), ..Version::default() };
        self.decision(source, user, desired, version, Origin::Live).await;
    }

    /// Policy decides; the version grows with each call, and is given back.
    pub(crate) async fn decide(&self, user: &str, desired: Desired) -> u64 {
        let delta = self.next();
        self.decide_as(user, desired, delta, Origin::Live).await;
        delta
    }

    pub(crate) async fn decide_as(&self, user: &str, desired: Desired, delta: u64, origin: Origin) {
        self.decision("emea", user, desired, Version { delta, ..Version::default() }, origin).await;
    }

    async fn decision(&self, source: &str, user: &str, desired: Desired, version: Version, origin: Origin) {
        let decision = Decision {
            source: tenant(source),
            user: user.into(),
            synchronization: "to-hub".into(),
            version,
            origin,
            first_seen: self.clock.now(),
            desired,
        };
        let key = link_key(&decision.source, &decision.user);
        self.publish(Topic::Decisions(tenant("hub")), &key, &v1::Decision::from(decision)).await;
    }

    pub(crate) async fn publish<M: prost::Message + Typed>(&self, topic: Topic, key: &str, message: &M) {
        self.publish_bytes::<M>(topic, key, message.encode_to_vec()).await;
    }

    /// The same with bytes that only pass for such a message.
    pub(crate) async fn publish_bytes<M: Typed>(&self, topic: Topic, key: &str, value: Vec<u8>) {
        self.put(Outgoing::event::<M>(Role::Policy, topic, key, 1, self.clock.now(), None, value)).await;
    }

    pub(crate) async fn put(&self, record: Outgoing) {
        self.bus.publish(vec![record], Urgency::Live).await.unwrap();
    }

    /// Takes in whatever decisions are there.
    pub(crate) async fn intake(&self) {
        let topic = Topic::Decisions(tenant("hub"));
        let high: i64 = self.bus.ends(&topic).await.unwrap().iter().map(|ends| ends.high).sum();
        let deadline = tokio::time::Instant::now() + DEADLINE;
        while self.provisioner.taken(&tenant("hub")).await.unwrap() < high {
            assert!(tokio::time::Instant::now() < deadline, "decisions are not taken in");
            self.provisioner.intake_step(NEWS).await.unwrap();
        }
    }

    /// Why it is not ready; empty when it is.
    pub(crate) fn trouble(&self) -> String {
        let answer = self.health.ask(Question::Ready);
        answer.lines.lines().filter(|line| line.starts_with("[-]")).collect()
    }

    /// A second target of the same people, in the next revision.
    pub(crate) fn add_target(&self, name: &str) {
        let before = self.configuration.borrow().clone();
        let revision = before.revision() + 1;
        self.configuration.send_replace(Arc::new(configured_for(revision, "enforce", "{}", &["hub", name])));
    }

    /// Takes in the first facts, and hears that there are no more: until then no tenant has a word.
    async fn all_facts(&self) {
        self.facts().await;
        self.provisioner.facts_step(NEWS).await.unwrap();
    }

    /// Takes in whatever facts are there.
    pub(crate) async fn facts(&self) {
        while self.heard.load(Ordering::SeqCst) < self.said.load(Ordering::SeqCst) {
            let heard = self.provisioner.facts_step(DEADLINE).await.unwrap();
            self.heard.fetch_add(heard, Ordering::SeqCst);
        }
    }

    /// Works until nothing is due; gives how many jobs that took.
    pub(crate) async fn work(&self) -> usize {
        self.provisioner.work_step(&tenant("hub")).await.unwrap()
    }

    /// Intake, work, publication.
    pub(crate) async fn settle(&self) {
        self.intake().await;
        self.work().await;
        self.provisioner.publish_step(&tenant("hub")).await.unwrap();
    }

    /// An administrator gives a command for `hub`.
    pub(crate) async fn command(&self, action: Action) {
        self.command_for("hub", "", action).await;
    }

    /// An administrator gives a command for a tenant and a user.
    pub(crate) async fn command_for(&self, tenant: &str, user: &str, action: Action) {
        let expires_at = Some(wire_time(self.clock.now().plus(DEADLINE)));
        let (target, link) = (tenant.to_owned(), user.to_owned());
        let command = v1::Command { id: "c1".to_owned(), target, link, expires_at, action: Some(action), ..Default::default() };
        self.publish(Topic::Commands, tenant, &command).await;
        // Once to be assigned the partitions, once for each record.
        for _ in 0..3 {
            self.provisioner.commands_step(NEWS).await.unwrap();
        }
    }

    /// How many records were published about each user's link, newest or not.
    pub(crate) async fn told(&self) -> BTreeMap<String, Vec<u64>> {
        let mut told = BTreeMap::<String, Vec<u64>>::new();
        for (_, link) in self.all::<v1::Link>(Topic::Links(tenant("hub"))).await {
            told.entry(link.user_id).or_default().push(link.link_version);
        }
        told
    }

    /// Why links wait behind the gate, and why nothing is done in the target.
    pub(crate) async fn held(&self) -> (BTreeMap<String, u64>, String) {
        let status = self.provisioner.status_step(&tenant("hub")).await.unwrap().unwrap();
        (status.held, status.blocked)
    }

    /// How many links the provisioner says are due.
    pub(crate) async fn due(&self) -> u64 {
        let status = self.provisioner.status_step(&tenant("hub")).await.unwrap().unwrap();
        assert!(status.leader);
        status.pending.values().sum()
    }

    /// Works through waits until nothing changes for a while of the clock's time.
    pub(crate) async fn outlast(&self, time: Duration) {
        self.settle().await;
        for _ in 0..STEPS {
            self.clock.advance(time / STEPS);
            self.agree(true).await;
            self.facts().await;
            self.settle().await;
        }
    }

    /// The newest record of each key on `links`, by user.
    pub(crate) async fn links(&self) -> Vec<LinkRecord> {
        let mut newest = BTreeMap::new();
        for (key, link) in self.all::<v1::Link>(Topic::Links(tenant("hub"))).await {
            newest.insert(key, LinkRecord::try_from(link).unwrap());
        }
        newest.into_values().collect()
    }

    /// Everything told, as `verb user` with the changed attributes.
    pub(crate) async fn outcomes(&self) -> Vec<String> {
        let say = |(_, outcome): (String, v1::Outcome)| {
            let verb = format!("{:?}", outcome.verb()).to_lowercase();
            let result = match outcome.result() {
                v1::Result::Done => String::new(),
                result => format!(" {} {}", format!("{result:?}").to_lowercase(), outcome.code),
            };
            let names: Vec<_> = outcome.changes.iter().map(|change| change.attribute.as_str()).collect();
            format!("{verb} {}{result} [{}]", outcome.user_id, names.join(","))
        };
        self.all::<v1::Outcome>(Topic::Outcomes(tenant("hub"))).await.into_iter().map(say).collect()
    }

    /// Everything on a topic whose key was not ended after it.
    pub(crate) async fn all<M: prost::Message + Typed + Default>(&self, topic: Topic) -> Vec<(String, M)> {
        if self.bus.ends(&topic).await.unwrap().iter().all(|ends| ends.low == ends.high) {
            return Vec::new();
        }
        let mut table = Table::open(&self.bus, vec![topic]).await.unwrap();
        let mut all = Vec::new();
        while !table.caught_up() {
            for record in table.next().await.unwrap() {
                let key = String::from_utf8(record.key.to_vec()).unwrap();
                let Some(value) = record.value else {
                    all.retain(|(ended, _)| *ended != key);
                    continue;
                };
                all.push((key, event::decode(&record.headers, &value).unwrap()));
            }
        }
        all
    }

    fn next(&self) -> u64 {
        self.delta.fetch_add(1, Ordering::SeqCst) + 1
    }
}

async fn start(
    store: &str,
    bus: &Bus,
    clock: &Arc<ManualClock>,
    configuration: watch::Receiver<Arc<Configuration>>,
    connector: &Arc<dyn Target>,
    health: &Health,
) -> Provisioner {
    let parts = Parts { bus: bus.clone(), clock: clock.clone(), configuration, health: health.clone(), replica: "r1".to_owned() };
    let connector = Arc::clone(connector);
    let connect = Arc::new(move |_: &TenantName, _: &_| Ok(Arc::clone(&connector)));
    let provisioner = build(config(store), parts, connect).await.unwrap();
    provisioner.refresh().await;
    provisioner
}

/// Waits until a provisioner owns `hub`.
pub(crate) async fn own(provisioner: &Provisioner) {
    let deadline = tokio::time::Instant::now() + DEADLINE;
    while !provisioner.owns(&tenant("hub")) {
        assert!(tokio::time::Instant::now() < deadline, "the lease is not taken");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn configured(revision: u64, mode: &str, limits: &str) -> Configuration {
    configured_for(revision, mode, limits, &["hub"])
}

fn configured_for(revision: u64, mode: &str, limits: &str, targets: &[&str]) -> Configuration {
    configured_between(revision, mode, limits, &["emea"], targets)
}

fn configured_between(revision: u64, mode: &str, limits: &str, sources: &[&str], targets: &[&str]) -> Configuration {
    Configuration::new(revision, resources(revision, mode, limits, sources, targets))
}

fn resources(revision: u64, mode: &str, limits: &str, sources: &[&str], targets: &[&str]) -> Vec<Resource> {
    let client = r#"{"clientId":"app","clientSecret":{"file":"/run/secret"}}"#;
    let tenant_of = |name: &str| {
        let graph = format!(r#"{{"domain":"{name}.example","reader":{client},"writer":{client}}}"#);
        resource(revision, Kind::Tenant, Some(name), name, &format!(r#"{{"organization":"contoso","graph":{graph}}}"#))
    };
    let tenants: Vec<&str> = sources.iter().chain(targets).copied().collect();
    let organization = serde_json::json!({ "tenants": tenants }).to_string();
    let mut resources = vec![resource(revision, Kind::Organization, None, "contoso", &organization)];
    resources.extend(tenants.into_iter().map(tenant_of));
    for source in sources {
        resources.extend(targets.iter().map(|target| {
            let json = format!(r#"{{"to":"{target}","mode":"{mode}","limits":{limits},"scope":{{"everyone":true}}}}"#);
            resource(revision, Kind::Synchronization, Some(source), &format!("to-{target}"), &json)
        }));
    }
    resources
}

fn resource(revision: u64, kind: Kind, owner: Option<&str>, name: &str, json: &str) -> Resource {
    let id = Id { kind, tenant: owner.map(tenant), name: name.to_owned() };
    Resource { id, revision, spec: Spec::from_json(kind, json.as_bytes()).unwrap() }
}

/// Attributes of an object as `name=value`, for short comparisons.
pub(crate) fn said(attributes: &Attributes) -> String {
    let texts = attributes.iter().filter_map(|(name, _)| Some(format!("{name}={}", attributes.text(name)?)));
    texts.collect::<Vec<_>>().join(" ")
}
