//! Files and directories with access for their owner only: stores and logs contain users' attributes.
//!
//! New ones are created with this mode, whatever the umask. Existing ones that others can access are refused and not changed: others may
//! have read them, and the mode may be intended.

use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// Whether a path is in fact a URL, for example with a mistyped scheme.
#[must_use]
pub fn is_url(path: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric() || "+.-".contains(c);
    path.split_once(':').is_some_and(|(scheme, _)| scheme.len() > 1 && scheme.chars().all(letter))
}

/// The permission bits of group and others.
const OTHERS: u32 = 0o077;

/// Creates a directory with mode 0700, and its parents, unless it exists.
///
/// # Errors
/// If it cannot be created.
pub fn make_dir(path: &Path) -> io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    std::fs::set_permissions(path, Permissions::from_mode(0o700))
}

/// As [`make_dir`], and refuses a directory that others may access.
///
/// # Errors
/// If it cannot be created, or exists and others may access it.
pub fn make_own_dir(path: &Path) -> io::Result<()> {
    make_dir(path)?;
    check(path, 0o700)
}

/// Creates an empty file with mode 0600, unless it exists. Files that SQLite creates beside it get the same mode.
///
/// # Errors
/// If it cannot be created, exists and others may access it, or is no regular file.
pub fn make_file(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => file.set_permissions(Permissions::from_mode(0o600))?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other(format!("{} is not a regular file", path.display())));
    }
    check(path, 0o600)
}

fn check(path: &Path, wanted: u32) -> io::Result<()> {
    let mode = std::fs::metadata(path)?.permissions().mode();
    if mode & OTHERS == 0 {
        return Ok(());
    }
    let (path, mode) = (path.display(), mode & 0o777);
    Err(io::Error::new(io::ErrorKind::PermissionDenied, format!("{path} may be used by others (mode {mode:o}): chmod {wanted:o} it")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_url_is_no_path() {
        for (text, want) in [
            ("postgress://u@h/d", true),
            ("postgres:d", true),
            ("file:///data", true),
            ("/var/lib/xtsync", false),
            ("xtsync-data", false),
            ("./a:b", false),
            ("a b:c", false),
        ] {
            assert_eq!(is_url(text), want, "{text}");
        }
    }

    #[test]
    fn new_files_are_private_and_accessible_ones_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (dir, file) = (folder.path().join("a/b"), folder.path().join("a/b/x.sqlite"));
        for _ in 0..2 {
            make_own_dir(&dir).unwrap();
            make_file(&file).unwrap();
            assert_eq!((mode(&dir), mode(&file)), (0o700, 0o600));
        }
        for (path, open) in [(&dir, 0o755), (&dir, 0o750), (&dir, 0o701), (&file, 0o644), (&file, 0o620)] {
            let before = mode(path);
            std::fs::set_permissions(path, Permissions::from_mode(open)).unwrap();
            let refused = if path == &dir { make_own_dir(path) } else { make_file(path) };
            let refused = refused.unwrap_err().to_string();
            assert!(refused.contains(&format!("(mode {open:o}): chmod {before:o} it")), "{refused}");
            assert_eq!(mode(path), open, "nothing is changed");
            std::fs::set_permissions(path, Permissions::from_mode(before)).unwrap();
        }
        assert!(make_file(&dir).unwrap_err().to_string().contains("is not a regular file"));
    }
}
