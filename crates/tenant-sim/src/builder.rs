//! Describes a simulator before it is built: tenants and their sizes, the seed, which tenant allows which, which clients exist.

use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::directory::Directory;
use crate::faults::{FaultProfile, FaultState};
use crate::generate;
use crate::journal::Journal;
use crate::sim::Sim;
use crate::token::{Access, Client, Tokens};

/// The default lifetime of access tokens, as Entra's.
const TOKEN_LIFETIME: Duration = Duration::from_secs(3600);

/// A simulator to be built. The same description gives the same directories.
#[derive(Debug, Clone)]
pub struct Builder {
    tenants: Vec<(String, usize)>,
    allows: Vec<(String, String)>,
    clients: Vec<Client>,
    seed: u64,
    token_lifetime: Duration,
    profile: FaultProfile,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            tenants: Vec::new(),
            allows: Vec::new(),
            clients: vec![Client::new("app", "secret", Access::All)],
            seed: 0,
            token_lifetime: TOKEN_LIFETIME,
            profile: FaultProfile::default(),
        }
    }
}

impl Sim {
    /// Describes a simulator to be built.
    pub fn builder() -> Builder {
        Builder::default()
    }
}

impl Builder {
    /// A tenant of that name with exactly that many users.
    pub fn tenant(mut self, name: &str, users: usize) -> Self {
        self.tenants.push((name.to_owned(), users));
        self
    }

    /// What the directories are made from.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Makes the policies of source and target allow synchronization with automatic redemption, which by default they do not.
    pub fn allow(mut self, source: &str, target: &str) -> Self {
        self.allows.push((source.to_owned(), target.to_owned()));
        self
    }

    /// Registers a client besides `app`, or replaces that one. It is known in all tenants.
    pub fn client(mut self, id: &str, secret: &str, access: Access) -> Self {
        self.clients.retain(|client| client.id != id);
        self.clients.push(Client::new(id, secret, access));
        self
    }

    /// How long an access token is valid; an hour by default.
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.token_lifetime = lifetime;
        self
    }

    /// The faults of the tenants, once they are made; none by default.
    pub fn fault_profile(mut self, profile: FaultProfile) -> Self {
        self.profile = profile;
        self
    }

    /// Makes the directories.
    ///
    /// # Errors
    /// If a name is empty, unfit for a domain or given twice, or `allow` names an unknown tenant.
    pub fn build(self) -> anyhow::Result<Sim> {
        let (journal, fault_state) = (Journal::new(), FaultState::default());
        let mut directories: Vec<Directory> = Vec::with_capacity(self.tenants.len());
        for (name, users) in &self.tenants {
            let fit = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
            anyhow::ensure!(!name.is_empty() && name.len() <= 40 && name.chars().all(fit), "tenant name '{name}' is not [a-z0-9-]{{1,40}}");
            anyhow::ensure!(directories.iter().all(|known| *known.name != **name), "tenant '{name}' is given twice");
            let mut rng = StdRng::seed_from_u64(self.seed ^ name_seed(name));
            let mut directory = Directory::new(name, generate::uuid(&mut rng), journal.clone(), fault_state.clone());
            generate::fill(&mut directory, *users, &mut rng);
            directories.push(directory);
        }
        let sim = Sim::new(directories, Tokens::new(self.clients, self.token_lifetime), journal, fault_state);
        for (source, target) in &self.allows {
            sim.allow(source, target)?;
        }
        // The tenants have always been like that.
        sim.journal().clear();
        sim.set_fault_profile(self.profile);
        Ok(sim)
    }
}

/// Tenants of one seed differ by their names, whatever their order.
fn name_seed(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
