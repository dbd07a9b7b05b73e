//! The secrets directory: one sub-directory a tenant, which that tenant's references lead to and nowhere else.

use std::fs;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use tracing::warn;
use xtsync_domain::TenantName;
use xtsync_domain::resource::SecretRef;

use crate::{Error, file};

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

/// The secrets of one tenant. Those by default are none: without a directory nothing is read.
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
            move || file::read_now(&find(&dir, &tenant, &wanted)?)
        });
        read.await.inspect_err(|error| {
            warn!(%tenant, file = %reference.file.display(), code = error.code(), "the file of a client secret cannot be used: {error}");
        })
    }
}

/// The file that a reference means. Links may lead from one place of the tenant's directory to another, as in mounts of Kubernetes.
fn find(dir: &Path, tenant: &TenantName, reference: &SecretRef) -> Result<PathBuf, Error> {
    let resolve = |path: &Path| fs::canonicalize(path).map_err(|_| Error::Unreadable);
    if !reference.is_below() {
        return Err(Error::Outside);
    }
    let all = resolve(dir)?;
    let own = resolve(&all.join(tenant.as_str()))?;
    let file = resolve(&own.join(&reference.file))?;
    // Equal to all of them would be a link from the tenant to every tenant.
    if own != all && own.starts_with(&all) && file.starts_with(&own) { Ok(file) } else { Err(Error::Outside) }
}

#[cfg(test)]
mod tests {
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
}
