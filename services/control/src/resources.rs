//! The stored resources, as rows.

use std::collections::BTreeMap;

use xtsync_domain::TenantName;
use xtsync_domain::resource::{Id, Kind, Resource, Spec};
use xtsync_store::{Error, Param, Row, Store, Transaction};

/// Every stored resource, by id.
pub(crate) type StoredResources = BTreeMap<Id, Resource>;

const ALL: &str = "SELECT kind, tenant, name, spec, revision FROM resource";

/// Reads all resources outside a transaction.
pub(crate) async fn read(store: &Store) -> Result<StoredResources, Error> {
    store.fetch(ALL, Vec::new()).await?.iter().map(resource).collect()
}

/// Reads all resources in a transaction.
pub(crate) async fn read_in(tx: &mut Transaction) -> Result<StoredResources, Error> {
    tx.fetch(ALL, Vec::new()).await?.iter().map(resource).collect()
}

/// Writes a resource with the revision that changed it.
pub(crate) async fn write(tx: &mut Transaction, id: &Id, spec: &Spec, revision: u64) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO resource (kind, tenant, name, spec, revision, published) VALUES ($1, $2, $3, $4, $5, 0)
        ON CONFLICT (kind, tenant, name) DO UPDATE SET spec = excluded.spec, revision = excluded.revision";
    let [kind, tenant, name] = key(id);
    tx.execute(SQL, vec![kind, tenant, name, spec.to_json().into(), revision.into()]).await.map(drop)
}

/// Marks a resource as unpublished.
pub(crate) async fn unpublish(tx: &mut Transaction, id: &Id) -> Result<(), Error> {
    const SQL: &str = "UPDATE resource SET published = 0 WHERE kind = $1 AND tenant = $2 AND name = $3";
    tx.execute(SQL, key(id).into()).await.map(drop)
}

/// Returns the key of a resource's row: kind, tenant (`-` for none), name.
pub(crate) fn key(id: &Id) -> [Param; 3] {
    [id.kind.as_str().into(), id.tenant.as_ref().map_or("-", TenantName::as_str).into(), (&id.name).into()]
}

/// Reads a resource from a row that begins with kind, tenant, name, spec, revision.
pub(crate) fn resource(row: &Row) -> Result<(Id, Resource), Error> {
    let (kind, tenant, name) = (row.text("kind")?, row.text("tenant")?, row.text("name")?);
    let corrupt = |what: String| Error::Corrupt(format!("resource {kind}/{tenant}/{name}: {what}"));
    let kind = Kind::of_name(&kind).ok_or_else(|| corrupt("unknown kind".to_owned()))?;
    let owner = match tenant.as_str() {
        "-" => None,
        tenant => Some(TenantName::new(tenant).map_err(|error| corrupt(error.to_string()))?),
    };
    let spec = Spec::from_json(kind, &row.bytes("spec")?).map_err(|error| corrupt(error.to_string()))?;
    let id = Id { kind, tenant: owner, name: name.clone() };
    Ok((id.clone(), Resource { id, revision: row.uint("revision")?, spec }))
}
