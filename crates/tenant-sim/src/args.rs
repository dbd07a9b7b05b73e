//! The command line of the simulator, shared by `xtsync tenant-sim` and the example.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;

use crate::builder::Builder;
use crate::faults::{FaultProfile, Throttle};
use crate::sim::Sim;
use crate::tls::Tls;
use crate::token::Access;

/// Serves Graph-compatible tenants, for trying things out and for tests.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8700")]
    pub listen: SocketAddr,

    /// A tenant and its number of users; may be repeated
    #[arg(long = "tenant", value_name = "NAME=USERS", required = true)]
    pub tenants: Vec<TenantArg>,

    /// Seed of the generated directories
    #[arg(long, default_value_t = 7)]
    pub seed: u64,

    /// Let both tenants agree to synchronize users from the first into the second; may be repeated
    #[arg(long = "allow", value_name = "SOURCE:TARGET")]
    pub allows: Vec<AllowArg>,

    /// A further client application, with what it may do: read, write-users, or all; may be repeated
    #[arg(long = "client", value_name = "ID:SECRET:ACCESS")]
    pub clients: Vec<ClientArg>,

    /// Lifetime of access tokens in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    pub token_lifetime: u64,

    /// Faults of the tenants, by seed: none, mild, rough or severe; rough if only a seed is given
    #[arg(long, value_name = "SEED[:NAME]")]
    pub faults: Option<FaultProfile>,

    /// Throttle as Microsoft documents it, or with another quota of writes
    #[arg(long, value_name = "WRITES/SECONDS", num_args = 0..=1, require_equals = true, default_missing_value = "3000/150")]
    pub throttle: Option<ThrottleArg>,

    /// Serve https with a certificate made for this run
    #[arg(long)]
    pub tls: bool,

    /// Where to write the certificate of the authority that clients must trust
    #[arg(long, value_name = "FILE", requires = "tls")]
    pub ca: Option<PathBuf>,
}

/// A simulator that is bound to its address.
pub struct Bound {
    /// The simulator.
    pub sim: Sim,
    listener: TcpListener,
    tls: Option<Tls>,
}

impl Bound {
    /// The URL under which it is served.
    ///
    /// # Errors
    /// If the address cannot be read.
    pub fn url(&self) -> std::io::Result<String> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        Ok(format!("{scheme}://{}", self.listener.local_addr()?))
    }

    /// Serves it until `shutdown` completes.
    ///
    /// # Errors
    /// If the listener fails.
    pub async fn serve(self, shutdown: impl Future<Output = ()> + Send + 'static) -> std::io::Result<()> {
        match &self.tls {
            Some(tls) => self.sim.serve_tls(self.listener, tls, shutdown).await,
            None => self.sim.serve(self.listener, shutdown).await,
        }
    }
}

/// `WRITES/SECONDS`.
#[derive(Debug, Clone, Copy)]
pub struct ThrottleArg {
    writes: u32,
    seconds: u64,
}

/// `NAME=USERS`.
#[derive(Debug, Clone)]
pub struct TenantArg {
    name: String,
    users: usize,
}

/// `SOURCE:TARGET`.
#[derive(Debug, Clone)]
pub struct AllowArg {
    source: String,
    target: String,
}

/// `ID:SECRET:ACCESS`. Its secret is for simulated tenants only.
#[derive(Debug, Clone)]
pub struct ClientArg {
    id: String,
    secret: String,
    access: Access,
}

impl Args {
    /// Makes the directories and the certificate and binds the address, so that mistakes show before anything is served.
    ///
    /// # Errors
    /// If a tenant is wrong, the address cannot be bound, or the certificate cannot be written.
    pub async fn bind(&self) -> anyhow::Result<Bound> {
        let sim = self.builder().build()?;
        let tls = self.tls.then(Tls::generate).transpose()?;
        if let (Some(file), Some(tls)) = (&self.ca, &tls) {
            std::fs::write(file, tls.authority_pem()).with_context(|| format!("writing {}", file.display()))?;
        }
        let listener = TcpListener::bind(self.listen).await.with_context(|| format!("listening on {}", self.listen))?;
        Ok(Bound { sim, listener, tls })
    }

    fn builder(&self) -> Builder {
        let mut builder = Sim::builder().seed(self.seed).token_lifetime(Duration::from_secs(self.token_lifetime));
        for tenant in &self.tenants {
            builder = builder.tenant(&tenant.name, tenant.users);
        }
        for allow in &self.allows {
            builder = builder.allow(&allow.source, &allow.target);
        }
        for client in &self.clients {
            builder = builder.client(&client.id, &client.secret, client.access);
        }
        builder.fault_profile(self.profile())
    }

    fn profile(&self) -> FaultProfile {
        let profile = self.faults.clone().unwrap_or_default();
        let throttle = self.throttle.map(|arg| Throttle::documented().with_writes(arg.writes, arg.seconds));
        FaultProfile { throttle: throttle.or(profile.throttle), ..profile }
    }
}

impl FromStr for TenantArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, users) = text.split_once('=').ok_or("a tenant is given as NAME=USERS")?;
        let users = users.parse().map_err(|_| format!("'{users}' is no number of users"))?;
        Ok(Self { name: name.to_owned(), users })
    }
}

impl FromStr for AllowArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (source, target) = text.split_once(':').ok_or("an agreement is given as SOURCE:TARGET")?;
        Ok(Self { source: source.to_owned(), target: target.to_owned() })
    }
}

impl FromStr for ClientArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split(':').collect();
        let [id, secret, access] = parts.as_slice() else {
            return Err("a client is given as ID:SECRET:ACCESS".to_owned());
        };
        let access = match *access {
            "read" => Access::Read,
            "write-users" => Access::WriteUsers,
            "all" => Access::All,
            other => return Err(format!("'{other}' is none of read, write-users, all")),
        };
        Ok(Self { id: (*id).to_owned(), secret: (*secret).to_owned(), access })
    }
}

impl FromStr for ThrottleArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let quota = text.split_once('/').and_then(|(writes, seconds)| Some((writes.parse::<u32>().ok()?, seconds.parse::<u64>().ok()?)));
        let (writes, seconds) =
            quota.filter(|(writes, seconds)| *writes > 0 && *seconds > 0).ok_or("a quota is given as WRITES/SECONDS")?;
        Ok(Self { writes, seconds })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::Args;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    #[tokio::test]
    async fn the_command_line_describes_the_simulator_or_is_refused() {
        for (line, built) in [
            ("--tenant emea=20 --tenant hub=0 --seed 7 --allow emea:hub --client reader:r:read", Some(true)),
            ("--tenant emea=20 --faults 7:severe --throttle", Some(true)),
            ("--tenant emea=20 --faults 7 --throttle=20/1", Some(true)),
            ("--tenant emea=20 --faults 7:unknown", None),
            ("--tenant emea=20 --throttle=fast", None),
            ("--tenant emea=20 --allow emea:apac", Some(false)),
            ("--tenant emea=20 --tenant emea=20", Some(false)),
            ("--tenant Emea=20", Some(false)),
            ("--tenant emea", None),
            ("--tenant emea=many", None),
            ("--tenant emea=1 --client reader:r:dance", None),
            ("", None),
        ] {
            let cli = Cli::try_parse_from("sim --listen 127.0.0.1:0".split(' ').chain(line.split_whitespace()));
            let bound = match cli {
                Ok(cli) => Some(cli.args.bind().await.is_ok()),
                Err(_) => None,
            };
            assert_eq!(bound, built, "{line}");
        }
    }
}
