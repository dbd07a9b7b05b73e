//! Connectors: what makes sources and targets of the connector sections of Tenants.
//!
//! A connector is one crate and one entry in the binary's registry. Code outside it knows a section by its [`Description`] alone.

use std::fmt;
use std::sync::Arc;

use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value};
use xtsync_domain::resource::{AllowedHosts, Description, SectionProblem, Tenant};
use xtsync_domain::{Capabilities, Refusal, TenantName};
use xtsync_secrets::{SecretsDir, TenantSecrets};

use crate::{Error, Result, Source, Target};

/// What speaks one protocol.
pub trait Connector: Send + Sync {
    /// The name of its section in a Tenant, such as `graph`.
    fn name(&self) -> &'static str;

    /// The JSON schema of its section: the shape that [`Connector::describe`] reads, each field with its meaning.
    fn schema(&self, generator: &mut SchemaGenerator) -> Schema;

    /// Says what a section means; makes no request.
    ///
    /// # Errors
    /// The first field that is unknown, missing or of the wrong shape.
    fn describe(&self, settings: &Map<String, Value>) -> Result<Description, SectionProblem>;

    /// A directory that users come from; makes no request yet.
    ///
    /// # Errors
    /// [`Error::Malformed`] for a section that cannot be read; see [`Error`] for the others.
    fn source(&self, settings: &Map<String, Value>, secrets: TenantSecrets) -> Result<Arc<dyn Source>>;

    /// A directory that users appear in; makes no request yet.
    ///
    /// # Errors
    /// As for [`Connector::source`]; [`Error::Forbidden`] for a section that cannot write.
    fn target(&self, settings: &Map<String, Value>, secrets: TenantSecrets) -> Result<Arc<dyn Target>>;
}

/// Every connector of a program.
#[derive(Clone, Default)]
pub struct Connectors(Arc<[Arc<dyn Connector>]>);

/// Makes sources and targets with what an installation allows.
#[derive(Clone)]
pub struct Directories {
    /// The connectors.
    pub connectors: Connectors,
    /// Where the secrets of tenants are.
    pub secrets: SecretsDir,
    /// The hosts that sections may send credentials to.
    pub hosts: AllowedHosts,
}

/// A target, with what its directory can do.
#[derive(Clone)]
pub struct Connected {
    /// The target.
    pub target: Arc<dyn Target>,
    /// What the rules go by.
    pub capabilities: Capabilities,
}

impl fmt::Debug for Connectors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|connector| connector.name())).finish()
    }
}

impl Connectors {
    /// These connectors, each by its name.
    #[must_use]
    pub fn new(connectors: impl IntoIterator<Item = Arc<dyn Connector>>) -> Self {
        Self(connectors.into_iter().collect())
    }

    /// These and others.
    #[must_use]
    pub fn and(&self, others: impl IntoIterator<Item = Arc<dyn Connector>>) -> Self {
        Self(self.0.iter().cloned().chain(others).collect())
    }

    /// The JSON schemas of the sections, by the names of the connectors.
    pub fn schemas(&self, generator: &mut SchemaGenerator) -> Vec<(&'static str, Schema)> {
        self.0.iter().map(|connector| (connector.name(), connector.schema(generator))).collect()
    }

    /// Says what the connector section of a Tenant means.
    ///
    /// # Errors
    /// When there is no such connector, or it cannot read the section.
    pub fn describe(&self, tenant: &Tenant) -> Result<Description, SectionProblem> {
        self.of(tenant)?.describe(&tenant.connector.settings)
    }

    fn of(&self, tenant: &Tenant) -> Result<&Arc<dyn Connector>, SectionProblem> {
        let name = &tenant.connector.connector;
        self.0.iter().find(|connector| connector.name() == name).ok_or_else(|| {
            let known: Vec<&str> = self.0.iter().map(|connector| connector.name()).collect();
            SectionProblem { path: name.clone(), message: format!("there is no connector `{name}`: use one of {}", known.join(", ")) }
        })
    }
}

impl Directories {
    /// Reads a tenant.
    ///
    /// # Errors
    /// When its section cannot be read, or names a host that this installation does not allow.
    pub fn source(&self, name: &TenantName, tenant: &Tenant) -> Result<Arc<dyn Source>> {
        self.checked(tenant)?.0.source(&tenant.connector.settings, self.secrets.of(name))
    }

    /// Writes a tenant.
    ///
    /// # Errors
    /// As for [`Self::source`], and for a section that cannot write.
    pub fn target(&self, name: &TenantName, tenant: &Tenant) -> Result<Connected> {
        let (connector, capabilities) = self.checked(tenant)?;
        let target = connector.target(&tenant.connector.settings, self.secrets.of(name))?;
        Ok(Connected { target, capabilities })
    }

    /// The connector of a Tenant, and what its directory can do. Control refuses at apply what this installation does not allow; it is checked again here, since a
    /// configuration may come from another installation, or from before.
    fn checked(&self, tenant: &Tenant) -> Result<(&Arc<dyn Connector>, Capabilities)> {
        let unreadable = |problem: SectionProblem| Error::Malformed { reason: format!("{}: {}", problem.path, problem.message) };
        let connector = self.connectors.of(tenant).map_err(unreadable)?;
        let description = connector.describe(&tenant.connector.settings).map_err(unreadable)?;
        match self.hosts.forbidden(&description) {
            Some(field) => Err(Error::Forbidden { code: Refusal::from(format!("host_not_allowed_{field}")) }),
            None => Ok((connector, description.capabilities)),
        }
    }
}
