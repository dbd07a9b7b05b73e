//! Operations of tests on a server: stop, kill, freeze. The owner of its ports and data starts it again.

use std::time::Duration;

use anyhow::Context as _;

use crate::{Process, Signal};

/// How long a server may take to stop when asked; then it is killed.
const STOP_MAX: Duration = Duration::from_secs(30);

/// A server's process, while it has one.
#[derive(Debug)]
pub struct Server {
    name: &'static str,
    /// The signal that stops it in order.
    stop: Signal,
    process: Option<Process>,
}

impl Server {
    /// One that does not run yet.
    pub(crate) fn new(name: &'static str, stop: Signal) -> Self {
        Self { name, stop, process: None }
    }

    /// Notes that it runs.
    pub(crate) fn set_process(&mut self, process: Process) {
        self.process = Some(process);
    }

    /// Its process, while it runs.
    pub(crate) fn process(&mut self) -> Option<&mut Process> {
        self.process.as_mut()
    }

    /// Its process id, unless it is stopped.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Process::pid)
    }

    /// Stops it in order, cutting its connections; ports and data stay for `resume`.
    ///
    /// # Errors
    /// If it does not end in time; it is killed then.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        self.end(self.stop).await
    }

    /// Ends it by a signal.
    pub(crate) async fn end(&mut self, signal: Signal) -> anyhow::Result<()> {
        match self.process.take() {
            Some(mut process) => process.end(signal, STOP_MAX).await.map(drop),
            None => Ok(()),
        }
    }

    /// Kills it as a power cut would; ports and data stay for `resume`.
    pub(crate) fn drop_process(&mut self) {
        drop(self.process.take());
    }

    /// Freezes its first process, until it is thawed: its connections stay open without an answer, and new ones are not
    /// accepted.
    ///
    /// # Errors
    /// If it does not run.
    pub fn freeze(&self) -> anyhow::Result<()> {
        self.running()?.signal(Signal::Stop)
    }

    /// Lets it go on after it was frozen.
    ///
    /// # Errors
    /// If it does not run.
    pub fn thaw(&self) -> anyhow::Result<()> {
        self.running()?.signal(Signal::Cont)
    }

    /// Its last lines, as text to put into an error.
    #[must_use]
    pub fn tail(&self) -> String {
        self.process.as_ref().map_or_else(|| format!("{} is stopped", self.name), Process::tail)
    }

    fn running(&self) -> anyhow::Result<&Process> {
        self.process.as_ref().with_context(|| format!("{} is stopped", self.name))
    }
}
