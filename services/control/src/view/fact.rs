//! The newest facts of tenants.

use std::collections::BTreeMap;

use prost::Message as _;
use xtsync_contract::events;
use xtsync_domain::extension::Extensions;
use xtsync_domain::fact::{ACCESS_POLICY, AccessPolicy, EXTENSIONS, Fact, IDENTITY, Identity};
use xtsync_domain::{TenantFact, TenantName, Timestamp};
use xtsync_store::{Error, Row, Store, params};

/// Reads the facts about groups and group names of all tenants, each with the tenant's name.
pub(crate) async fn groups(store: &Store) -> Result<Vec<(String, Fact)>, Error> {
    const SQL: &str = "SELECT record, tenant FROM view_fact WHERE key LIKE 'group%'";
    let mut facts = Vec::new();
    for row in store.fetch(SQL, params![]).await? {
        if let Some(fact) = decode(&row)? {
            facts.push((row.text("tenant")?, fact.fact));
        }
    }
    Ok(facts)
}

/// Reads the identity of each tenant that the detector has read.
pub(crate) async fn identities(store: &Store) -> Result<BTreeMap<TenantName, Identity>, Error> {
    const SQL: &str = "SELECT record, tenant FROM view_fact WHERE key = $1";
    let mut identities = BTreeMap::new();
    for row in store.fetch(SQL, params![IDENTITY]).await? {
        let fact = decode(&row)?.map(|fact| fact.fact);
        if let (Ok(tenant), Some(Fact::Identity(identity))) = (TenantName::new(row.text("tenant")?), fact) {
            identities.insert(tenant, identity);
        }
    }
    Ok(identities)
}

/// Reads the directory extensions of each tenant of which the detector has read them.
pub(crate) async fn extensions(store: &Store) -> Result<BTreeMap<TenantName, Extensions>, Error> {
    const SQL: &str = "SELECT record, tenant FROM view_fact WHERE key = $1";
    let mut found = BTreeMap::new();
    for row in store.fetch(SQL, params![EXTENSIONS]).await? {
        let fact = decode(&row)?.map(|fact| fact.fact);
        if let (Ok(tenant), Some(Fact::Extensions(extensions))) = (TenantName::new(row.text("tenant")?), fact) {
            found.insert(tenant, extensions);
        }
    }
    Ok(found)
}

/// Reads the access policy of each tenant that the detector has read, with the time of the reading.
pub(crate) async fn policies(store: &Store) -> Result<BTreeMap<TenantName, (AccessPolicy, Timestamp)>, Error> {
    const SQL: &str = "SELECT record, tenant FROM view_fact WHERE key = $1";
    let mut policies = BTreeMap::new();
    for row in store.fetch(SQL, params![ACCESS_POLICY]).await? {
        if let (Ok(tenant), Some(TenantFact { fact: Fact::AccessPolicy(policy), read_at, .. })) =
            (TenantName::new(row.text("tenant")?), decode(&row)?)
        {
            policies.insert(tenant, (policy, read_at));
        }
    }
    Ok(policies)
}

/// Reads the newest fact of a tenant with this key.
pub(crate) async fn read(store: &Store, tenant: &TenantName, key: &str) -> Result<Option<TenantFact>, Error> {
    const SQL: &str = "SELECT record FROM view_fact WHERE tenant = $1 AND key = $2";
    let Some(row) = store.fetch_one_opt(SQL, params![tenant.as_str(), key]).await? else { return Ok(None) };
    decode(&row)
}

/// Decodes a fact; `None` if a newer version wrote it.
fn decode(row: &Row) -> Result<Option<TenantFact>, Error> {
    let wire = events::TenantFact::decode(row.bytes("record")?.as_slice()).map_err(|error| Error::Corrupt(error.to_string()))?;
    Ok(TenantFact::try_from(wire).ok())
}
