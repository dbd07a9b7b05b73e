//! Signals: a transaction tells all replicas of its service, once it is committed, that something changed that one of them has to act on.
//! So the owner of a tenant acts at once on what another replica received, and need not poll.
//!
//! PostgreSQL carries them (`NOTIFY`, <https://www.postgresql.org/docs/current/sql-notify.html>); a file has one process, which carries them
//! itself. A signal is a hint: what it is about is in the store. One may be lost with a connection; then [`Signal::Missed`] follows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::broadcast::{Receiver, Sender, error::RecvError};
use tokio::time::sleep;
use tracing::warn;
use xtsync_runtime::telemetry::chain;

/// How many signals a listener may be behind before it counts some as missed.
const SIGNALS_MAX: usize = 1_024;

/// How long to wait before the database is asked again for a connection to listen on.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// What a listener hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// Something changed about this subject, as the transaction named it.
    Of(String),
    /// Signals may have been missed: anything may have changed.
    Missed,
}

/// Carries the signals of a store to the listeners of this process.
#[derive(Debug, Clone)]
pub(super) struct Signals {
    listeners: Sender<Signal>,
    server: Option<Server>,
}

/// The server that carries signals between processes.
#[derive(Debug, Clone)]
struct Server {
    pool: PgPool,
    channel: String,
    /// Whether this process has a connection that listens, or will soon.
    is_heard: Arc<AtomicBool>,
}

/// Listens to the signals of a store.
#[derive(Debug)]
pub struct Listener {
    receiver: Receiver<Signal>,
    has_begun: bool,
}

impl Signals {
    /// Those of a file.
    pub(super) fn of_file() -> Self {
        Self { listeners: Sender::new(SIGNALS_MAX), server: None }
    }

    /// Those of a schema. One connection of the pool listens, from the first listener on.
    pub(super) fn of_server(pool: PgPool, schema: &str) -> Self {
        let server = Server { pool, channel: format!("xtsync_{schema}"), is_heard: Arc::default() };
        Self { listeners: Sender::new(SIGNALS_MAX), server: Some(server) }
    }

    /// The channel on a server.
    pub(super) fn channel(&self) -> &str {
        self.server.as_ref().map_or("", |server| &server.channel)
    }

    /// Carries what a committed transaction said. A server does that with the commit.
    pub(super) fn committed(&self, subjects: Vec<String>) {
        if self.server.is_none() {
            for subject in subjects {
                // It fails where there is no listener.
                self.listeners.send(Signal::Of(subject)).ok();
            }
        }
    }

    pub(super) fn listen(&self) -> Listener {
        if let Some(server) = self.server.as_ref().filter(|server| !server.is_heard.swap(true, Ordering::Relaxed)) {
            tokio::spawn(hear(server.clone(), self.listeners.clone()));
        }
        Listener { receiver: self.listeners.subscribe(), has_begun: false }
    }
}

impl Listener {
    /// The next signal. The first is [`Signal::Missed`]. Cancelling it loses nothing.
    pub async fn next(&mut self) -> Signal {
        if !std::mem::replace(&mut self.has_begun, true) {
            return Signal::Missed;
        }
        match self.receiver.recv().await {
            Ok(signal) => signal,
            Err(RecvError::Lagged(_)) => Signal::Missed,
            // There is no store any more.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// Passes the signals of a server on, until the store is closed.
async fn hear(server: Server, listeners: Sender<Signal>) {
    let passing = async {
        loop {
            if let Err(error) = pass_on(&server, &listeners).await {
                warn!(error = chain(&error), "signals between replicas wait for the database");
                sleep(RETRY_INTERVAL).await;
            }
        }
    };
    tokio::select! {
        () = server.pool.close_event() => {}
        () = passing => {}
    }
    server.is_heard.store(false, Ordering::Relaxed);
}

/// Passes signals on until the connection is lost.
async fn pass_on(server: &Server, listeners: &Sender<Signal>) -> Result<(), sqlx::Error> {
    let mut connection = PgListener::connect_with(&server.pool).await?;
    connection.listen(&server.channel).await?;
    let mut signal = Signal::Missed;
    loop {
        // It fails where there is no listener at the moment.
        listeners.send(signal).ok();
        signal = match connection.try_recv().await? {
            Some(notification) => Signal::Of(notification.payload().to_owned()),
            None => return Ok(()),
        };
    }
}
