//! Keeps change notifications of a tenant's directory coming, beside the cycles: the owner of the lease creates subscriptions, renews them
//! before they expire, and asks anew when they are gone.
//!
//! Notifications are triggers (R19): without them the tenant is polled, so a failure here stops nothing.

use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngCore as _, SeedableRng as _};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::watch;
use tracing::{info, warn};
use url::Url;
use xtsync_directory::{self as directory, Collection, Source, Subscribe};
use xtsync_domain::{TenantName, Timestamp};
use xtsync_runtime::clock::Clock;
use xtsync_runtime::telemetry::chain;
use xtsync_store::Fence;

use crate::error::Error;
use crate::metrics::Metrics;
use crate::subscription::{self, Known};
use crate::tenant::DetectionSpec;
use crate::trigger::Trigger;

/// How often the store is asked at least: a subscription may have been made by an owner whose answer came late.
const CHECK_INTERVAL: Duration = Duration::from_secs(5 * 60);

/// How soon the store is asked again after a change of a subscription. A directory that grants none that lasts is asked no more often.
const RECHECK_INTERVAL: Duration = Duration::from_secs(5);

/// How long a subscription lasts: so short that one which is unknown, because an answer was lost, soon expires by itself. It is
/// renewed after half of that.
const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// How soon a directory that failed is asked again, where it does not say itself.
const DIRECTORY_RETRY_INTERVAL: Duration = Duration::from_secs(60);

/// How soon a store that failed is asked again.
const STORE_RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// Keeps the subscriptions to the users and groups of a tenant.
pub(crate) struct Subscriber {
    pub(crate) name: TenantName,
    pub(crate) source: Arc<dyn Source>,
    pub(crate) fence: Fence,
    pub(crate) trigger: Trigger,
    pub(crate) metrics: Metrics,
    /// Why no notifications come, though they are configured; empty where they come.
    pub(crate) warning: watch::Sender<String>,
    /// Where the directory posts notifications; none where none are configured.
    pub(crate) url: Option<Url>,
    /// When the directory is asked again after a failure.
    pub(crate) not_before: Timestamp,
}

/// Where the directory posts notifications of a tenant.
pub(crate) fn url(name: &TenantName, source: &dyn Source) -> Option<Url> {
    let mut url = source.notification_url()?;
    url.path_segments_mut().ok()?.pop_if_empty().extend(["notifications", name.as_str()]);
    Some(url)
}

impl Subscriber {
    /// Keeps the subscriptions as long as it is polled.
    pub(crate) async fn run(mut self, clock: Arc<dyn Clock>, mut specs: watch::Receiver<DetectionSpec>) {
        loop {
            let is_source = specs.borrow_and_update().users.is_some();
            let now = clock.now();
            let next = match self.step(is_source, now).await {
                Ok(next) => next,
                Err(error) => Some(self.failed(&error, clock.now())),
            };
            tokio::select! {
                // Where there are no subscriptions and none are wanted there is nothing to look for.
                () = tokio::time::sleep(next.map_or(CHECK_INTERVAL, |next| next.since(now))), if next.is_some() => {}
                () = self.trigger.subscription(&self.name) => {}
                changed = specs.changed() => if changed.is_err() { std::future::pending().await },
            }
        }
    }

    /// Ends the subscriptions of a tenant that is no source any more. What fails ends by itself.
    pub(crate) async fn end(mut self) {
        if let Err(error) = self.step(false, self.not_before).await {
            warn!(tenant = %self.name, error = chain(&error), "subscriptions are left to expire");
        }
    }

    /// Does what is due. Returns when something is due next; `None` when there are no subscriptions and none are wanted.
    pub(crate) async fn step(&mut self, is_source: bool, now: Timestamp) -> Result<Option<Timestamp>, Error> {
        let known = subscription::load(self.fence.store(), &self.name).await?;
        let url = self.url.clone().filter(|_| is_source);
        if url.is_none() && known.is_empty() {
            return Ok(None);
        }
        let in_force = known.iter().filter(|known| known.id.is_some() && known.expires > now).count();
        self.metrics.subscriptions(&self.name, in_force);
        if now < self.not_before {
            return Ok(Some(self.not_before));
        }
        let mut is_changed = false;
        match url {
            Some(url) => {
                for of in [Collection::Users, Collection::Groups] {
                    is_changed |= self.ensure(of, known.iter().find(|known| known.of == of), &url, now).await?;
                }
                self.warning.send_replace(String::new());
            }
            None => {
                for known in &known {
                    self.drop(known).await?;
                }
                is_changed = true;
                self.metrics.subscriptions(&self.name, 0);
                self.warning.send_replace(String::new());
            }
        }
        // What was changed is read again soon.
        let wait = if is_changed { RECHECK_INTERVAL } else { CHECK_INTERVAL };
        Ok(known.iter().map(|known| known.renew_at).filter(|_| !is_changed).chain([now.plus(wait)]).min())
    }

    /// Makes or renews a subscription where that is due; returns whether it was.
    async fn ensure(&self, of: Collection, known: Option<&Known>, url: &Url, now: Timestamp) -> Result<bool, Error> {
        let Some((known, id)) = known.and_then(|known| Some((known, known.id.as_ref()?))).filter(|(known, _)| known.expires > now) else {
            return self.make(of, url, now).await.map(|()| true);
        };
        if known.url != url.as_str() {
            self.source.unsubscribe(id).await?;
            return self.make(of, url, now).await.map(|()| true);
        }
        if now < known.renew_at {
            return Ok(false);
        }
        match self.source.renew(id, now.plus(LIFETIME)).await {
            Ok(expires) => {
                let mut tx = self.fence.begin().await?;
                subscription::renewed(&mut tx, &self.name, id, expires, halfway(now, expires)).await?;
                tx.commit().await?;
            }
            Err(directory::Error::NotFound) => self.make(of, url, now).await?,
            Err(error) => return Err(error.into()),
        }
        Ok(true)
    }

    async fn make(&self, of: Collection, url: &Url, now: Timestamp) -> Result<(), Error> {
        let client_state = random();
        let hash = subscription::state_hash(client_state.expose_secret());
        let mut tx = self.fence.begin().await?;
        subscription::intend(&mut tx, &self.name, of, &hash, url).await?;
        tx.commit().await?;
        let asked = Subscribe { of, url: url.clone(), client_state, until: now.plus(LIFETIME) };
        let made = self.source.subscribe(&asked).await?;
        let mut tx = self.fence.begin().await?;
        subscription::made(&mut tx, &self.name, &hash, &made, halfway(now, made.expires)).await?;
        tx.commit().await?;
        info!(tenant = %self.name, ?of, "the directory tells of changes");
        // What happened before was notified to no subscription.
        self.trigger.trigger(&self.name);
        Ok(())
    }

    async fn drop(&self, known: &Known) -> Result<(), Error> {
        if let Some(id) = &known.id {
            self.source.unsubscribe(id).await?;
        }
        let mut tx = self.fence.begin().await?;
        subscription::forget(&mut tx, &self.name, known.of).await?;
        Ok(tx.commit().await?)
    }

    /// Returns when it is tried again.
    pub(crate) fn failed(&mut self, error: &Error, now: Timestamp) -> Timestamp {
        let code = error.code();
        warn!(tenant = %self.name, code, error = chain(error), "the directory cannot be asked to tell of changes: it is polled only");
        self.metrics.failed(&self.name, "subscription");
        self.warning.send_replace(format!("notifications_{code}"));
        match error {
            Error::Directory(_) => {
                self.not_before = now.plus(error.wait().unwrap_or(DIRECTORY_RETRY_INTERVAL));
                self.not_before
            }
            Error::Store(_) | Error::Bus(_) | Error::Corrupt(_) => now.plus(STORE_RETRY_INTERVAL),
        }
    }
}

fn halfway(now: Timestamp, expires: Timestamp) -> Timestamp {
    now.plus(expires.since(now) / 2)
}

/// 256 random bits.
fn random() -> SecretString {
    let mut bytes = [0; 32];
    StdRng::from_os_rng().fill_bytes(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
}
