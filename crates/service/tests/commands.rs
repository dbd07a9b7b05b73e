//! Each command is handled once, whichever replica of a role consumes it.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt as _;
use parking_lot::Mutex;
use prost::Message as _;
use tokio::sync::watch;
use xtsync_bus::{Bus, Embedded, Outgoing, Urgency};
use xtsync_contract::convert::wire_time;
use xtsync_contract::event;
use xtsync_contract::internal;
use xtsync_contract::internal::command::Action;
use xtsync_contract::role::Role;
use xtsync_contract::topic;
use xtsync_domain::{TenantName, Timestamp};
use xtsync_harness::Dir;
use xtsync_runtime::clock::ManualClock;
use xtsync_runtime::health::Health;
use xtsync_service::commands::{Command, CommandConsumer, CommandHandler};
use xtsync_service::service::Parts;
use xtsync_service::wake::{Wake, Wakes};
use xtsync_store::{self as store, Migrations, Options, Store, Transaction};

const NOW: Timestamp = Timestamp(1_000_000);

/// Records the commands that it receives.
#[derive(Default)]
struct RecordingHandler {
    recorded: Mutex<Vec<String>>,
}

#[async_trait]
impl CommandHandler for RecordingHandler {
    async fn record(&self, _: &mut Transaction, command: &Command) -> Result<(), store::Error> {
        self.recorded.lock().push(format!("{} {:?} {} {}", command.id, command.action, command.tenant, command.actor));
        Ok(())
    }
}

fn command(id: &str, action: Option<Action>, expires: Timestamp) -> Outgoing {
    let wire = internal::Command {
        id: id.to_owned(),
        actor: "kim".to_owned(),
        target: "hub".to_owned(),
        expires_at: Some(wire_time(expires)),
        action,
        ..internal::Command::default()
    };
    event::record::<internal::Command>(Role::CONTROL, topic::COMMANDS.topic(), "hub", id, NOW, None, wire.encode_to_vec())
}

#[tokio::test]
async fn a_command_is_handled_once_and_an_expired_or_unknown_one_never() {
    let dir = Dir::new().unwrap();
    let clock = Arc::new(ManualClock::at(NOW));
    let bus: Bus = Embedded::open(&dir.join("bus.sqlite"), clock.clone()).await.unwrap();
    let url = dir.path().display().to_string();
    let migrations = Migrations { sqlite: &[], postgres: &[] };
    let store = Store::open(Options { url, service: "test", migrations, clock: clock.clone() }).await.unwrap();
    let configuration = watch::channel(Arc::default()).1;
    let parts = Parts { bus: bus.clone(), clock, configuration, health: Health::new(), replica: "r1".to_owned() };
    let later = NOW.plus(Duration::from_secs(60));
    let foreign = Outgoing { headers: Vec::new(), ..command("x", None, later) };
    let records = vec![
        command("1", Some(Action::Republish(internal::Republish {})), later),
        command("2", Some(Action::Resume(internal::Resume {})), NOW),
        command("3", None, later),
        foreign,
        command("4", Some(Action::Resume(internal::Resume {})), later),
        command("5", Some(Action::Resync(internal::Resync {})), later),
        command("6", Some(Action::Retry(internal::Retry {})), later),
        command("7", Some(Action::Rehire(internal::Rehire { former: "old".to_owned() })), later),
        command("8", Some(Action::Rehire(internal::Rehire { former: "a\tb".to_owned() })), later),
    ];
    bus.publish(records, Urgency::Live).await.unwrap();
    let handler = RecordingHandler::default();
    let mut wakes = Wakes::of(&store);
    assert_eq!(wakes.next().await, Wake::Anything);
    for _ in 0..2 {
        let mut commands = CommandConsumer::new(&store, &parts, "xtsync-test");
        for _ in 0..6 {
            commands.step(&handler, Duration::from_millis(50)).await.unwrap();
        }
    }
    let rehire = r#"7 Rehire { former: UserId("old") } hub kim"#;
    let recorded = ["1 Republish hub kim", "4 Resume hub kim", "5 Resync hub kim", "6 Retry hub kim", rehire];
    assert_eq!(*handler.recorded.lock(), recorded);
    for _ in recorded {
        assert_eq!(wakes.next().await, Wake::Command(TenantName::new("hub").unwrap()));
    }
    assert!(wakes.next().now_or_never().is_none(), "none for what was skipped");
}
