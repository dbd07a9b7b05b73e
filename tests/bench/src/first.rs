//! One first synchronization, by the fleet or by the bare client, and what it took.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tokio::net::TcpListener;
use xtsync_e2e::fleet::Fleet;
use xtsync_harness::wait_for;
use xtsync_tenant_sim::Sim;

use crate::bare::Bare;
use crate::fixture::{self, TARGET};
use crate::report::{Breakdown, show};

/// Users that the bare client works on at once. The provisioner works on 64 links of a target at once, and keeps a quarter of these places
/// for users who lose access.
const AT_ONCE: usize = 48;

/// A batch, which is no request by itself: its items are.
const BATCH: &str = "/v1.0/$batch";

/// Below it are reads by POST.
const READ_BY_POST: &str = "/v1.0/directoryObjects/";

/// How long a first synchronization may take.
const CREATED_MAX: Duration = Duration::from_secs(4 * 60 * 60);

/// A kind of request that has less than this share of a create is shown with others.
const SHOWN_MIN: f64 = 0.005;

/// What the first synchronization of that many `users` took.
#[derive(Debug)]
pub(crate) struct First {
    pub(crate) users: usize,
    /// Seconds from the accepted configuration to the last write.
    took: f64,
    /// Processor time of each process.
    pub(crate) spent: Vec<(&'static str, Duration)>,
    /// Requests to the target, by (method, path template).
    counts: BTreeMap<(String, String), u64>,
}

/// Creates that many users in the target of that simulator with the bare client; returns users a second.
///
/// # Errors
/// If the simulator refuses one.
pub(crate) async fn bare(users: usize, sim: &Sim) -> Result<f64> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn({
        let sim = sim.clone();
        async move { sim.serve(listener, async { drop(ended.await) }).await }
    });
    let speed = Bare::sign_in(&address, TARGET).await?.create(users, AT_ONCE).await?;
    drop(end);
    serving.await??;
    show(&format!("bare client, {AT_ONCE} users at once: {speed:.0} users/s"));
    Ok(speed)
}

/// Applies the configuration of a fleet whose processes run, and waits until all users are there.
///
/// # Errors
/// If the fleet does not get there.
pub(crate) async fn synchronize(fleet: &Fleet) -> Result<First> {
    let hub = fleet.sim.tenant(TARGET).context("no target")?;
    let (_, in_scope) = fixture::users(&fleet.sim)?;
    let (spent, counts) = (fixture::cpu_of_all(fleet)?, hub.counts());
    let (before, began) = (hub.user_count(), Instant::now());
    fleet.apply()?;
    // By the simulator: to watch the status would cost the database as much as the synchronization does.
    wait_for(CREATED_MAX, "all users", async || Ok((hub.user_count() >= before + in_scope.len()).then_some(()))).await?;
    let ended = fixture::until_quiet(&fleet.sim, Duration::from_secs(60)).await?;
    let spent = spent.into_iter().zip(fixture::cpu_of_all(fleet)?).map(|((name, before), (_, now))| (name, now - before)).collect();
    let mut now = hub.counts();
    now.iter_mut().for_each(|(kind, count)| *count -= counts.get(kind).copied().unwrap_or_default());
    let counts = now.into_iter().filter(|(_, count)| *count > 0).collect();
    let first = First { users: in_scope.len(), took: ended.duration_since(began).as_secs_f64(), spent, counts };
    show(&format!("first synchronization: {:.0} users/s", first.speed()));
    fleet.converge(fixture::LONG)?;
    Ok(first)
}

impl First {
    /// Users a second.
    pub(crate) fn speed(&self) -> f64 {
        self.users as f64 / self.took
    }

    /// What it was measured with.
    pub(crate) fn conditions(&self) -> String {
        format!("{} users in {:.1} s, all roles, Kafka, PostgreSQL", self.users, self.took)
    }

    /// Microseconds a user.
    pub(crate) fn micros(&self, spent: Duration) -> f64 {
        spent.as_secs_f64() * 1e6 / self.users as f64
    }

    /// Requests to the target.
    pub(crate) fn requests(&self) -> u64 {
        self.count(|_, path| path != BATCH)
    }

    /// Requests to the target that change something.
    pub(crate) fn writes(&self) -> u64 {
        self.count(|method, path| method != "GET" && path != BATCH && !path.starts_with(READ_BY_POST))
    }

    /// Each kind of request to the target, most frequent first, and how many a create takes.
    pub(crate) fn requests_per_create(&self) -> Vec<(String, Vec<f64>)> {
        let share = |count: u64| count as f64 / self.users as f64;
        let (mut shown, rare): (Vec<_>, Vec<_>) = self.counts.iter().partition(|(_, count)| share(**count) >= SHOWN_MIN);
        shown.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let shown = shown.into_iter().map(|((method, path), count)| (format!("{method} {path}"), vec![share(*count)]));
        let others = ("others".to_owned(), vec![share(rare.into_iter().map(|(_, count)| *count).sum())]);
        shown.chain([others]).collect()
    }

    /// Where the processor time goes.
    pub(crate) fn processors(&self) -> Breakdown {
        let part =
            |(name, spent): &(&str, Duration)| ((*name).to_owned(), vec![self.micros(*spent), spent.as_secs_f64() / self.took * 100.0]);
        let name = format!("processor time of a first synchronization of {} users", self.users);
        Breakdown { name, columns: vec!["µs a user", "% of a core"], parts: self.spent.iter().map(part).collect() }
    }

    fn count(&self, counted: impl Fn(&str, &str) -> bool) -> u64 {
        self.counts.iter().filter(|((method, path), _)| counted(method, path)).map(|(_, count)| count).sum()
    }
}
