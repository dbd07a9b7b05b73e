//! The dependencies that the roles of a process share: the bus, once it is connected, and the configuration.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::warn;
use xtsync_bus::{self as bus, Bus, Topic, TopicKind};
use xtsync_contract::topic;
use xtsync_domain::Configuration;
use xtsync_runtime::clock::{Clock, SystemClock};
use xtsync_runtime::health::{Condition, Health};
use xtsync_runtime::shutdown::Shutdown;
use xtsync_runtime::telemetry::chain;
use xtsync_service::configuration::Watch;
use xtsync_service::service::Parts;

use super::{Options, Role};

/// The interval between two health checks of the bus.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// The interval between two checks of all topics while none is missing: a cluster answers with all partitions of all topics.
const TOPICS_CHECK_INTERVAL: Duration = Duration::from_secs(60);

/// The shared dependencies. Clones share one state.
#[derive(Clone)]
pub(super) struct Dependencies {
    parts: watch::Receiver<Option<Parts>>,
    bus: watch::Receiver<Option<Bus>>,
}

impl Dependencies {
    /// Starts to connect, for roles that need topics of these kinds. A bus that is already open is used.
    pub(super) fn start(
        options: &Options,
        kinds: Vec<&'static TopicKind>,
        open: Option<Bus>,
        (health, shutdown): (&Health, &Shutdown),
        tasks: &mut JoinSet<()>,
    ) -> Self {
        let (parts_sender, parts) = watch::channel(None);
        let (bus_sender, bus) = watch::channel(None);
        let connector = Connector {
            address: options.bus_address(),
            kinds,
            replica: options.replica.clone(),
            condition: health.condition("bus"),
            health: health.clone(),
            // Control makes the configuration: it is ready before there is one.
            follower_health: if options.roles == [Role::CONTROL].into() { Health::new() } else { health.clone() },
            shutdown: shutdown.clone(),
        };
        let stop = shutdown.clone();
        tasks.spawn(async move {
            stop.or(connector.run(open, &bus_sender, &parts_sender)).await;
        });
        Self { parts, bus }
    }

    /// The bus, as soon as it is connected.
    pub(super) fn bus(&self) -> watch::Receiver<Option<Bus>> {
        self.bus.clone()
    }

    /// The dependencies, as soon as the bus is connected.
    pub(super) async fn parts(&self) -> anyhow::Result<Parts> {
        let mut parts = self.parts.clone();
        let ready = parts.wait_for(Option::is_some).await?;
        Ok(ready.clone().expect("just waited for"))
    }
}

struct Connector {
    address: String,
    kinds: Vec<&'static TopicKind>,
    replica: String,
    condition: Condition,
    health: Health,
    follower_health: Health,
    shutdown: Shutdown,
}

impl Connector {
    async fn run(self, open: Option<Bus>, bus_sender: &watch::Sender<Option<Bus>>, parts_sender: &watch::Sender<Option<Parts>>) {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let bus = match open {
            Some(bus) => bus,
            None => self.connect(&clock).await,
        };
        bus_sender.send_replace(Some(Bus::clone(&bus)));
        let watch = Watch::start(Bus::clone(&bus), &self.follower_health, self.shutdown.clone());
        let configuration = watch.receiver();
        let health = self.health.clone();
        let parts = Parts { bus: Bus::clone(&bus), clock, configuration: configuration.clone(), health, replica: self.replica.clone() };
        parts_sender.send_replace(Some(parts));
        let (mut found, mut found_at) = (Vec::new(), Instant::now());
        loop {
            let topics = topics(&configuration.borrow(), &self.kinds);
            // Those that were all there not long ago are there: the bus answers for one of them.
            let is_known = topics == found && found_at.elapsed() < TOPICS_CHECK_INTERVAL;
            let are_found = self.check_topics(&bus, if is_known { topics.get(..1).unwrap_or_default() } else { &topics }).await;
            match (are_found, is_known) {
                (true, true) => {}
                (true, false) => (found, found_at) = (topics, Instant::now()),
                (false, _) => found.clear(),
            }
            tokio::time::sleep(CHECK_INTERVAL).await;
        }
    }

    async fn connect(&self, clock: &Arc<dyn Clock>) -> Bus {
        loop {
            match bus::connect(&self.address, Arc::clone(clock)).await {
                Ok(bus) => return bus,
                Err(error) => {
                    warn!(error = chain(&error), "the bus cannot be reached");
                    self.condition.set(false, chain(&error));
                    tokio::time::sleep(CHECK_INTERVAL).await;
                }
            }
        }
    }

    /// Reports the health of the bus: whether it answers, and whether every topic exists. Returns whether all is well.
    async fn check_topics(&self, bus: &Bus, topics: &[Topic]) -> bool {
        // A bus that creates topics misses none; it is asked whether it answers.
        let needed = if bus.creates_topics() { &[] } else { topics };
        match bus.missing(needed).await {
            Ok(missing) if missing.is_empty() => {
                self.condition.set(true, "");
                return true;
            }
            Ok(missing) => {
                let more = missing.len() - 1;
                let first = &missing[0];
                self.condition.set(false, format!("topic {first} and {more} more are missing: run `xtsync topics create`"));
            }
            Err(error) => self.condition.set(false, chain(&error)),
        }
        false
    }
}

/// The topics of a configuration that are of these kinds.
fn topics(configuration: &Configuration, kinds: &[&'static TopicKind]) -> Vec<Topic> {
    let is_needed = |topic: &Topic| kinds.iter().any(|kind| topic.is(kind));
    let of_tenants: BTreeSet<Topic> = configuration.tenants().flat_map(|(tenant, _)| topic::of_tenant(tenant)).filter(is_needed).collect();
    topic::shared().chain(of_tenants).collect()
}
