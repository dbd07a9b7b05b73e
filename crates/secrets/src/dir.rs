//! The secrets directory: one subdirectory per tenant. A tenant's references resolve within its own subdirectory only.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, fstat, openat, openat2};
use rustix::io::Errno;
use secrecy::SecretString;
use tracing::warn;
use xtsync_domain::TenantName;
use xtsync_domain::resource::SecretRef;

use crate::{Error, file};

/// The maximum number of attempts if directories are renamed while the kernel resolves a path.
const ATTEMPTS_MAX: usize = 16;

/// The directory that holds the secrets of all tenants, each in a sub-directory of the tenant's name.
#[derive(Debug, Clone)]
pub struct SecretsDir(PathBuf);

impl SecretsDir {
    /// The secrets below that directory. It need not exist yet.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The secrets of one tenant.
    #[must_use]
    pub fn of(&self, tenant: &TenantName) -> TenantSecrets {
        TenantSecrets(Some((self.0.clone(), tenant.clone())))
    }
}

/// The secrets of one tenant. The default has no directory and refuses every reference.
#[derive(Debug, Clone, Default)]
pub struct TenantSecrets(Option<(PathBuf, TenantName)>);

impl TenantSecrets {
    /// Reads the secret that a resource of the tenant refers to.
    ///
    /// # Errors
    /// [`Error::Outside`] for a reference that leads out of the tenant's directory, by itself or by links; else as [`file::read`].
    pub async fn read(&self, reference: &SecretRef) -> Result<SecretString, Error> {
        let Some((dir, tenant)) = self.0.clone() else { return Err(Error::Outside) };
        let wanted = reference.clone();
        let read = file::within_timeout({
            let tenant = tenant.clone();
            move || file::read_opened(open(&dir, &tenant, &wanted)?)
        });
        read.await.inspect_err(|error| {
            warn!(%tenant, file = %reference.file.display(), code = error.code(), "the file of a client secret cannot be used: {error}");
        })
    }
}

/// Opens the file that a reference means. The kernel resolves and opens in one step, so a link that is swapped meanwhile leads nowhere
/// else. Relative links may lead from one place of the tenant's directory to another, as in mounts of Kubernetes.
fn open(dir: &Path, tenant: &TenantName, reference: &SecretRef) -> Result<File, Error> {
    if !reference.is_below() {
        return Err(Error::Outside);
    }
    let directory = OFlags::PATH | OFlags::DIRECTORY;
    let all = openat(CWD, dir, directory | OFlags::CLOEXEC, Mode::empty()).map_err(|_| Error::Unreadable)?;
    let own = open_beneath(all.as_fd(), Path::new(tenant.as_str()), directory)?;
    let identity = |fd: &OwnedFd| fstat(fd).map(|stat| (stat.st_dev, stat.st_ino)).map_err(|_| Error::Unreadable);
    // If both are the same directory, the tenant's subdirectory links to the secrets of all tenants.
    if identity(&own)? == identity(&all)? {
        return Err(Error::Outside);
    }
    // Opening a device may have side effects. So the path is checked through an `O_PATH` descriptor first, and the opened file again.
    file::check_regular(&File::from(open_beneath(own.as_fd(), &reference.file, OFlags::PATH)?))?;
    let file = File::from(open_beneath(own.as_fd(), &reference.file, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY)?);
    file::check_regular(&file)?;
    Ok(file)
}

/// Opens what lies below a directory; a path or a link that leads out of it is refused, and so is an absolute link (openat2(2)).
fn open_beneath(dir: BorrowedFd<'_>, path: &Path, flags: OFlags) -> Result<OwnedFd, Error> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    for _ in 0..ATTEMPTS_MAX {
        match openat2(dir, path, flags | OFlags::CLOEXEC, Mode::empty(), resolve) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(Errno::XDEV) => return Err(Error::Outside),
            opened => return opened.map_err(|_| Error::Unreadable),
        }
    }
    Err(Error::Unreadable)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use secrecy::ExposeSecret as _;

    use super::*;

    #[tokio::test]
    async fn a_reference_leads_below_the_directory_of_its_own_tenant_and_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for (name, secret) in
            [("secrets/emea/app", "own"), ("secrets/hub/app", "other"), ("secrets/emea/.data/v1/app", "mounted"), ("token", "t")]
        {
            fs::create_dir_all(path(name).parent().unwrap()).unwrap();
            fs::write(path(name), secret).unwrap();
        }
        symlink(path("token"), path("secrets/emea/out")).unwrap();
        symlink("../hub/app", path("secrets/emea/hub")).unwrap();
        symlink("..", path("secrets/emea/up")).unwrap();
        symlink(".data/v1", path("secrets/emea/current")).unwrap();
        symlink("current/app", path("secrets/emea/mounted")).unwrap();
        symlink(".", path("secrets/all")).unwrap();
        symlink("/", path("secrets/root")).unwrap();
        let secrets = SecretsDir::new(path("secrets"));
        let absolute = path("secrets/emea/app");
        for (tenant, reference, want) in [
            ("emea", "app", Ok("own")),
            ("emea", "mounted", Ok("mounted")),
            ("emea", "current/app", Ok("mounted")),
            ("emea", "none", Err(Error::Unreadable)),
            ("us", "app", Err(Error::Unreadable)),
            ("emea", "", Err(Error::Outside)),
            ("emea", ".", Err(Error::Outside)),
            ("emea", "../hub/app", Err(Error::Outside)),
            ("emea", "current/../../hub/app", Err(Error::Outside)),
            ("emea", "/etc/passwd", Err(Error::Outside)),
            ("emea", "/proc/self/environ", Err(Error::Outside)),
            ("emea", absolute.to_str().unwrap(), Err(Error::Outside)),
            ("emea", "out", Err(Error::Outside)),
            ("emea", "hub", Err(Error::Outside)),
            ("emea", "up/hub/app", Err(Error::Outside)),
            ("all", "hub/app", Err(Error::Outside)),
            ("root", "etc/passwd", Err(Error::Outside)),
        ] {
            let read = secrets.of(&TenantName::new(tenant).unwrap()).read(&SecretRef { file: reference.into() }).await;
            assert_eq!(read.as_ref().map(|secret| secret.expose_secret()).map_err(|error| *error), want, "{tenant} {reference}");
        }
        let none = TenantSecrets::default().read(&SecretRef { file: "app".into() }).await;
        assert_eq!(none.map(drop), Err(Error::Outside));
    }

    #[test]
    fn a_link_that_is_swapped_while_it_is_read_never_leads_to_another_tenant() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for (name, secret) in [("emea/app", "own"), ("hub/app", "other")] {
            fs::create_dir_all(path(name).parent().unwrap()).unwrap();
            fs::write(path(name), secret).unwrap();
        }
        symlink("app", path("emea/link")).unwrap();
        let (tenant, reference) = (TenantName::new("emea").unwrap(), SecretRef { file: "link".into() });
        std::thread::scope(|scope| {
            let swapping = scope.spawn(|| {
                for to in ["../hub/app", "app"].into_iter().cycle().take(4_000) {
                    symlink(to, path("emea/next")).unwrap();
                    fs::rename(path("emea/next"), path("emea/link")).unwrap();
                }
            });
            while !swapping.is_finished() {
                match open(folder.path(), &tenant, &reference).and_then(file::read_opened) {
                    Ok(secret) => assert_eq!(secret.expose_secret(), "own"),
                    Err(error) => assert_eq!(error, Error::Outside),
                }
            }
        });
    }
}
