//! Access tokens: who may ask for one, and what it allows.
//!
//! Tokens look like signed ones and are opaque: the simulator remembers what it gave out. Each names one tenant and one client.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};
use rand::Rng;
use uuid::Uuid;

use crate::cursor::encode;

/// How many tokens are remembered at once. Expired ones are dropped first; if the table is still full, all are, and so expire early.
const TOKENS_MAX: usize = 100_000;

/// What a client may do, in every tenant of the simulator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Reads everything and writes nothing.
    Read,
    /// Reads everything and writes users, invitations and the bin.
    WriteUsers,
    /// Everything.
    All,
}

/// A registered client application.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) app: Uuid,
    pub(crate) secret: String,
    pub(crate) access: Access,
    /// Secrets that it had before.
    expired: Vec<String>,
}

/// What a token stands for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grant {
    /// The place of the tenant in the simulator.
    pub(crate) tenant: usize,
    /// The application id of the client.
    pub(crate) client: Uuid,
    pub(crate) access: Access,
    expires: Instant,
    uses: u32,
}

/// Why no token was given, as the token endpoint answers.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) error: &'static str,
    pub(crate) number: u32,
    pub(crate) description: String,
}

/// Why a token is worth nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Its time is over, or it never was one.
    InTime,
    /// It was used too often.
    Early,
}

impl Client {
    /// A client by its id. Graph's are GUIDs; one that is not stands for a GUID made from it.
    pub(crate) fn new(id: &str, secret: &str, access: Access) -> Self {
        let half = |start: u64| id.bytes().fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let made = || Uuid::from_u64_pair(half(0xcbf2_9ce4_8422_2325), half(0x9e37_79b9_7f4a_7c15));
        Self {
            id: id.to_owned(),
            app: Uuid::parse_str(id).unwrap_or_else(|_| made()),
            secret: secret.to_owned(),
            access,
            expired: Vec::new(),
        }
    }
}

/// The clients, and the tokens they hold.
#[derive(Debug)]
pub(crate) struct Tokens {
    clients: Mutex<Vec<Client>>,
    lifetime: Duration,
    grants: Mutex<HashMap<String, Grant>>,
}

impl Tokens {
    pub(crate) fn new(clients: Vec<Client>, lifetime: Duration) -> Self {
        Self { clients: Mutex::new(clients), lifetime, grants: Mutex::default() }
    }

    pub(crate) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Issues a token for the tenant to a client that knows its secret.
    pub(crate) fn issue(&self, tenant: usize, id: &str, secret: &str) -> Result<String, Refusal> {
        let client = self.clients().iter().find(|client| client.id == id).cloned().ok_or_else(|| Refusal {
            status: 400,
            error: "unauthorized_client",
            number: 700_016,
            description: format!("Application with identifier '{id}' was not found in the directory."),
        })?;
        if client.expired.iter().any(|expired| expired == secret) {
            return Err(Refusal {
                status: 401,
                error: "invalid_client",
                number: 7_000_222,
                description: format!("The provided client secret keys for app '{id}' are expired."),
            });
        }
        if client.secret != secret {
            return Err(Refusal {
                status: 401,
                error: "invalid_client",
                number: 7_000_215,
                description: format!("Invalid client secret provided for app '{id}'."),
            });
        }
        let now = Instant::now();
        let token = random_token();
        let mut grants = self.grants();
        if grants.len() >= TOKENS_MAX {
            grants.retain(|_, grant| grant.expires > now);
        }
        if grants.len() >= TOKENS_MAX {
            grants.clear();
        }
        grants.insert(token.clone(), Grant { tenant, client: client.app, access: client.access, expires: now + self.lifetime, uses: 0 });
        Ok(token)
    }

    /// What the token stands for, if it is known and has not expired, nor been used that often already.
    pub(crate) fn grant(&self, token: &str, uses_max: u32) -> Result<Grant, Ended> {
        let mut grants = self.grants();
        let grant = grants.get_mut(token).filter(|grant| grant.expires > Instant::now()).ok_or(Ended::InTime)?;
        if grant.uses >= uses_max {
            grants.remove(token);
            return Err(Ended::Early);
        }
        grant.uses += 1;
        Ok(*grant)
    }

    pub(crate) fn expire_secret(&self, id: &str) -> anyhow::Result<()> {
        let mut clients = self.clients();
        let client = known(&mut clients, id)?;
        client.expired.push(client.secret.clone());
        Ok(())
    }

    pub(crate) fn renew_secret(&self, id: &str, secret: &str) -> anyhow::Result<()> {
        let mut clients = self.clients();
        let client = known(&mut clients, id)?;
        let former = std::mem::replace(&mut client.secret, secret.to_owned());
        client.expired.push(former);
        client.expired.retain(|expired| expired != secret);
        Ok(())
    }

    /// The tenant of a token that is known.
    pub(crate) fn tenant(&self, token: &str) -> Option<usize> {
        self.grants().get(token).map(|grant| grant.tenant)
    }

    pub(crate) fn expire(&self) {
        self.grants().clear();
    }

    fn clients(&self) -> MutexGuard<'_, Vec<Client>> {
        self.clients.lock()
    }

    fn grants(&self) -> MutexGuard<'_, HashMap<String, Grant>> {
        self.grants.lock()
    }
}

fn known<'a>(clients: &'a mut [Client], id: &str) -> anyhow::Result<&'a mut Client> {
    clients.iter_mut().find(|client| client.id == id).ok_or_else(|| anyhow::anyhow!("no client '{id}' is registered"))
}

fn random_token() -> String {
    let body: [u8; 96] = rand::rng().random();
    format!("eyJ0eXAiOiJKV1QifQ.{}.{}", encode(&body[..64]), encode(&body[64..]))
}
