//! What the measurement asks of an installation, whether it is one process or a fleet.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, ensure};
use xtsync_e2e::fleet::{Fleet, ROLES};
use xtsync_harness::wait_for;

use crate::usage;

/// The longest wait for readiness.
pub(super) const READY_MAX: Duration = Duration::from_secs(600);

/// An installation of xtsync.
pub(super) trait Installation {
    /// Starts every process, and waits until control answers: without a configuration, roles are not ready.
    async fn start(&mut self) -> Result<()>;

    /// Waits until every process is ready.
    async fn until_ready(&mut self) -> Result<()>;

    /// Stops every process.
    async fn stop(&mut self) -> Result<()>;

    /// Applies the configuration.
    fn apply(&self) -> Result<()>;

    /// Runs a command of the administrator.
    fn administer(&self, args: &[&str]) -> Result<String>;

    /// The processes by name.
    fn processes(&self) -> Result<BTreeMap<&'static str, u32>>;

    /// The statements that the database has carried out; `None` without a database server.
    async fn statements(&self) -> Result<Option<u64>>;

    /// Processor time by process.
    fn cpu(&self) -> Result<BTreeMap<&'static str, Duration>> {
        self.processes()?.into_iter().map(|(name, pid)| Ok((name, usage::cpu(pid)?))).collect()
    }
}

impl Installation for Fleet {
    async fn start(&mut self) -> Result<()> {
        for role in ROLES {
            self.start_replica(role, 0)?;
        }
        self.until_control_answers().await
    }

    async fn until_ready(&mut self) -> Result<()> {
        for role in ROLES {
            wait_for(READY_MAX, &format!("{role} to be ready"), async || {
                let (status, answer) = self.ask(role, "/readyz").await?;
                ensure!(status == 200, "it answers {status}: {answer}");
                Ok(Some(()))
            })
            .await?;
        }
        Ok(())
    }

    async fn stop(&mut self) -> Result<()> {
        Self::stop(self).await
    }

    fn apply(&self) -> Result<()> {
        Self::apply(self)
    }

    fn administer(&self, args: &[&str]) -> Result<String> {
        Self::administer(self, args)
    }

    fn processes(&self) -> Result<BTreeMap<&'static str, u32>> {
        ROLES.into_iter().map(|role| Ok((role, self.pid(role, 0)?))).collect()
    }

    async fn statements(&self) -> Result<Option<u64>> {
        self.postgres.statements().await.map(Some)
    }
}
