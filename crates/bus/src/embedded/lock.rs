//! The lock that keeps a second process from a log: an advisory lock on a file beside it. The system releases it when the process ends.

use std::fs::{File, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::Error;

/// How long to wait for the lock: an ending process, or handles being dropped, release it only after a moment.
const LOCK_TIMEOUT: Duration = Duration::from_secs(1);

/// Acquires the lock of the log at `path`; it is held until the file is dropped.
///
/// # Errors
/// [`Error::Refused`] when another process holds it or it cannot be acquired.
pub(super) async fn acquire(path: &Path) -> Result<File, Error> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let refused = |reason: &str| Error::Refused(format!("{}: {reason}", Path::new(&name).display()));
    let file = File::options()
        .create(true)
        .mode(0o600)
        .write(true)
        .truncate(false)
        .open(&name)
        .map_err(|error| refused(&format!("cannot be opened as lock file: {error}")))?;
    let deadline = Instant::now() + LOCK_TIMEOUT;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => sleep(Duration::from_millis(20)).await,
            Err(TryLockError::WouldBlock) => return Err(refused("another process has this log open; stop it first")),
            Err(TryLockError::Error(error)) => return Err(refused(&format!("cannot be locked: {error}"))),
        }
    }
}
