//! Programs of the system that run to their end: key tools, `initdb`, `psql`.

use std::process::{Command, Output};

use anyhow::{Context as _, ensure};

/// Runs `command` off the runtime's threads and returns its standard output.
///
/// # Errors
/// If it cannot be started, or ends with another status than zero: then with what it wrote.
pub(crate) async fn run(what: &str, mut command: Command) -> anyhow::Result<String> {
    let ended = tokio::task::spawn_blocking(move || command.output()).await.context("running a tool")?;
    let Output { status, stdout, stderr } = ended.with_context(|| format!("{what}: cannot be started"))?;
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    ensure!(status.success(), "{what}: {status}\n{stdout}{stderr}");
    Ok(stdout.into_owned())
}
