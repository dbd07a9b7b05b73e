//! Change notifications: the subscriptions, and the delivery of changes by webhook.
//!
//! Notifications are triggers: they are coalesced, may be late, and are lost if the endpoint is slow. A client that needs every change
//! follows the delta link. A new and a soft-deleted user are `updated`, and only a permanently deleted one is `deleted`. `created` is
//! accepted in a subscription and never sent. Source: Microsoft's pages on webhooks, lifecycle notifications and the subscription resource.

mod dispatch;
mod endpoint;
mod health;
mod notification;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use time::OffsetDateTime;
use tokio::sync::Notify;
use tokio::time::Instant;
use url::Url;
use uuid::Uuid;

pub(crate) use self::dispatch::run;
pub(crate) use self::endpoint::validate;
use self::notification::Notification;
use crate::property::ObjectKind;

/// How long a subscription to directory objects lasts at most: 41,760 minutes, i.e. 29 days.
pub(crate) const LIFE_MAX: Duration = Duration::from_secs(41_760 * 60);
/// How many subscriptions an application may have in a tenant.
pub(crate) const SUBSCRIPTIONS_MAX: usize = 100;
/// How many notifications may wait for the dispatcher.
const OUTBOX_MAX: usize = 10_000;

/// How notifications are delivered. The default is as Microsoft documents, except for fewer retries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    /// How long the first change of several waits for the others.
    pub coalesce: Duration,
    /// A delivery that takes longer fails, and its answer counts as slow.
    pub timeout: Duration,
    /// How many attempts a delivery has before it is dropped.
    pub attempts_max: u32,
    /// The delay before the second attempt; it doubles for each further one.
    pub retry_after: Duration,
    /// The answers within this time determine whether an endpoint is slow.
    pub window: Duration,
    /// An endpoint with fewer answers in the window is not slow.
    pub judged_from: usize,
    /// The delay of a delivery to a slow endpoint.
    pub slow_delay: Duration,
    /// A shorter lifetime of a subscription is extended to this.
    pub life_min: Duration,
    /// How long notifications continue after a `reauthorizationRequired` event that the application did not answer.
    pub reauthorize_within: Duration,
}

impl Default for Delivery {
    fn default() -> Self {
        Self {
            coalesce: Duration::from_millis(5),
            timeout: Duration::from_secs(10),
            attempts_max: 3,
            retry_after: Duration::from_secs(1),
            window: Duration::from_secs(600),
            judged_from: 100,
            slow_delay: Duration::from_secs(10),
            life_min: Duration::from_secs(45 * 60),
            reauthorize_within: Duration::from_secs(3600),
        }
    }
}

/// An event of the subscription itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LifecycleEvent {
    /// The application must authorize the subscription again, or renew it.
    ReauthorizationRequired,
    /// The subscription was removed; the application must create a new one.
    SubscriptionRemoved,
    /// Notifications were lost; only a delta query returns the changes.
    Missed,
}

/// One subscription.
#[derive(Debug, Clone)]
pub(crate) struct Subscription {
    pub(crate) id: Uuid,
    /// The tenant's name and directory id.
    pub(crate) tenant: (Arc<str>, Uuid),
    pub(crate) client: Uuid,
    pub(crate) kind: ObjectKind,
    /// The resource as the client wrote it.
    pub(crate) resource: String,
    pub(crate) change_type: String,
    pub(crate) url: Url,
    pub(crate) lifecycle_url: Option<Url>,
    pub(crate) client_state: Option<String>,
    pub(crate) expires: OffsetDateTime,
    /// When `reauthorizationRequired` is sent.
    pub(crate) challenge_at: OffsetDateTime,
    /// When `reauthorizationRequired` was sent, if it is not answered yet.
    pub(crate) challenged: Option<Instant>,
    /// Whether `missed` was sent and no notification was delivered since.
    pub(crate) missing: bool,
}

/// All subscriptions of a simulator.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    active: Mutex<BTreeMap<Uuid, Subscription>>,
    outbox: Mutex<VecDeque<(Url, Notification)>>,
    /// Notifies the dispatcher that the outbox or a due time has changed.
    changed: Notify,
    delivery: Mutex<Delivery>,
}

impl Subscription {
    /// Sets the lifetime. `reauthorizationRequired` is due when a quarter of it is left.
    pub(crate) fn extend(&mut self, now: OffsetDateTime, life: Duration) {
        self.expires = now + life;
        self.challenge_at = now + life * 3 / 4;
        self.challenged = None;
    }

    /// Whether notifications are sent.
    fn is_active(&self, within: Duration) -> bool {
        self.challenged.is_none_or(|since| since.elapsed() < within)
    }
}

impl Subscriptions {
    pub(crate) fn delivery(&self) -> Delivery {
        *lock(&self.delivery)
    }

    pub(crate) fn set_delivery(&self, delivery: Delivery) {
        *lock(&self.delivery) = delivery;
    }

    /// Adds a subscription. Returns false if the application has [`SUBSCRIPTIONS_MAX`] in that tenant.
    pub(crate) fn add(&self, subscription: Subscription) -> bool {
        let mut active = self.active();
        let owner = |known: &&Subscription| (known.client, known.tenant.1) == (subscription.client, subscription.tenant.1);
        if active.values().filter(owner).count() >= SUBSCRIPTIONS_MAX {
            return false;
        }
        active.insert(subscription.id, subscription);
        self.changed.notify_one();
        true
    }

    /// The subscriptions that an application has in a tenant.
    pub(crate) fn of(&self, client: Uuid, tenant: Uuid) -> Vec<Subscription> {
        let active = self.active();
        active.values().filter(|known| (known.client, known.tenant.1) == (client, tenant)).cloned().collect()
    }

    /// Changes a subscription and returns the changed one; `None` if there is none with that id.
    pub(crate) fn change(&self, id: Uuid, change: impl FnOnce(&mut Subscription)) -> Option<Subscription> {
        let mut active = self.active();
        let subscription = active.get_mut(&id)?;
        change(subscription);
        self.changed.notify_one();
        Some(subscription.clone())
    }

    pub(crate) fn remove(&self, id: Uuid) {
        self.active().remove(&id);
    }

    /// Applies a lifecycle event to every subscription of a tenant and notifies those with a lifecycle endpoint.
    pub(crate) fn send_lifecycle(&self, tenant: &str, event: LifecycleEvent) {
        let of_tenant = |known: &&Subscription| *known.tenant.0 == *tenant;
        let ids: Vec<Uuid> = self.active().values().filter(of_tenant).map(|known| known.id).collect();
        for id in ids {
            self.send_lifecycle_to(id, event);
        }
    }

    fn send_lifecycle_to(&self, id: Uuid, event: LifecycleEvent) {
        let mut active = self.active();
        let Some(subscription) = active.get_mut(&id) else {
            return;
        };
        match event {
            LifecycleEvent::ReauthorizationRequired => subscription.challenged = Some(Instant::now()),
            // Sent once until a notification is delivered again.
            LifecycleEvent::Missed if std::mem::replace(&mut subscription.missing, true) => return,
            LifecycleEvent::Missed | LifecycleEvent::SubscriptionRemoved => {}
        }
        if let Some(url) = subscription.lifecycle_url.clone() {
            self.put(url, Notification::lifecycle(subscription, event));
        }
        if event == LifecycleEvent::SubscriptionRemoved {
            active.remove(&id);
        }
    }

    fn put(&self, url: Url, notification: Notification) {
        let mut outbox = lock(&self.outbox);
        if outbox.len() < OUTBOX_MAX {
            outbox.push_back((url, notification));
        }
        self.changed.notify_one();
    }

    /// The subscriptions that have not expired; removes the others.
    fn active(&self) -> MutexGuard<'_, BTreeMap<Uuid, Subscription>> {
        let now = OffsetDateTime::now_utc();
        let mut active = lock(&self.active);
        active.retain(|_, subscription| subscription.expires > now);
        active
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock()
}
