//! Supervises tasks: a task that panics, or ends before the shutdown, is counted, logged and restarted with growing pauses.
//!
//! A panic is a defect, often caused by one record or one response. The rest of the process continues, and readiness names the task until
//! it has recovered. The panic message is only in the process's own output, because it may quote a value.

use std::time::Duration;

use opentelemetry::KeyValue;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tracing::error;

use crate::backoff;
use crate::health::Health;
use crate::metrics::meter;
use crate::shutdown::Shutdown;

/// The upper bound of the first pause.
const FIRST_RESTART_DELAY: Duration = Duration::from_millis(500);

/// The upper bound of all pauses.
const RESTART_DELAY_MAX: Duration = Duration::from_secs(60);

/// A task that has run for this long has recovered.
pub const RECOVERED_AFTER: Duration = Duration::from_secs(60);

/// A task panicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it panicked")]
pub struct Panicked;

/// Runs a future as a separate task and catches its panic. Dropping this aborts the task.
///
/// # Errors
/// If it panicked.
pub async fn catch_panic<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Result<T, Panicked> {
    let mut task = JoinSet::new();
    task.spawn(work);
    match task.join_next().await {
        Some(Ok(done)) => Ok(done),
        // Only a panic ends the task without a result: no other code can cancel it.
        Some(Err(_)) | None => Err(Panicked),
    }
}

/// The pauses between restarts of one task.
#[derive(Debug)]
pub struct RestartBackoff {
    failures: u32,
    longest: Duration,
    rng: StdRng,
}

impl RestartBackoff {
    /// A backoff without failures, with the longest pause.
    #[must_use]
    pub fn new(longest: Duration) -> Self {
        Self { failures: 0, longest, rng: StdRng::from_os_rng() }
    }

    /// The pause after a failure; `worked` is how long the task had run.
    pub fn pause(&mut self, worked: Duration) -> Duration {
        self.failures = if worked > RECOVERED_AFTER { 1 } else { self.failures.saturating_add(1) };
        backoff::delay_between(self.failures, FIRST_RESTART_DELAY, self.longest, &mut self.rng)
    }
}

/// The state of a supervised task after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskState {
    /// It waits for its restart.
    Down,
    /// It was restarted and may fail again.
    Restarted,
    /// It has run for [`RECOVERED_AFTER`].
    Recovered,
}

/// A task to supervise.
#[derive(Debug, Clone)]
pub struct Task {
    /// The process's health, which names the task while it fails.
    pub health: Health,
    /// Its role.
    pub role: &'static str,
    /// Its name, such as `detect`.
    pub name: &'static str,
    /// Its tenant; empty for none.
    pub tenant: String,
}

impl Task {
    /// Runs the task until the shutdown and restarts it after each failure; `on_change` receives each change of its state.
    pub async fn supervise<W>(self, shutdown: &Shutdown, start: impl FnMut() -> W, on_change: impl Fn(TaskState))
    where
        W: Future<Output = ()> + Send + 'static,
    {
        self.run(shutdown, RECOVERED_AFTER, start, on_change).await;
    }

    async fn run<W>(self, shutdown: &Shutdown, recovered: Duration, mut start: impl FnMut() -> W, on_change: impl Fn(TaskState))
    where
        W: Future<Output = ()> + Send + 'static,
    {
        let failures =
            meter().u64_counter("xtsync_task_failures").with_description("Tasks that panicked or ended, and were restarted.").build();
        let labels = [KeyValue::new("role", self.role), KeyValue::new("task", self.name), KeyValue::new("tenant", self.tenant.clone())];
        let (mut restarts, mut failing) = (RestartBackoff::new(RESTART_DELAY_MAX), None);
        while !shutdown.is_cancelled() {
            let began = Instant::now();
            let mut work = Box::pin(catch_panic(start()));
            let ended = match timeout(recovered, &mut work).await {
                Ok(ended) => ended,
                Err(_) => {
                    if failing.take().is_some() {
                        on_change(TaskState::Recovered);
                    }
                    work.await
                }
            };
            let why = match ended {
                Ok(()) if shutdown.is_cancelled() => return,
                Ok(()) => "it ended by itself".to_owned(),
                Err(panicked) => panicked.to_string(),
            };
            failures.add(1, &labels);
            let pause = restarts.pause(began.elapsed());
            error!(role = %self.role, task = self.name, tenant = self.tenant, why, ?pause, "a task is restarted");
            let condition = failing.get_or_insert_with(|| self.health.condition(self.condition()));
            condition.set(false, format!("{why}, and is restarted"));
            on_change(TaskState::Down);
            shutdown.or(sleep(pause)).await;
            on_change(TaskState::Restarted);
        }
    }

    fn condition(&self) -> String {
        let parts = ["task", self.role, self.name, &self.tenant];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use parking_lot::Mutex;

    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_or_ends_is_restarted_and_reported_until_it_recovers() {
        for panics in [true, false] {
            let (health, shutdown, runs) = (Health::new(), Shutdown::new(), AtomicUsize::new(0));
            let other = health.condition("other");
            other.set(true, "");
            let task = Task { health: health.clone(), role: "policy", name: "decide", tenant: "emea".to_owned() };
            let start = || {
                let (run, stop) = (runs.fetch_add(1, Ordering::SeqCst), shutdown.clone());
                async move {
                    match run {
                        0 => assert!(!panics, "a mistake"),
                        _ => stop.cancelled().await,
                    }
                }
            };
            let states = Mutex::new(Vec::new());
            let on_change = |stage| {
                states.lock().push((stage, health.is_ready()));
                if stage == TaskState::Recovered {
                    shutdown.begin();
                }
            };
            task.run(&shutdown, Duration::from_millis(50), start, on_change).await;
            use TaskState::{Down, Recovered, Restarted};
            assert_eq!(*states.lock(), [(Down, false), (Restarted, false), (Recovered, true)], "panics: {panics}");
            assert_eq!(runs.load(Ordering::SeqCst), 2);
        }
    }

    #[test]
    fn restart_delays_grow_and_reset_after_recovery() {
        let mut restarts = RestartBackoff::new(Duration::from_secs(10));
        let longest = |restarts: &mut RestartBackoff, failures| (0..failures).map(|_| restarts.pause(Duration::ZERO)).max().unwrap();
        assert!(longest(&mut restarts, 100) > Duration::from_secs(1));
        assert!(restarts.pause(RECOVERED_AFTER * 2) <= FIRST_RESTART_DELAY);
    }
}
