//! A folder of YAML files as a source of configuration besides `apply`: the leader applies it at start and whenever its content changes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tracing::{error, info, warn};
use xtsync_runtime::telemetry::chain;
use xtsync_service::configuration::digest;

use crate::Error;
use crate::actor::Actor;
use crate::apply::{self, Change};
use crate::context::Context;
use crate::manifest::{self, BYTES_MAX, File};

/// The interval at which the folder is read. The content is compared, because Kubernetes mounts may change without new file times.
const POLL_INTERVAL: Duration = Duration::from_secs(3);

/// The maximum number of files in the folder.
const FILES_MAX: usize = 1_000;

/// Reads a file, or every `*.yaml` and `*.yml` file of a folder in order of name. Subfolders and hidden files are ignored.
///
/// # Errors
/// [`Error::Folder`] if a file cannot be read, a file is larger than one apply may be, or the folder has too many files.
pub fn read(path: &Path) -> Result<Vec<File>, Error> {
    let failed = |path: &Path, source| Error::Folder { path: path.display().to_string(), source };
    if !path.is_dir() {
        return Ok(vec![file(path).map_err(|source| failed(path, source))?]);
    }
    let mut files = Vec::new();
    for path in listed(path).map_err(|source| failed(path, source))? {
        files.push(file(&path).map_err(|source| failed(&path, source))?);
    }
    Ok(files)
}

fn listed(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if !is_hidden
            && is_within(folder, &path)?
            && path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml")
            && path.is_file()
        {
            paths.push(path);
        }
    }
    if paths.len() > FILES_MAX {
        return Err(std::io::Error::other(format!("{} files exceed the limit of {FILES_MAX}", paths.len())));
    }
    paths.sort();
    Ok(paths)
}

/// Whether a file is in the folder, also through symbolic links, which Kubernetes mounts use. A link that leads out of the folder is an
/// error, because error messages would quote the content of its target.
fn is_within(folder: &Path, path: &Path) -> std::io::Result<bool> {
    if !std::fs::symlink_metadata(path)?.is_symlink() {
        return Ok(true);
    }
    match std::fs::canonicalize(path)?.starts_with(std::fs::canonicalize(folder)?) {
        true => Ok(true),
        false => Err(std::io::Error::other(format!("{} is a link that leads out of the folder", path.display()))),
    }
}

/// Reads a file up to the limit of one apply, whatever size the file system reports.
fn file(path: &Path) -> std::io::Result<File> {
    use std::io::Read as _;
    let mut yaml = String::new();
    std::fs::File::open(path)?.take(BYTES_MAX as u64 + 1).read_to_string(&mut yaml)?;
    if yaml.len() > BYTES_MAX {
        return Err(std::io::Error::other(format!("the file exceeds the limit of {BYTES_MAX} bytes per apply")));
    }
    Ok(File { name: path.display().to_string(), yaml })
}

/// Applies the folder at start and whenever its content has changed. Mistakes are logged once, and the former configuration stays in force.
///
/// # Errors
/// If the store or the bus fails. The caller may call it again.
pub(crate) async fn run(context: &Context, folder: &Path) -> Result<(), Error> {
    let (mut applied_digest, mut last_error) = (None, None);
    loop {
        match read(folder) {
            Ok(files) => {
                last_error = None;
                let digest = Some(digest(files.iter().map(|file| (file.name.as_str(), file.yaml.as_bytes()))));
                if digest != applied_digest {
                    apply_files(context, &files).await?;
                    applied_digest = digest;
                }
            }
            // The folder may be in the middle of a change. The same error is logged once.
            Err(error) => {
                let error = Some(chain(&error));
                if error != last_error {
                    warn!(error, "configuration folder not read");
                    last_error = error;
                }
            }
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

async fn apply_files(context: &Context, files: &[File]) -> Result<(), Error> {
    let applied = match manifest::read(files) {
        Ok(written) => apply::apply(context, &written, Actor::internal("config-dir"), false).await,
        Err(problems) => Err(Error::Refused(problems)),
    };
    match applied {
        Ok(applied) => {
            info!(revision = applied.revision, resources = applied.changes.len(), "configuration folder applied");
            let pending = applied.changes.iter().filter(|(_, change)| **change == Change::Pending);
            pending.for_each(
                |(id, _)| warn!(resource = %id, "stored as pending: it names groups or directory extensions that are not known; the spec in force stays in force"),
            );
        }
        Err(Error::Refused(problems)) => {
            problems.iter().for_each(|problem| error!(%problem, "configuration folder refused"));
        }
        Err(error) => return Err(error),
    }
    Ok(())
}
