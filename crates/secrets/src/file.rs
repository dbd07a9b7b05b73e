//! Reads one secret from a regular file.

use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;

use crate::Error;

/// The maximum size of a secret file, in bytes.
pub const BYTES_MAX: u64 = 64 * 1024;

/// The time limit for reading a file.
pub const READ_TIMEOUT: Duration = Duration::from_secs(5);

/// Reads the secret in a file, without the white space around it.
///
/// # Errors
/// See [`Error`]: among others for a file that is not a regular one, and for a file system that does not answer in time.
pub async fn read(path: PathBuf) -> Result<SecretString, Error> {
    within_timeout(move || read_now(&path)).await
}

/// As [`read`], but blocking.
///
/// # Errors
/// As [`read`], but for the time limit.
pub fn read_now(path: &Path) -> Result<SecretString, Error> {
    // Links are resolved first, because Kubernetes mounts consist of links. A link found later replaced the file, and is refused.
    let path = std::fs::canonicalize(path).map_err(|_| Error::Unreadable)?;
    read_opened(open(&path)?)
}

/// The secret in an opened file.
pub(crate) fn read_opened(file: File) -> Result<SecretString, Error> {
    let mut bytes = Vec::new();
    file.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|_| Error::Unreadable)?;
    if bytes.len() as u64 > BYTES_MAX {
        return Err(Error::TooLarge);
    }
    let text = String::from_utf8(bytes).map_err(|_| Error::NotText)?;
    match text.trim() {
        "" => Err(Error::Empty),
        secret => Ok(SecretString::from(secret)),
    }
}

/// Runs a blocking function and abandons it after the time limit. A call that hangs on a dead file system keeps only its own thread.
pub(crate) async fn within_timeout<T, F>(read: F) -> Result<T, Error>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, Error> + Send + 'static,
{
    match tokio::time::timeout(READ_TIMEOUT, tokio::task::spawn_blocking(read)).await {
        Ok(Ok(read)) => read,
        Ok(Err(_)) => Err(Error::Unreadable),
        Err(_) => Err(Error::TooSlow),
    }
}

/// Opens a regular file. Opening a FIFO waits for its writer, and opening a device may have side effects. So the path is checked first.
/// Since it may be replaced meanwhile, it is opened without blocking and checked again.
fn open(path: &Path) -> Result<File, Error> {
    if !std::fs::symlink_metadata(path).map_err(|_| Error::Unreadable)?.is_file() {
        return Err(Error::NotRegular);
    }
    let opened = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path);
    let file = opened.map_err(|_| Error::Unreadable)?;
    check_regular(&file)?;
    Ok(file)
}

/// Refuses an opened file that is not a regular one.
pub(crate) fn check_regular(file: &File) -> Result<(), Error> {
    let kind = file.metadata().map_err(|_| Error::Unreadable)?.file_type();
    if kind.is_file() { Ok(()) } else { Err(Error::NotRegular) }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[tokio::test]
    async fn a_secret_is_read_from_a_regular_file_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        let fifo = dir.path().join("fifo");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        for (bytes, want) in [
            (b"hunter2\n".to_vec(), Ok("hunter2")),
            (b" \n".to_vec(), Err(Error::Empty)),
            (vec![0xff, 0xfe], Err(Error::NotText)),
            (vec![b'x'; 64 * 1024 + 1], Err(Error::TooLarge)),
        ] {
            std::fs::write(&path, bytes).unwrap();
            let read = read(path.clone()).await;
            assert_eq!(read.as_ref().map(|secret| secret.expose_secret()).map_err(|error| *error), want);
        }
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&fifo, &link).unwrap();
        for (path, want) in [
            (fifo, Error::NotRegular),
            (link, Error::NotRegular),
            (dir.path().to_owned(), Error::NotRegular),
            ("/dev/zero".into(), Error::NotRegular),
            (dir.path().join("none"), Error::Unreadable),
        ] {
            assert_eq!(read(path.clone()).await.map(drop), Err(want), "{}", path.display());
        }
    }
}
