//! The service: waits for work, completes it, and restarts from the committed offsets after a failure of the bus.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::warn;
use xtsync_bus::{Error, Topic, TopicTracker};
use xtsync_contract::internal::RoleStatus;
use xtsync_contract::topic;
use xtsync_domain::address::VerifiedDomains;
use xtsync_domain::fact::Fact;
use xtsync_domain::{Configuration, TenantFact, TenantName};
use xtsync_runtime::backoff;
use xtsync_runtime::health::Condition;
use xtsync_runtime::shutdown::Shutdown;
use xtsync_runtime::telemetry::chain;
use xtsync_service::facts::FactsReader;
use xtsync_service::service::Parts;
use xtsync_service::status::Publisher;

use crate::ROLE;
use crate::membership::{Context, Membership, Next};
use crate::metrics::Metrics;
use crate::topics;

/// How often the lag is measured, and how often where there was none: the bus is asked for the ends of all partitions.
const LAG_INTERVAL: Duration = Duration::from_secs(2);
const LAG_INTERVAL_AT_REST: Duration = Duration::from_secs(10);

/// The longest waits before the bus is tried again: first, and ever.
const RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

/// Policy.
pub struct Service {
    context: Context,
    configuration: watch::Receiver<Arc<Configuration>>,
    membership: Option<Membership>,
    following: TopicTracker,
    facts: FactsReader,
    /// Which domains each tenant has verified.
    domains: VerifiedDomains,
    joined: Condition,
    readable: Condition,
    status: Publisher,
    /// When the lag is measured next.
    lag_due: Instant,
    rng: StdRng,
}

/// What there is to do.
enum Work {
    /// A revision of the configuration came.
    Configuration,
    /// Tenant facts were published.
    Facts(Vec<(TenantName, TenantFact)>),
    /// The group, or a replay, has something.
    Next(Next),
    /// It is time to see how far behind we are.
    CheckLag,
}

impl Service {
    pub(crate) fn new(parts: Parts) -> Self {
        let seed = u64::try_from(parts.clock.now().0).unwrap_or(0);
        let joined = parts.health.condition("policy-group");
        joined.set(false, "waiting for the configuration");
        let readable = parts.health.condition("policy-records");
        readable.set(true, "");
        let status = Publisher::start(Arc::clone(&parts.bus), ROLE, &parts.replica, Arc::clone(&parts.clock));
        let mut configuration = parts.configuration;
        // Also a revision that came before us is news.
        configuration.mark_changed();
        Self {
            following: TopicTracker::new(&parts.bus),
            facts: FactsReader::new(&parts.bus),
            domains: VerifiedDomains::default(),
            context: Context { bus: parts.bus, clock: parts.clock, metrics: Metrics::new() },
            configuration,
            membership: None,
            joined,
            readable,
            status,
            lag_due: Instant::now(),
            rng: StdRng::seed_from_u64(seed),
        }
    }

    /// Runs until shutdown. Work that has begun is completed first: a few batches at most.
    pub async fn run(mut self, shutdown: Shutdown) {
        let mut failures = 0;
        while let Some(work) = shutdown.or(self.wait()).await {
            if self.act(work).await.is_ok() {
                failures = 0;
            } else {
                failures += 1;
                let wait = backoff::delay_between(failures, RETRY.0, RETRY.1, &mut self.rng);
                shutdown.or(sleep(wait)).await;
            }
        }
        self.stop().await;
    }

    /// Completes the work that has begun, and leaves the group.
    pub async fn stop(mut self) {
        if let Some(membership) = &mut self.membership
            && let Err(error) = membership.publish_all().await
        {
            warn!(error = chain(&error), "a successor repeats the last decisions");
        }
        // The status of a role that has left would only mislead; the group is left first, so that a successor need not wait.
        drop(self.membership.take());
        self.status.finish().await;
    }

    /// Waits for one thing and does it: an event of the group, a batch of a replay, a revision of the configuration.
    ///
    /// # Errors
    /// If the bus failed. The work that had begun is not committed; the next step joins the group anew and repeats it.
    pub async fn step(&mut self) -> Result<(), Error> {
        let work = self.wait().await;
        self.act(work).await
    }

    /// Handles the work; drops the membership if that or the wait failed.
    async fn act(&mut self, work: Result<Work, Error>) -> Result<(), Error> {
        let done = match work {
            Ok(work) => self.handle(work).await,
            Err(error) => Err(error),
        };
        if let Err(error) = &done {
            self.leave(error);
        }
        done
    }

    /// Waits for work. Cancel-safe.
    async fn wait(&mut self) -> Result<Work, Error> {
        let membership = async {
            match &mut self.membership {
                Some(membership) => membership.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            // A sender that is gone has said its last; then only the group has news.
            Ok(()) = self.configuration.changed() => Ok(Work::Configuration),
            // Before what is to be decided with them.
            facts = self.facts.next() => facts.map(Work::Facts),
            next = membership => next.map(Work::Next),
            () = sleep_until(self.lag_due) => Ok(Work::CheckLag),
        }
    }

    async fn handle(&mut self, work: Work) -> Result<(), Error> {
        let lag_due = Instant::now() + LAG_INTERVAL;
        match &work {
            Work::CheckLag => self.lag_due = lag_due,
            Work::Next(_) => self.lag_due = lag_due.min(self.lag_due),
            Work::Configuration | Work::Facts(_) => {}
        }
        match (work, &mut self.membership) {
            (Work::Configuration, _) => self.configure().await,
            (Work::Facts(facts), _) => self.take_facts(&facts).await,
            (Work::Next(next), Some(membership)) => {
                membership.handle(next, &self.context).await?;
                self.update_readable();
                Ok(())
            }
            (Work::CheckLag, None) if self.following.missing().is_none() => Ok(()),
            (Work::CheckLag, _) => {
                let configuration = Arc::clone(&self.configuration.borrow());
                let followed = self.facts.follow(&configuration).await;
                match followed.and(self.following.set_topics(&topics::wanted(&configuration)).await) {
                    // A missing topic has been made.
                    Ok(true) => return self.configure().await,
                    // If the bus is unavailable, the check reports it.
                    Ok(false) | Err(_) => self.update_conditions().await,
                }
                Ok(())
            }
            (Work::Next(_), None) => Ok(()),
        }
    }

    /// Applies facts: joins the group once all existing facts are read, or starts a replay for the sources concerned. Most facts say again
    /// what is known.
    async fn take_facts(&mut self, facts: &[(TenantName, TenantFact)]) -> Result<(), Error> {
        let mut is_news = false;
        for (tenant, TenantFact { version, fact, .. }) in facts {
            if let Fact::Identity(identity) = fact {
                is_news |= self.domains.take(tenant, identity, *version);
            }
        }
        let membership = match &mut self.membership {
            None if self.facts.caught_up() => return self.configure().await,
            Some(membership) if is_news => membership,
            None | Some(_) => return Ok(()),
        };
        let homes = self.domains.homes(membership.configuration());
        if membership.update_homes(homes, &self.context).await? {
            self.update_conditions().await;
        }
        Ok(())
    }

    /// Moves to the newest revision: joins the group if there are topics to read, else leaves it. No user is decided before the
    /// tenant facts are read.
    async fn configure(&mut self) -> Result<(), Error> {
        let configuration = Arc::clone(&self.configuration.borrow_and_update());
        if configuration.revision() == 0 {
            return Ok(());
        }
        self.following.set_topics(&topics::wanted(&configuration)).await?;
        self.facts.follow(&configuration).await?;
        let (topics, homes) = (self.following.topics().to_vec(), self.domains.homes(&configuration));
        match (&mut self.membership, topics.is_empty()) {
            (Some(membership), false) => membership.reconcile(configuration, homes, topics, &self.context).await?,
            (None, false) if self.facts.caught_up() => {
                self.membership = Some(Membership::join(&self.context, configuration, homes, topics).await?);
            }
            (None, false) => {}
            (_, true) => self.membership = None,
        }
        self.update_conditions().await;
        Ok(())
    }

    /// Checks the bus and the topics, and measures the lag. A failed check does not end the membership.
    async fn update_conditions(&mut self) {
        let published = self.publish_status().await;
        if matches!(published, Ok(0)) && self.following.missing().is_none() {
            self.lag_due = Instant::now() + LAG_INTERVAL_AT_REST;
        }
        match (published.map(drop), self.following.missing(), &self.membership) {
            (Err(error), _, _) | (Ok(()), Some(error), _) => self.joined.set(false, error.to_string()),
            (Ok(()), None, Some(_)) => self.joined.set(true, ""),
            (Ok(()), None, None) if self.following.topics().is_empty() => self.joined.set(true, "no synchronization reads any tenant"),
            (Ok(()), None, None) => self.joined.set(false, "reading what tenants say of themselves"),
        }
    }

    /// Drops the membership; the next step begins at the committed offsets.
    fn leave(&mut self, error: &Error) {
        warn!(error = chain(error), "policy starts over");
        self.joined.set(false, error.to_string());
        self.membership = None;
        // What was said as a member must not stand as if it were so still.
        for source in self.configuration.borrow().sources() {
            self.status.set(RoleStatus { tenant: source.to_string(), blocked: "rejoining".to_owned(), ..RoleStatus::default() });
        }
        self.following = TopicTracker::new(&self.context.bus);
        (self.facts, self.domains) = (FactsReader::new(&self.context.bus), VerifiedDomains::default());
        self.configuration.mark_changed();
    }

    /// Publishes the lag of each source; returns that of all.
    async fn publish_status(&mut self) -> Result<u64, Error> {
        self.update_readable();
        let Some(membership) = &mut self.membership else { return Ok(0) };
        let lag = membership.lag(&self.context.bus).await?;
        let (revision, sources) = (membership.configuration().revision(), membership.configuration().sources());
        self.status.retain(sources.iter().copied());
        let stopped: BTreeSet<&Topic> = membership.stopped().map(|(partition, _)| &partition.topic).collect();
        // Also of the sources that another replica has: what we said of them last must not stand for ever.
        for source in sources {
            let lag = lag.get(source).copied().unwrap_or(0);
            self.context.metrics.lag(source, lag);
            let is_stopped = stopped.contains(&topic::USER_DELTAS.of(source));
            let blocked = if is_stopped { "newer_writer".to_owned() } else { String::new() };
            self.status.set(RoleStatus { tenant: source.to_string(), revision, lag, blocked, ..RoleStatus::default() });
        }
        Ok(lag.values().sum())
    }

    fn update_readable(&self) {
        let stopped = self.membership.as_ref().and_then(|membership| membership.stopped().next());
        match stopped {
            Some((partition, field)) => self.readable.set(false, format!("{partition} was written by a newer version: {field}")),
            None => self.readable.set(true, ""),
        }
    }
}
