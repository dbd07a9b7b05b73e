//! The configurations that tests name, each read and compiled once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use serde_json::{Value as Json, json};
use xtsync_control::{folder, manifest};
use xtsync_domain::TenantName;
use xtsync_domain::configuration::validate::{Proposal, problems};
use xtsync_domain::configuration::{Configuration, needs};
use xtsync_domain::decide::CompiledRules;
use xtsync_domain::fact::Fact;
use xtsync_domain::resolution::{Known, resolve};
use xtsync_domain::resource::{Directory, DirectoryExtensions, Id, Kind, Resource, Spec, Tenant};

/// The directory extensions of tenants, as tests write them.
type Extensions = BTreeMap<TenantName, Json>;

/// The revision of every projection: users are given as the rules read them.
pub(super) const PROJECTION: u64 = 1;

/// The configurations by their files, and the extensions that tenants have.
#[derive(Debug, Default)]
pub(in crate::command::test) struct Configurations(BTreeMap<(Vec<PathBuf>, String), Arc<CompiledRules>>);

impl Configurations {
    /// The rules of files or folders, relative to a folder.
    ///
    /// # Errors
    /// If one cannot be read, or a resource is wrong.
    pub(super) fn get(&mut self, folder: &Path, paths: &[PathBuf], extensions: &Extensions) -> anyhow::Result<Arc<CompiledRules>> {
        let key = (paths.iter().map(|path| folder.join(path)).collect::<Vec<_>>(), json!(extensions).to_string());
        if let Some(known) = self.0.get(&key) {
            return Ok(Arc::clone(known));
        }
        let rules = Arc::new(compile(&key.0, extensions)?);
        self.0.insert(key, Arc::clone(&rules));
        Ok(rules)
    }
}

fn compile(paths: &[PathBuf], extensions: &Extensions) -> anyhow::Result<CompiledRules> {
    let mut files = Vec::new();
    for path in paths {
        files.extend(folder::read(path).with_context(|| format!("reading the configuration in {}", path.display()))?);
    }
    let written = match manifest::read(&files) {
        Ok(written) => written,
        Err(problems) => bail!("{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
    };
    let mut wanted: BTreeMap<Id, Spec> = written.iter().map(|resource| (resource.id.clone(), resolved(&resource.spec))).collect();
    for (tenant, users) in extensions {
        let spec = Spec::from_json(Kind::DirectoryExtensions, json!({"users": users}).to_string().as_bytes());
        wanted.insert(DirectoryExtensions::id_of(tenant), spec.with_context(|| format!("the extensions of {tenant}"))?);
    }
    wanted.extend(directories(&wanted));
    check(&wanted)?;
    Ok(CompiledRules::compile(Arc::new(with_projections(wanted))))
}

/// What each tenant's directory is: its default domain is the one by which its connector section names it.
fn directories(wanted: &BTreeMap<Id, Spec>) -> BTreeMap<Id, Spec> {
    let tenants = wanted.iter().filter_map(|(id, spec)| Some((id.tenant.as_ref()?, spec.tenant()?)));
    let directory = |(name, tenant): (&TenantName, &Tenant)| {
        let default_domain = tenant.connector.settings.get("domain").and_then(Json::as_str).map(str::to_owned);
        (Directory::id_of(name), Spec::Directory(Directory { id: name.as_str().into(), default_domain }))
    };
    tenants.map(directory).collect()
}

/// A synchronization whose groups have their names as ids; tests name them so.
fn resolved(spec: &Spec) -> Spec {
    let Spec::Synchronization(synchronization) = spec else { return spec.clone() };
    let name = |name: &str| Fact::GroupName { name: name.to_owned(), ids: vec![name.into()], resolution: 0 };
    Spec::Synchronization(resolve(synchronization, &Known::new(synchronization.scope.names().map(name), 0)))
}

fn check(wanted: &BTreeMap<Id, Spec>) -> anyhow::Result<()> {
    let (standing, identities) = (BTreeMap::new(), BTreeMap::new());
    let written: BTreeSet<Id> = wanted.keys().cloned().collect();
    let proposal = Proposal { standing: &standing, wanted, written: &written, identities: &identities, describe: &|_| None };
    let found: Vec<String> =
        problems(&proposal).iter().map(|problem| format!("{}, {}: {}", problem.id, problem.path, problem.message)).collect();
    if found.is_empty() { Ok(()) } else { bail!("{}", found.join("; ")) }
}

/// The configuration, with what it reads of each source.
fn with_projections(wanted: BTreeMap<Id, Spec>) -> Configuration {
    let mut resources: Vec<Resource> = wanted.into_iter().map(|(id, spec)| Resource { id, revision: PROJECTION, spec }).collect();
    let configuration = Configuration::new(PROJECTION, resources.iter().cloned());
    let projection =
        |source| Resource { id: needs::id(source), revision: PROJECTION, spec: Spec::Projection(needs::needs(&configuration, source)) };
    resources.extend(configuration.sources().into_iter().map(projection));
    Configuration::new(PROJECTION, resources)
}
