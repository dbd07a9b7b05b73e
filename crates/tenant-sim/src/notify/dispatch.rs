//! Dispatches the writes of the journal to the endpoints, as one notification for each subscription that matches.

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

use super::notification::Notification;
use super::{LifecycleEvent, Subscription, Subscriptions, endpoint, lock};
use crate::journal::Entry;
use crate::sim::Sim;

/// How many notifications may wait for one endpoint; further ones are lost.
const QUEUE_MAX: usize = 10_000;
/// How long to sleep when nothing is due.
const LONG: std::time::Duration = std::time::Duration::from_secs(24 * 3600);

/// The queue and the task of each endpoint, by URL. The tasks end when this is dropped.
#[derive(Default)]
struct Endpoints {
    queues: HashMap<Url, Sender<Notification>>,
    tasks: JoinSet<()>,
}

/// Sends a notification for each journal entry and sends due lifecycle events, as long as it is polled.
pub(crate) async fn run(sim: Sim, mut writes: Receiver<Entry>) -> Infallible {
    let mut endpoints = Endpoints::default();
    loop {
        let due = sim.subscriptions().next_challenge();
        tokio::select! {
            entry = writes.recv() => match entry {
                Ok(entry) => enqueue(&sim, &entry, &mut endpoints),
                Err(RecvError::Lagged(_)) => sim.subscriptions().all_missed(),
                Err(RecvError::Closed) => std::future::pending().await,
            },
            () = sim.subscriptions().changed.notified() => {}
            () = sleep(due) => sim.subscriptions().challenge_due(),
        }
        for (url, notification) in sim.subscriptions().outbox() {
            endpoints.send(&sim, url, notification);
        }
    }
}

fn enqueue(sim: &Sim, entry: &Entry, endpoints: &mut Endpoints) {
    for (url, notification) in sim.subscriptions().notifications(entry) {
        endpoints.send(sim, url, notification);
    }
}

impl Endpoints {
    fn send(&mut self, sim: &Sim, url: Url, notification: Notification) {
        let tasks = &mut self.tasks;
        let queue = self.queues.entry(url).or_insert_with_key(|url| {
            let (queue, notifications) = channel(QUEUE_MAX);
            tasks.spawn(endpoint::serve(sim.clone(), url.clone(), notifications));
            queue
        });
        let (id, lifecycle) = (notification.subscription, notification.lifecycle);
        if queue.try_send(notification).is_err() && !lifecycle {
            sim.subscriptions().send_lifecycle_to(id, LifecycleEvent::Missed);
        }
    }
}

impl Subscriptions {
    /// The notifications of one write, with the URLs they go to.
    fn notifications(&self, entry: &Entry) -> Vec<(Url, Notification)> {
        let within = self.delivery().reauthorize_within;
        let active = self.active();
        let flowing = active.values().filter(|subscription| subscription.is_active(within));
        flowing.filter_map(|known| Some((known.url.clone(), Notification::change(known, entry)?))).collect()
    }

    fn outbox(&self) -> Vec<(Url, Notification)> {
        lock(&self.outbox).drain(..).collect()
    }

    /// The time until the next `reauthorizationRequired` event is due.
    fn next_challenge(&self) -> std::time::Duration {
        let now = OffsetDateTime::now_utc();
        let waiting = |known: &&Subscription| known.challenged.is_none();
        let next = self.active().values().filter(waiting).map(|known| known.challenge_at).min();
        next.map_or(LONG, |at| std::time::Duration::try_from(at - now).unwrap_or_default())
    }

    fn challenge_due(&self) {
        let now = OffsetDateTime::now_utc();
        let due = |known: &&Subscription| known.challenged.is_none() && known.challenge_at <= now;
        let ids: Vec<Uuid> = self.active().values().filter(due).map(|known| known.id).collect();
        for id in ids {
            self.send_lifecycle_to(id, LifecycleEvent::ReauthorizationRequired);
        }
    }

    fn all_missed(&self) {
        let ids: Vec<Uuid> = self.active().keys().copied().collect();
        for id in ids {
            self.send_lifecycle_to(id, LifecycleEvent::Missed);
        }
    }

    /// Records a delivery: a later loss is reported with a new `missed` event.
    pub(super) fn delivered(&self, id: Uuid) {
        if let Some(subscription) = self.active().get_mut(&id) {
            subscription.missing = false;
        }
    }
}
