//! From the journal to the couriers: each write becomes the notices of those who subscribed to it.

use std::collections::HashMap;
use std::convert::Infallible;

use time::OffsetDateTime;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc::{Sender, channel};
use tokio::task::JoinSet;
use tokio::time::sleep;
use url::Url;
use uuid::Uuid;

use super::notice::Notice;
use super::{LifecycleEvent, Subscription, Subscriptions, courier, lock};
use crate::journal::Entry;
use crate::sim::Sim;

/// How many notices may wait for one endpoint; further ones are lost.
const QUEUE_MAX: usize = 10_000;
/// How long to sleep when nothing is due.
const LONG: std::time::Duration = std::time::Duration::from_secs(24 * 3600);

/// The couriers by the endpoint they go to. They end with this.
#[derive(Default)]
struct Couriers {
    queues: HashMap<Url, Sender<Notice>>,
    tasks: JoinSet<()>,
}

/// Tells subscribers what the journal tells, as long as it is polled.
pub(crate) async fn run(sim: Sim, mut writes: Receiver<Entry>) -> Infallible {
    let mut couriers = Couriers::default();
    loop {
        let due = sim.subscriptions().next_challenge();
        tokio::select! {
            entry = writes.recv() => match entry {
                Ok(entry) => tell(&sim, &entry, &mut couriers),
                Err(RecvError::Lagged(_)) => sim.subscriptions().all_missed(),
                Err(RecvError::Closed) => std::future::pending().await,
            },
            () = sim.subscriptions().changed.notified() => {}
            () = sleep(due) => sim.subscriptions().challenge_due(),
        }
        for (url, notice) in sim.subscriptions().outbox() {
            couriers.send(&sim, url, notice);
        }
    }
}

fn tell(sim: &Sim, entry: &Entry, couriers: &mut Couriers) {
    for (url, notice) in sim.subscriptions().notices(entry) {
        couriers.send(sim, url, notice);
    }
}

impl Couriers {
    fn send(&mut self, sim: &Sim, url: Url, notice: Notice) {
        let tasks = &mut self.tasks;
        let queue = self.queues.entry(url).or_insert_with_key(|url| {
            let (queue, notices) = channel(QUEUE_MAX);
            tasks.spawn(courier::serve(sim.clone(), url.clone(), notices));
            queue
        });
        let (id, lifecycle) = (notice.subscription, notice.lifecycle);
        if queue.try_send(notice).is_err() && !lifecycle {
            sim.subscriptions().happen_to(id, LifecycleEvent::Missed);
        }
    }
}

impl Subscriptions {
    /// What a write means for those who subscribed.
    fn notices(&self, entry: &Entry) -> Vec<(Url, Notice)> {
        let within = self.delivery().reauthorize_within;
        let kept = self.kept();
        let flowing = kept.values().filter(|subscription| subscription.flows(within));
        flowing.filter_map(|known| Some((known.url.clone(), Notice::change(known, entry)?))).collect()
    }

    fn outbox(&self) -> Vec<(Url, Notice)> {
        lock(&self.outbox).drain(..).collect()
    }

    /// How long until the next application is to be asked to authorize again.
    fn next_challenge(&self) -> std::time::Duration {
        let now = OffsetDateTime::now_utc();
        let waiting = |known: &&Subscription| known.challenged.is_none();
        let next = self.kept().values().filter(waiting).map(|known| known.challenge_at).min();
        next.map_or(LONG, |at| std::time::Duration::try_from(at - now).unwrap_or_default())
    }

    fn challenge_due(&self) {
        let now = OffsetDateTime::now_utc();
        let due = |known: &&Subscription| known.challenged.is_none() && known.challenge_at <= now;
        let ids: Vec<Uuid> = self.kept().values().filter(due).map(|known| known.id).collect();
        for id in ids {
            self.happen_to(id, LifecycleEvent::ReauthorizationRequired);
        }
    }

    fn all_missed(&self) {
        let ids: Vec<Uuid> = self.kept().keys().copied().collect();
        for id in ids {
            self.happen_to(id, LifecycleEvent::Missed);
        }
    }

    /// Something arrived, so that what is lost after it is told again.
    pub(super) fn arrived(&self, id: Uuid) {
        if let Some(subscription) = self.kept().get_mut(&id) {
            subscription.missing = false;
        }
    }
}
