//! The configuration on a bus: published revisions and health.

use prost::Message as _;
use xtsync_contract::event;
use xtsync_contract::internal;
use xtsync_contract::internal::config_record::Record as Wire;
use xtsync_contract::topic::{self, COMMIT_KEY};
use xtsync_domain::Timestamp;
use xtsync_harness::{Dir, wait_for};

use super::*;
use xtsync_bus::{Embedded, Outgoing, Urgency};
use xtsync_contract::role::Role;
use xtsync_runtime::clock::SystemClock;
use xtsync_runtime::health::Probe;

const LIMIT: Duration = Duration::from_secs(20);
const KEY: &str = "Organization/-/contoso";
const JSON: &str = r#"{"tenants":["a"]}"#;

fn outgoing(key: &str, revision: u64, record: Wire) -> Outgoing {
    let value = internal::ConfigRecord { revision, record: Some(record) }.encode_to_vec();
    event::record::<internal::ConfigRecord>(Role::CONTROL, topic::CONFIG.topic(), key, revision, Timestamp(1), None, value)
}

fn organization(revision: u64) -> Outgoing {
    let (kind, name) = ("Organization".to_owned(), "contoso".to_owned());
    outgoing(KEY, revision, Wire::Resource(internal::Resource { kind, name, spec_json: JSON.into(), ..Default::default() }))
}

fn commit(revision: u64) -> Outgoing {
    let digest = digest([(KEY, JSON.as_bytes())]);
    outgoing(COMMIT_KEY, revision, Wire::Commit(internal::Commit { resources: 1, digest, actor: "ana".to_owned() }))
}

#[tokio::test]
async fn complete_revisions_are_published_and_health_names_what_is_missing() {
    let dir = Dir::new().unwrap();
    let bus: Bus = Embedded::open(&dir.join("bus.sqlite"), Arc::new(SystemClock)).await.unwrap();
    let (health, shutdown) = (Health::new(), Shutdown::new());
    let watch = Watch::start(Bus::clone(&bus), &health, shutdown.clone());
    let wait_for_health = async |words: &str| {
        let look = async || Ok(health.probe(Probe::Ready).lines.contains(words).then_some(()));
        wait_for(LIMIT, words, look).await.unwrap();
        (watch.receiver().borrow().revision(), health.is_ready())
    };
    assert_eq!(wait_for_health("nothing has been applied yet").await, (0, false));
    bus.publish(vec![organization(1)], Urgency::Live).await.unwrap();
    assert_eq!(wait_for_health("revision 1 has no commit yet").await, (0, false));
    bus.publish(vec![commit(1)], Urgency::Live).await.unwrap();
    assert_eq!(watch.wait_first().await.unwrap().revision(), 1);
    assert_eq!(wait_for_health("ok: revision 1").await, (1, true));
    let newer = internal::ConfigRecord { revision: 2, record: None }.encode_to_vec();
    let newer = Outgoing { value: Some(newer.into()), ..organization(2) };
    bus.publish(vec![newer], Urgency::Live).await.unwrap();
    assert_eq!(wait_for_health("record 2 of partition 0 of xtsync.v1.config: ").await, (1, false));
    bus.publish(vec![organization(3), commit(3)], Urgency::Live).await.unwrap();
    assert_eq!(wait_for_health("ok: revision 3").await, (3, true));
    shutdown.begin();
    assert!(Watch::start(bus, &Health::new(), shutdown).wait_first().await.is_none());
}
