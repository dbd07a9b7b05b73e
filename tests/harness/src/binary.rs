//! Where cargo has put the programs that tests start.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};

/// The program `name` of this workspace, from the build that this test or benchmark comes from.
///
/// Cargo names to a test only the programs of its own package, so it is looked for beside our own executable.
///
/// # Errors
/// If it was not built, as `cargo test -p` of another package does not.
pub fn binary(name: &str) -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("asking for our own executable")?;
    let folder = own.parent().context("our own executable lies in no target directory")?;
    // Tests lie in `deps`, beside which programs are.
    let folder = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
    let path = folder.join(name);
    ensure!(path.is_file(), "{name} was not built: run `cargo build -p {name}`, or `make test`, which does");
    Ok(path)
}
