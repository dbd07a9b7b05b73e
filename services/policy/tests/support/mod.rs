//! A world for policy: an embedded bus, a configuration to change, deltas to publish, decisions to read.

pub(crate) use xtsync_kit::faulty_bus;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use faulty_bus::FaultyBus;
use prost::Message as _;
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, timeout_at};
use xtsync_bus::{BATCH_MAX, Bus, Embedded, Outgoing, Partition, Position, Reader, Record, Topic, Transport as _, Urgency};
use xtsync_contract::event;
use xtsync_contract::role::Role;
use xtsync_contract::topic;
use xtsync_contract::{events, internal};
use xtsync_domain::delta::{Gone, Kind as UserKind, State, User};
use xtsync_domain::fact::{Fact, Identity};
use xtsync_domain::resource::{Id, Kind, Resource, Spec};
use xtsync_domain::{Attributes, Configuration, Decision, Origin, TenantFact, TenantName, Timestamp, UserDelta, Value};
use xtsync_harness::Dir;
use xtsync_kit::bus_fixture::ALONE;
use xtsync_policy::{Config, Service, build};
use xtsync_runtime::clock::ManualClock;
use xtsync_runtime::health::{Health, Probe};
use xtsync_service::service::Parts;

/// The trace that every delta belongs to.
pub(crate) const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// The default projection of every delta.
pub(crate) const PROJECTION: u64 = 3;

pub(crate) struct World {
    pub(crate) bus: Arc<FaultyBus>,
    pub(crate) health: Health,
    resources: BTreeMap<Id, Resource>,
    configuration: watch::Sender<Arc<Configuration>>,
    /// What was read of each topic so far, so that looking again is cheap.
    seen: Mutex<BTreeMap<Topic, Vec<Record>>>,
    _dir: Dir,
}

pub(crate) fn name(text: &str) -> TenantName {
    TenantName::new(text).unwrap()
}

impl World {
    /// Sources `emea` and `us`, targets `hub` and `lab`, `emea` into both and `us` into `hub`; group `sales` is in scope.
    pub(crate) async fn new() -> Self {
        let world = Self::without_facts().await;
        for tenant in ["emea", "us", "hub", "lab"] {
            world.identify(tenant, 2, &[&format!("{tenant}.example")]).await;
        }
        world
    }

    /// The same with so many partitions of the users of each source.
    pub(crate) async fn partitioned(partitions: u32) -> Self {
        let world = Self::new().await;
        let topics = ["emea", "us"].map(|source| topic::USER_DELTAS.of(name(source)).with_partitions(partitions));
        world.bus.create(&topics, ALONE).await.unwrap();
        world
    }

    /// The same before any tenant has said who it is.
    pub(crate) async fn without_facts() -> Self {
        let dir = Dir::new().unwrap();
        let bus: Bus = Embedded::open(&dir.join("bus.sqlite"), Arc::new(ManualClock::at(Timestamp(5)))).await.unwrap();
        let configuration = watch::channel(Arc::new(Configuration::default())).0;
        let mut world = Self {
            bus: FaultyBus::new(bus),
            health: Health::new(),
            resources: BTreeMap::new(),
            configuration,
            seen: Mutex::default(),
            _dir: dir,
        };
        world.put(1, Kind::Organization, None, "contoso", r#"{"tenants":["emea","us","hub","lab"]}"#);
        for tenant in ["emea", "us", "hub", "lab"] {
            let graph = r#"{"domain":"x.example","reader":{"clientId":"a","clientSecret":{"file":"f"}}}"#;
            world.put(1, Kind::Tenant, Some(tenant), tenant, &format!(r#"{{"organization":"contoso","graph":{graph}}}"#));
        }
        for (source, target) in [("emea", "hub"), ("emea", "lab"), ("us", "hub")] {
            world.synchronize(1, source, target, r#""groups":[{"id":"sales"}]"#);
            world.put(PROJECTION, Kind::Projection, Some(source), "projection", r#"{"attributes":[],"groups":[]}"#);
        }
        world
    }

    pub(crate) fn put(&mut self, revision: u64, kind: Kind, tenant: Option<&str>, called: &str, json: &str) {
        let id = Id { kind, tenant: tenant.map(name), name: called.to_owned() };
        let spec = Spec::from_json(kind, json.as_bytes()).unwrap();
        self.resources.insert(id.clone(), Resource { id, revision, spec });
    }

    pub(crate) fn synchronize(&mut self, revision: u64, source: &str, target: &str, scope: &str) {
        let json = format!(r#"{{"to":"{target}","scope":{{{scope}}}}}"#);
        self.put(revision, Kind::Synchronization, Some(source), &format!("to-{target}"), &json);
    }

    /// Publishes the resources as a revision.
    pub(crate) fn apply(&self, revision: u64) {
        self.configuration.send_replace(Arc::new(Configuration::new(revision, self.resources.values().cloned())));
    }

    pub(crate) fn service(&self) -> Service {
        let parts = Parts {
            bus: Arc::<FaultyBus>::clone(&self.bus),
            clock: Arc::new(ManualClock::at(Timestamp(9))),
            configuration: self.configuration.subscribe(),
            health: self.health.clone(),
            replica: "r1".to_owned(),
        };
        build(Config::default(), parts)
    }

    /// Why it is not ready; empty when it is.
    pub(crate) fn unready_reason(&self) -> String {
        let answer = self.health.probe(Probe::Ready);
        answer.lines.lines().filter(|line| line.starts_with("[-]")).collect()
    }

    pub(crate) async fn publish(&self, deltas: impl IntoIterator<Item = UserDelta>) {
        let outgoing = |delta: UserDelta| {
            let (tenant, key, version) = (delta.tenant.clone(), delta.user.to_string(), delta.version);
            self::outgoing(&tenant, &key, version, events::UserDelta::from(delta).encode_to_vec())
        };
        self.send(deltas.into_iter().map(outgoing).collect()).await;
    }

    /// A tenant says which domains it has verified.
    pub(crate) async fn identify(&self, tenant: &str, version: u64, domains: &[&str]) {
        let verified_domains = domains.iter().map(|domain| (*domain).to_owned()).collect();
        let fact = Fact::Identity(Identity { directory_id: format!("{tenant}-id").into(), verified_domains, default_domain: None });
        let (key, fact) = (fact.key(), TenantFact { version, read_at: Timestamp(1), fact });
        let value = events::TenantFact::from(fact).encode_to_vec();
        let topic = topic::TENANT_FACTS.of(name(tenant));
        self.send(vec![event::record::<events::TenantFact>(Role::CHANGE_DETECTOR, topic, &key, version, Timestamp(1), None, value)]).await;
    }

    pub(crate) async fn send(&self, records: Vec<Outgoing>) {
        self.bus.publish(records, Urgency::Live).await.unwrap();
    }

    /// Everything that stands on a topic.
    pub(crate) async fn records(&self, topic: Topic) -> Vec<Record> {
        let ends = self.bus.ends(&topic).await.unwrap();
        let mut seen = self.seen.lock().await;
        let records = seen.entry(topic.clone()).or_default();
        let next = |index| records.iter().filter(|record| record.at.partition.index == index).map(|record| record.at.offset + 1).max();
        let from = (0..).zip(&ends).map(|(index, ends)| {
            let partition = Partition { topic: topic.clone(), index };
            Position { partition, offset: next(index).unwrap_or(ends.low) }
        });
        let from: Vec<_> = from.collect();
        let mut reader = self.bus.reader(&from).await.unwrap();
        let behind = |reader: &dyn Reader| from.iter().zip(&ends).any(|(at, ends)| reader.position(&at.partition) < Some(ends.high));
        while behind(reader.as_ref()) {
            records.extend(reader.read(BATCH_MAX, Duration::from_millis(100)).await.unwrap());
        }
        records.clone()
    }

    /// Every decision into a target.
    pub(crate) async fn decisions(&self, target: &str) -> Vec<Decision> {
        let is_decision = |record: &&Record| event::check::<events::Decision>(&record.headers).is_ok();
        let read = |record: &Record| {
            let wire: events::Decision = event::decode(&record.headers, record.value.as_ref().unwrap()).unwrap();
            Decision::try_from(wire).unwrap()
        };
        self.records(topic::DECISIONS.of(name(target))).await.iter().filter(is_decision).map(read).collect()
    }

    /// The partitions of a source that are marked as replayed for a revision.
    pub(crate) async fn marked(&self, target: &str, source: &str, revision: u64) -> Vec<u32> {
        let read = |record: &Record| event::decode::<internal::ReplayMarker>(&record.headers, record.value.as_ref()?).ok();
        let records = self.records(topic::DECISIONS.of(name(target))).await;
        let markers = records.iter().filter_map(read).filter(|marker| marker.source == source && marker.revision == revision);
        let count = self.partitions(source).await;
        // A successor marks them again.
        let marked: BTreeSet<_> = markers.inspect(|marker| assert_eq!(marker.partitions, count)).map(|marker| marker.partition).collect();
        marked.into_iter().collect()
    }

    /// Whether all partitions of a source are marked as replayed for a revision.
    pub(crate) async fn is_replayed(&self, target: &str, source: &str, revision: u64) -> bool {
        self.marked(target, source, revision).await.len() == self.partitions(source).await as usize
    }

    /// How many partitions the users of a source have.
    async fn partitions(&self, source: &str) -> u32 {
        u32::try_from(self.bus.ends(&topic::USER_DELTAS.of(name(source))).await.unwrap().len()).unwrap()
    }

    /// The keys of decisions into a target whose last record is a tombstone.
    pub(crate) async fn ended(&self, target: &str) -> Vec<String> {
        let mut last = BTreeMap::new();
        for record in self.records(topic::DECISIONS.of(name(target))).await {
            last.insert(String::from_utf8(record.key.to_vec()).unwrap(), record.value.is_none());
        }
        last.into_iter().filter(|(_, is_ended)| *is_ended).map(|(key, _)| key).collect()
    }
}

/// Lets the service work until something holds. Errors of the bus are what a running service lives with.
pub(crate) async fn until(service: &mut Service, what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds().await {
        timeout_at(deadline, service.step()).await.unwrap_or_else(|_| panic!("{what} within the deadline")).ok();
    }
}

pub(crate) fn outgoing(tenant: &TenantName, key: &str, version: u64, value: Vec<u8>) -> Outgoing {
    let topic = topic::USER_DELTAS.of(tenant);
    event::record::<events::UserDelta>(Role::CHANGE_DETECTOR, topic, key, version, Timestamp(1), Some(TRACE), value)
}

/// A user of a source, in `sales`.
pub(crate) fn user(tenant: &str, id: &str, version: u64) -> UserDelta {
    let attributes =
        [("accountEnabled", Value::from(true)), ("displayName", id.into()), ("mail", format!("{id}@{tenant}.example").as_str().into())];
    let user = User {
        attributes: attributes.into_iter().collect(),
        groups: vec!["sales".into()],
        nested_groups: Vec::new(),
        kind: UserKind::Internal,
    };
    UserDelta {
        tenant: name(tenant),
        user: id.into(),
        version,
        projection: PROJECTION,
        origin: Origin::Live,
        first_seen: Timestamp(1),
        changed_at: None,
        state: State::Present(user),
        changed: Vec::new(),
        before: Attributes::default(),
    }
}

/// The same user, deleted at home.
pub(crate) fn gone(tenant: &str, id: &str, version: u64) -> UserDelta {
    UserDelta { state: State::Gone(Gone::Deleted), ..user(tenant, id, version) }
}
