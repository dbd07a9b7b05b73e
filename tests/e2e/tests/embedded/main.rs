//! `xtsync run` as one process on embedded parts, between two simulated tenants, against the oracle.
#![cfg(test)]

mod disk;
mod killed;
mod lists;
mod partitions;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::net::TcpListener;
use xtsync_e2e::fleet::Plan;
use xtsync_e2e::oracle::{self, Source, Verdict};
use xtsync_e2e::{configuration, graph};
use xtsync_harness::{Dir, Process, binary, free_port, wait_for};
use xtsync_tenant_sim::{ALL_USERS, Sim};

const SOON: Duration = Duration::from_secs(60);

/// Two tenants, and the folder of a run between them.
struct Instance {
    sim: Sim,
    folder: Dir,
    graph: String,
    control: u16,
    admin: u16,
}

impl Instance {
    async fn new(people: usize) -> Result<Self> {
        let sim = Sim::builder().tenant("emea", people).tenant("hub", 0).allow("emea", "hub").seed(7).build()?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let graph = format!("http://{}", listener.local_addr()?);
        let served = sim.clone();
        tokio::spawn(async move { served.serve(listener, std::future::pending()).await });
        Ok(Self { sim, folder: Dir::new()?, graph, control: free_port(), admin: free_port() })
    }

    /// What starts a run.
    fn command(&self) -> Result<Command> {
        let mut command = Command::new(binary("xtsync")?);
        let local = |port: u16| format!("127.0.0.1:{port}");
        command.args(["run", "--poll", "250ms", "--admin-listen", &local(self.admin), "--listen", &local(self.control)]);
        command.arg("--data-dir").arg(self.folder.join("data"));
        command.arg("--secrets-dir").arg(configuration::secrets(&self.folder.join("configuration")));
        Ok(command)
    }

    fn start(&self) -> Result<Process> {
        Process::start("run", &self.command()?)
    }

    /// Gives a run its configuration, as soon as it takes one.
    async fn configure(&self) -> Result<()> {
        self.apply(&self.write(1)?).await
    }

    /// Writes the configuration, with so many partitions of each tenant's topics; returns where it is.
    fn write(&self, partitions: u32) -> Result<PathBuf> {
        let files: PathBuf = self.folder.join("configuration");
        configuration::write(&files, &self.graph, &Plan { partitions, ..Plan::into_one(&["emea"], "hub") }, None)?;
        Ok(files)
    }

    async fn apply(&self, files: &Path) -> Result<()> {
        let apply = ["apply", "-f", &files.to_string_lossy()];
        wait_for(SOON, "the configuration to be taken", async || Ok(self.administer(&apply).ok())).await
    }

    /// Waits until everything is converged. Links with a call in flight at a kill wait until that call must have ended.
    fn converge(&self) -> Result<()> {
        self.administer(&["status", "--wait=120s", "--fresh"])
    }

    fn administer(&self, args: &[&str]) -> Result<()> {
        let mut command = Command::new(binary("xtsync")?);
        command.args(args).args(["--server", &format!("http://127.0.0.1:{}", self.control), "--data-dir"]).arg(self.folder.join("data"));
        let output = command.output()?;
        ensure!(output.status.success(), "xtsync {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    async fn verify(&self) -> Result<Verdict> {
        let source = Source { tenant: graph::Tenant::sign_in(&self.graph, "emea").await?, group: ALL_USERS.to_owned() };
        oracle::verify(&[source], &graph::Tenant::sign_in(&self.graph, "hub").await?).await
    }
}
