//! A sandbox in one process: simulated tenants, all roles on an embedded bus and store, and a client of control. The demo and the scenario
//! tests use it.

use std::future::pending;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tempfile::TempDir;
use tokio::net::TcpListener;
use xtsync_contract::control::{
    ApplyRequest, ConfirmRehireRequest, Document, FleetStatus, GetStatusRequest, ListResourcesRequest, RenameTenantRequest, ResourceStatus,
    ResyncRequest, RetryRequest, ShowUserRequest,
};
use xtsync_contract::events::Link;
use xtsync_control::manifest::{self, File};
use xtsync_directory::Connector;
use xtsync_domain::resource::Kind;
use xtsync_tenant_sim::{Sim, TenantHandle};

use crate::client::{Client, Connection, Trust, failure, retry_while_unavailable};
use crate::command::status::until_converged;
use crate::exit;
use crate::run::{self, Options, Running};

/// The poll interval of the sources, which send no notifications here.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The longest wait for the roles to start, and to stop.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// Simulated tenants and all roles. Dropping it deletes their stores.
pub struct Sandbox {
    folder: TempDir,
    address: String,
    sim: Sim,
    /// The simulated application's secret, as the secret files of the Tenants have it.
    secret: String,
    running: Running,
    client: Client,
}

impl Sandbox {
    /// Serves the tenants and starts every role.
    ///
    /// # Errors
    /// When a port or folder is not available, or the roles do not start.
    pub async fn open(sim: Sim) -> anyhow::Result<Self> {
        Self::open_with(sim, []).await
    }

    /// As [`Sandbox::open`], with connectors beside those of the program.
    ///
    /// # Errors
    /// As [`Sandbox::open`].
    pub async fn open_with(sim: Sim, connectors: impl IntoIterator<Item = Arc<dyn Connector>>) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("making a folder for what is stored")?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}", listener.local_addr()?);
        tokio::spawn({
            let sim = sim.clone();
            async move { sim.serve(listener, pending()).await }
        });
        let data = folder.path().join("data");
        let options = Options::embedded(&data);
        let connectors = options.connectors.and(connectors);
        let secrets_dir = folder.path().join("secrets");
        let running = run::start(Options { poll: POLL_INTERVAL, secrets_dir, connectors, ..options }).await?;
        let client = connect(&running, &data).await?;
        Ok(Self { folder, address, sim, secret: "secret".to_owned(), running, client })
    }

    /// The simulator.
    #[must_use]
    pub fn sim(&self) -> &Sim {
        &self.sim
    }

    /// A simulated tenant.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn tenant(&self, name: &str) -> anyhow::Result<TenantHandle> {
        self.sim.tenant(name).with_context(|| format!("no tenant {name}"))
    }

    /// Applies YAML in which `{address}` stands for the simulated tenants and `{secret}` for their application's secret; with `refresh_names`
    /// group names are looked up anew.
    ///
    /// # Errors
    /// When control refuses it.
    pub async fn apply(&mut self, name: &str, yaml: &str, refresh_names: bool) -> exit::Result {
        let yaml = yaml.replace("{address}", &self.address).replace("{secret}", "secret");
        self.write_secrets(&yaml).context("writing the simulated application's secrets")?;
        let request =
            ApplyRequest { documents: vec![Document { name: name.to_owned(), yaml }], actor: "sandbox".to_owned(), refresh_names };
        retry_while_unavailable(START_TIMEOUT, async || self.client.apply(request.clone()).await)
            .await
            .map_err(|status| failure(&status))?;
        Ok(())
    }

    /// Writes the simulated application's secret for each Tenant of a text. A text that control will refuse gets none.
    fn write_secrets(&self, yaml: &str) -> std::io::Result<()> {
        let written = manifest::read(&[File { name: String::new(), yaml: yaml.to_owned() }]).unwrap_or_default();
        for tenant in written.iter().filter(|resource| resource.id.kind == Kind::Tenant) {
            let folder = self.folder.path().join("secrets").join(&tenant.id.name);
            std::fs::create_dir_all(&folder)?;
            std::fs::write(folder.join("secret"), &self.secret)?;
        }
        Ok(())
    }

    /// Replaces the secret in the file of every Tenant that was applied.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn replace_secret(&mut self, secret: &str) -> std::io::Result<()> {
        secret.clone_into(&mut self.secret);
        for folder in std::fs::read_dir(self.folder.path().join("secrets"))? {
            std::fs::write(folder?.path().join("secret"), secret)?;
        }
        Ok(())
    }

    /// Waits until everything is converged, including the most recent changes.
    ///
    /// # Errors
    /// When it is not converged in time.
    pub async fn converge(&mut self, within: Duration) -> exit::Result {
        let (_, verdict) = until_converged(&mut self.client, within, true).await?;
        verdict
    }

    /// The status of the fleet.
    ///
    /// # Errors
    /// When control does not answer.
    pub async fn status(&mut self) -> exit::Result<FleetStatus> {
        let answer = self.client.get_status(GetStatusRequest {}).await.map_err(|status| failure(&status))?;
        Ok(answer.into_inner().status.unwrap_or_default())
    }

    /// Every resource and its state.
    ///
    /// # Errors
    /// When control does not answer.
    pub async fn resources(&mut self) -> exit::Result<Vec<ResourceStatus>> {
        let answer = self.client.list_resources(ListResourcesRequest {}).await.map_err(|status| failure(&status))?;
        Ok(answer.into_inner().resources)
    }

    /// One link.
    ///
    /// # Errors
    /// When control knows no such link.
    pub async fn link(&mut self, target: &str, source: &str, user: &str) -> exit::Result<Link> {
        let request = ShowUserRequest { user: format!("{source}/{user}"), target: target.to_owned() };
        let answer = self.client.show_user(request).await.map_err(|status| failure(&status))?;
        let shown = answer.into_inner().links.into_iter().next().with_context(|| format!("no link of {source}/{user} into {target}"))?;
        Ok(shown.link.unwrap_or_default())
    }

    /// Retries now what waits in a tenant, for one user or for all.
    ///
    /// # Errors
    /// When control does not answer or knows no such tenant.
    pub async fn retry(&mut self, tenant: &str, user: &str) -> exit::Result {
        let request = RetryRequest { tenant: tenant.to_owned(), user: user.to_owned(), actor: "sandbox".to_owned() };
        self.client.retry(request).await.map_err(|status| failure(&status))?;
        Ok(())
    }

    /// Renames a tenant.
    ///
    /// # Errors
    /// When control refuses it.
    pub async fn rename(&mut self, tenant: &str, name: &str) -> exit::Result {
        let request = RenameTenantRequest { tenant: tenant.to_owned(), name: name.to_owned(), actor: "sandbox".to_owned() };
        self.client.rename_tenant(request).await.map_err(|status| failure(&status))?;
        Ok(())
    }

    /// Reads a source from the beginning, and tries at once what was put off.
    ///
    /// # Errors
    /// When control does not answer or knows no such source.
    pub async fn resync(&mut self, tenant: &str) -> exit::Result {
        let request = ResyncRequest { tenant: tenant.to_owned(), actor: "sandbox".to_owned() };
        self.client.resync(request).await.map_err(|status| failure(&status))?;
        Ok(())
    }

    /// Confirms in a target that an account is the rehire of a former one, each as `source/user`.
    ///
    /// # Errors
    /// When control refuses it.
    pub async fn rehire(&mut self, target: &str, user: &str, former: &str) -> exit::Result {
        let (user, former) = (user.to_owned(), former.to_owned());
        let request = ConfirmRehireRequest { target: target.to_owned(), user, former, actor: "sandbox".to_owned() };
        self.client.confirm_rehire(request).await.map_err(|status| failure(&status))?;
        Ok(())
    }

    /// Drains and stops the roles.
    ///
    /// # Errors
    /// When it does not finish in time.
    pub async fn close(self) -> anyhow::Result<()> {
        self.running.stop(START_TIMEOUT).await
    }
}

async fn connect(running: &Running, data: &Path) -> anyhow::Result<Client> {
    let control = running.control.context("control does not listen")?;
    let server = format!("http://{control}");
    let connection =
        Connection { server, trust: Trust::default(), token_file: None, data_dir: data.to_owned(), connect_timeout: START_TIMEOUT };
    connection.connect().await.map_err(|failure| failure.error)
}
