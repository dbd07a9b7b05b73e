//! One process with all roles, on the embedded bus and stores.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::net::TcpListener;
use xtsync_e2e::configuration;
use xtsync_e2e::fleet::Plan;
use xtsync_harness::{Dir, Process, Signal, binary, free_port, wait_for};
use xtsync_tenant_sim::Sim;

use super::installation::{Installation, READY_MAX};

/// The longest wait for the process to end.
const STOP_MAX: Duration = Duration::from_secs(60);

/// The process, and the tenants that it reads.
pub(super) struct Embedded {
    folder: Dir,
    /// Where the control API listens.
    control: String,
    admin: String,
    process: Option<Process>,
}

impl Embedded {
    /// Serves the tenants and writes the configuration; starts nothing.
    ///
    /// # Errors
    /// If a port or a file cannot be had.
    pub(super) async fn new(sim: Sim, plan: &Plan) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}", listener.local_addr()?);
        tokio::spawn(async move { sim.serve(listener, std::future::pending()).await });
        let (control, admin) = (format!("127.0.0.1:{}", free_port()), format!("127.0.0.1:{}", free_port()));
        let embedded = Self { folder: Dir::new()?, control, admin, process: None };
        configuration::write(&embedded.configuration(), &address, plan, None)?;
        Ok(embedded)
    }

    fn configuration(&self) -> PathBuf {
        self.folder.join("configuration")
    }

    fn token(&self) -> String {
        self.folder.join("token").display().to_string()
    }
}

impl Installation for Embedded {
    async fn start(&mut self) -> Result<()> {
        let mut command = Command::new(binary("xtsync")?);
        command.args(["run", "--listen", &self.control, "--admin-listen", &self.admin, "--token-file", &self.token()]);
        command.arg("--data-dir").arg(self.folder.join("data"));
        command.arg("--secrets-dir").arg(configuration::secrets(&self.configuration()));
        self.process = Some(Process::start("xtsync", &command)?);
        wait_for(READY_MAX, "control to answer", async || Ok(self.administer(&["status"]).is_ok().then_some(()))).await
    }

    async fn until_ready(&mut self) -> Result<()> {
        let process = self.process.as_mut().context("it does not run")?;
        process.until_ready(&format!("http://{}/readyz", self.admin), READY_MAX).await
    }

    async fn stop(&mut self) -> Result<()> {
        let mut process = self.process.take().context("it does not run")?;
        let status = process.end(Signal::Term, STOP_MAX).await?;
        ensure!(status.success(), "it ended with {status}\n{}", process.tail());
        Ok(())
    }

    fn apply(&self) -> Result<()> {
        self.administer(&["apply", "-f", &self.configuration().display().to_string()]).map(drop)
    }

    fn administer(&self, args: &[&str]) -> Result<String> {
        let mut command = Command::new(binary("xtsync")?);
        command.args(args).args(["--server", &format!("http://{}", self.control), "--token-file", &self.token()]);
        let output = command.output()?;
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let tail = || self.process.as_ref().map(Process::tail).unwrap_or_default();
        ensure!(output.status.success(), "xtsync {}: {}\n{stdout}\n{stderr}\n{}", args.join(" "), output.status, tail());
        Ok(stdout.into_owned())
    }

    fn processes(&self) -> Result<BTreeMap<&'static str, u32>> {
        Ok([("all", self.process.as_ref().context("it does not run")?.pid())].into())
    }

    async fn statements(&self) -> Result<Option<u64>> {
        Ok(None)
    }
}
