//! Where cargo has put the programs that tests start.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};

/// The program `name` of this workspace, from the build that this test comes from.
///
/// Cargo tells a test only the programs of its own package, so it is looked for beside the test's own executable.
///
/// # Errors
/// When it was not built, as `cargo test -p` of another package does not.
pub fn binary(name: &str) -> anyhow::Result<PathBuf> {
    let test = std::env::current_exe().context("asking for the test's own executable")?;
    let profile = test.ancestors().nth(2).context("the test's executable lies in no target directory")?;
    let path = profile.join(name);
    ensure!(path.is_file(), "{name} was not built: run `cargo build -p {name}`, or `make test`, which does");
    Ok(path)
}
