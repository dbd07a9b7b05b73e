//! A connector that panics: its tenant's failure is reported and retried, and no other tenant is affected.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;
use xtsync_bus::{Bus, Embedded, Table};
use xtsync_change_detector::{Config, Connect, Inbox, Trigger, build};
use xtsync_contract::event;
use xtsync_contract::internal::RoleStatus;
use xtsync_contract::topic;
use xtsync_directory::{Cursor, Error, GroupChange, MemberPage, Page, Result, Source, Subscribe, Subscription, UserChange};
use xtsync_domain::delta::Kind as UserKind;
use xtsync_domain::fact::{AccessPolicy, GroupState, Identity};
use xtsync_domain::resource::{Id, Kind, Resource, Spec};
use xtsync_domain::{Attributes, Configuration, GroupId, TenantName, Timestamp};
use xtsync_runtime::clock::SystemClock;
use xtsync_runtime::health::{Health, Probe};
use xtsync_runtime::shutdown::Shutdown;
use xtsync_service::service::Parts;

/// How long anything may take that is waited for.
const DEADLINE: Duration = Duration::from_secs(60);

/// A directory that is away, or whose connector panics at each call.
struct Broken {
    panics: bool,
    calls: Arc<AtomicUsize>,
}

impl Broken {
    fn answer<T>(&self) -> Result<T> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        assert!(!self.panics, "the connector has a mistake");
        Err(Error::Unavailable { reason: "as the test wants it".to_owned() })
    }
}

#[async_trait]
impl Source for Broken {
    async fn users(&self, _: &[String], _: Option<&Cursor>) -> Result<Page<UserChange>> {
        self.answer()
    }

    async fn groups(&self, _: Option<&Cursor>) -> Result<Page<GroupChange>> {
        self.answer()
    }

    fn needs(&self, _: &str) -> bool {
        true
    }

    async fn members(&self, _: &GroupId, _: Option<&Cursor>) -> Result<MemberPage> {
        self.answer()
    }

    async fn find_groups(&self, _: &str) -> Result<Vec<GroupId>> {
        self.answer()
    }

    async fn group(&self, _: &GroupId) -> Result<(Option<String>, GroupState)> {
        self.answer()
    }

    async fn user_count(&self) -> Result<u64> {
        self.answer()
    }

    async fn access_policy(&self) -> Result<AccessPolicy> {
        self.answer()
    }

    async fn identity(&self) -> Result<Identity> {
        self.answer()
    }

    async fn subscribe(&self, _: &Subscribe) -> Result<Subscription> {
        self.answer()
    }

    async fn renew(&self, _: &str, _: Timestamp) -> Result<Timestamp> {
        self.answer()
    }

    async fn unsubscribe(&self, _: &str) -> Result<()> {
        self.answer()
    }

    fn kind(&self, _: &Attributes) -> UserKind {
        UserKind::Internal
    }
}

fn configuration() -> Configuration {
    let client = r#"{"clientId":"app","clientSecret":{"file":"s"}}"#;
    let resource = |kind, tenant: &str, name: &str, json: &str| Resource {
        id: Id { kind, tenant: Some(TenantName::new(tenant).unwrap()), name: name.to_owned() },
        revision: 1,
        spec: Spec::from_json(kind, json.as_bytes()).unwrap(),
    };
    let tenant = |name: &str| {
        let json = format!(r#"{{"organization":"o","graph":{{"domain":"{name}.example","reader":{client},"writer":{client}}}}}"#);
        resource(Kind::Tenant, name, name, &json)
    };
    let projection = r#"{"attributes":[],"groups":[],"everyone":true}"#;
    Configuration::new(
        1,
        [
            tenant("emea"),
            tenant("hub"),
            resource(Kind::Synchronization, "emea", "to-hub", r#"{"to":"hub","scope":{"everyone":true}}"#),
            resource(Kind::Synchronization, "hub", "to-emea", r#"{"to":"emea","scope":{"everyone":true}}"#),
            resource(Kind::Projection, "emea", "projection", projection),
            resource(Kind::Projection, "hub", "projection", projection),
        ],
    )
}

/// Reads what is said of tenants until each of these was: tenant and code.
async fn until_status(bus: &Bus, want: &[(&str, &str)]) {
    let mut table = Table::open(bus, vec![topic::STATUS.topic()]).await.unwrap();
    let mut statuses = BTreeMap::<(String, String), usize>::new();
    let all = async {
        while !want.iter().all(|(tenant, code)| statuses.contains_key(&((*tenant).to_owned(), (*code).to_owned()))) {
            for record in table.next().await.unwrap() {
                let status: RoleStatus = event::decode(&record.headers, record.value.as_ref().unwrap()).unwrap();
                *statuses.entry((status.tenant, status.blocked)).or_default() += 1;
            }
        }
    };
    tokio::time::timeout(DEADLINE, all).await.unwrap_or_else(|_| panic!("never said: {want:?}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panicking_connector_is_reported_and_retried_and_other_tenants_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let bus: Bus = Embedded::open(&dir.path().join("bus.sqlite"), Arc::new(SystemClock)).await.unwrap();
    let health = Health::new();
    let (_configured, seen) = watch::channel(Arc::new(configuration()));
    let parts = Parts {
        bus: Bus::clone(&bus),
        clock: Arc::new(SystemClock),
        configuration: seen,
        health: health.clone(),
        replica: "r1".to_owned(),
    };
    let config = Config {
        store: dir.path().display().to_string(),
        poll: Duration::from_millis(50),
        compare: Duration::ZERO,
        republish: Duration::ZERO,
        forget: Duration::from_secs(3600),
        facts: Duration::from_millis(50),
        lease: Duration::from_secs(10),
    };
    let calls = Arc::new(AtomicUsize::new(0));
    let broken = Arc::clone(&calls);
    let connect: Connect = Arc::new(move |name, _| {
        let (panics, calls) = (name.as_str() == "emea", Arc::clone(&broken));
        let calls = if panics { calls } else { Arc::default() };
        Ok(Arc::new(Broken { panics, calls }) as Arc<dyn Source>)
    });
    let detector = build(config, parts, connect, &Inbox::new(Trigger::default())).await.unwrap();
    let shutdown = Shutdown::new();
    let running = tokio::spawn(detector.run(shutdown.clone()));
    until_status(&bus, &[("emea", "panicked_detect"), ("hub", "away")]).await;
    let seen = calls.load(Ordering::SeqCst);
    let again = async {
        while calls.load(Ordering::SeqCst) <= seen {
            tokio::task::yield_now().await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(DEADLINE, again).await.expect("it is tried again");
    let lines = health.probe(Probe::Ready).lines;
    assert!(lines.contains("[-]task/change-detector/detect/emea failed: it panicked, and is restarted"), "{lines}");
    assert!(!lines.contains("detect/hub"), "{lines}");
    shutdown.begin();
    tokio::time::timeout(DEADLINE, running).await.expect("it stops").unwrap();
}
