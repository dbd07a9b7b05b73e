//! The PostgreSQL that the system has, and the user to run it as.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

const MISSING: &str = "PostgreSQL is missing: install it (Debian: `apt-get install postgresql`, or `make postgres`)";

/// Where the programs are, and who runs the server if we may not.
#[derive(Debug)]
pub(super) struct Install {
    bin: PathBuf,
    pub(super) user: Option<User>,
}

/// A user of the system.
#[derive(Debug, Clone, Copy)]
pub(super) struct User {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl Install {
    /// The newest of Debian's versions, or else what `PATH` has.
    pub(super) fn find() -> anyhow::Result<Self> {
        let bin = debian().or_else(on_path).context(MISSING)?;
        let root = std::fs::metadata("/proc/self").context("asking who we are")?.uid() == 0;
        let user = if root { Some(User::unprivileged()?) } else { None };
        Ok(Self { bin, user })
    }

    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    /// A command that runs a program as an unprivileged user, because it refuses to run as root.
    pub(super) fn as_user(&self, program: &str) -> Command {
        let Some(user) = &self.user else {
            return Command::new(self.program(program));
        };
        let mut command = Command::new("setpriv");
        command.args(user.setpriv()).arg("--").arg(self.program(program));
        command
    }
}

impl User {
    /// `postgres` where the package made it, else `nobody`.
    fn unprivileged() -> anyhow::Result<Self> {
        let ids = |name| Some(Self { uid: id("-u", name)?, gid: id("-g", name)? });
        ids("postgres").or_else(|| ids("nobody")).context("PostgreSQL refuses root, and there is no user postgres or nobody")
    }

    /// The options of `setpriv` that become this user for good.
    pub(super) fn setpriv(&self) -> Vec<String> {
        vec![format!("--reuid={}", self.uid), format!("--regid={}", self.gid), "--clear-groups".to_owned()]
    }
}

fn id(which: &str, name: &str) -> Option<u32> {
    let output = Command::new("id").args([which, name]).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

fn debian() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let newest = versions.filter(|entry| has_server(&entry.path().join("bin"))).max_by_key(|entry| {
        let version: u32 = entry.file_name().to_string_lossy().parse().unwrap_or_default();
        version
    })?;
    Some(newest.path().join("bin"))
}

fn on_path() -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).find(|bin| has_server(bin))
}

fn has_server(bin: &Path) -> bool {
    ["initdb", "postgres", "psql"].iter().all(|program| bin.join(program).is_file())
}
