//! What a replica that received something tells the one that owns the tenant. It is in the store already; this says to look.

use xtsync_domain::TenantName;
use xtsync_runtime::shutdown::Shutdown;
use xtsync_store::{Listener, Signal, Store, Transaction};

/// What there is to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wake {
    /// An administrator's command for a tenant.
    Command(TenantName),
    /// A tenant's directory said that something has changed there.
    Change(TenantName),
    /// A tenant's directory said something of a subscription to its changes.
    Subscription(TenantName),
    /// Any of this, of any tenant: some may have been missed. It comes at the start and after the connection was lost.
    Anything,
}

impl Wake {
    /// Tells all replicas with the commit.
    pub fn send(&self, tx: &mut Transaction) {
        match self {
            Self::Command(tenant) => tx.signal(&format!("command/{tenant}")),
            Self::Change(tenant) => tx.signal(&format!("change/{tenant}")),
            Self::Subscription(tenant) => tx.signal(&format!("subscription/{tenant}")),
            Self::Anything => {}
        }
    }

    /// `None` for what a newer version sends.
    fn read(signal: &Signal) -> Option<Self> {
        let Signal::Of(subject) = signal else { return Some(Self::Anything) };
        let (what, tenant) = subject.split_once('/')?;
        let tenant = TenantName::new(tenant).ok()?;
        match what {
            "command" => Some(Self::Command(tenant)),
            "change" => Some(Self::Change(tenant)),
            "subscription" => Some(Self::Subscription(tenant)),
            _ => None,
        }
    }
}

/// What replicas of a role tell, this one included.
#[derive(Debug)]
pub struct Wakes(Listener);

impl Wakes {
    /// From now on.
    #[must_use]
    pub fn of(store: &Store) -> Self {
        Self(store.listen())
    }

    /// What a replica tells next; [`Wake::Anything`] first. Cancelling it loses nothing.
    pub async fn next(&mut self) -> Wake {
        loop {
            if let Some(wake) = Wake::read(&self.0.next().await) {
                return wake;
            }
        }
    }
}

/// Passes on what replicas of this role tell, until the shutdown.
pub async fn follow(store: &Store, wake: impl Fn(Wake), shutdown: Shutdown) {
    let mut wakes = Wakes::of(store);
    while let Some(next) = shutdown.or(wakes.next()).await {
        wake(next);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;
    use xtsync_kit::store_fixture::StoreFixture;

    use super::*;

    #[tokio::test]
    async fn what_is_sent_is_passed_on_and_what_is_unknown_is_not() {
        let store = StoreFixture::sqlite().open().await;
        let mut wakes = Wakes::of(&store);
        let mut next = async || timeout(Duration::from_secs(30), wakes.next()).await.unwrap();
        assert_eq!(next().await, Wake::Anything);
        let emea = || TenantName::new("emea").unwrap();
        let sent = [Wake::Command(emea()), Wake::Change(emea()), Wake::Subscription(emea())];
        let mut tx = store.begin().await.unwrap();
        for unknown in ["emea", "later/emea", "change/no tenant"] {
            tx.signal(unknown);
        }
        sent.iter().for_each(|wake| wake.send(&mut tx));
        tx.commit().await.unwrap();
        assert_eq!([next().await, next().await, next().await], sent);
    }
}
