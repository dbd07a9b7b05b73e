//! Temporary directories, removed after the test, at the latest when the next test begins.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Once;

use anyhow::Context as _;

/// A directory of one's own, removed on drop.
///
/// A static is never dropped and a killed process drops nothing, so the name carries the process id, and the first
/// directory a process makes sweeps away those of processes that are no more.
#[derive(Debug)]
pub struct Dir(tempfile::TempDir);

const PREFIX: &str = "xtsync-test-";

impl Dir {
    /// Makes an empty directory, readable by its owner only.
    ///
    /// # Errors
    /// If the system's folder for temporary files cannot be written.
    pub fn new() -> anyhow::Result<Self> {
        static SWEPT: Once = Once::new();
        SWEPT.call_once(|| sweep(&std::env::temp_dir()));
        let prefix = format!("{PREFIX}{}-", std::process::id());
        let dir = tempfile::Builder::new()
            .prefix(&prefix)
            .permissions(Permissions::from_mode(0o700))
            .tempdir()
            .context("making a temporary directory")?;
        Ok(Self(dir))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The path of `name` in it, whether or not that exists.
    #[must_use]
    pub fn join(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// Removes what processes that are no more have left behind. What cannot be removed is left to the next.
fn sweep(parent: &Path) {
    if !Path::new("/proc/self").exists() {
        return; // Without `/proc` the living processes are unknown.
    }
    let Ok(entries) = std::fs::read_dir(parent) else {
        return;
    };
    for entry in entries.flatten() {
        if owner(&entry.file_name().to_string_lossy()).is_some_and(|pid| !alive(pid)) {
            std::fs::remove_dir_all(entry.path()).ok();
        }
    }
}

fn owner(name: &str) -> Option<u32> {
    name.strip_prefix(PREFIX)?.split_once('-')?.0.parse().ok()
}

fn alive(pid: u32) -> bool {
    Path::new("/proc").join(pid.to_string()).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_directories_of_dead_processes_are_removed() {
        let parent = Dir::new().unwrap();
        let gone = u32::MAX; // Linux gives no process a number above 2^22.
        let names = [
            (format!("{PREFIX}{gone}-a"), false),
            (format!("{PREFIX}{}-a", std::process::id()), true),
            (format!("{PREFIX}x-a"), true),
            ("other".to_owned(), true),
        ];
        for (name, _) in &names {
            std::fs::create_dir(parent.join(name)).unwrap();
        }
        sweep(parent.path());
        for (name, stays) in names {
            assert_eq!(parent.join(&name).exists(), stays, "{name}");
        }
    }
}
