//! Facts of tenants as they were said last.

use prost::Message as _;
use xtsync_domain::fact::{Fact, group_name_key};
use xtsync_domain::{TenantFact, TenantName};
use xtsync_platform::params;
use xtsync_platform::store::{Error, Store};
use xtsync_proto::v1;

/// What was found under a group's name; `None` before anybody looked.
pub(crate) async fn group_name(store: &Store, tenant: &TenantName, name: &str) -> Result<Option<Fact>, Error> {
    Ok(read(store, tenant, &group_name_key(name)).await?.map(|fact| fact.fact))
}

/// A fact as it was said last. What a newer writer said is as good as nothing.
pub(crate) async fn read(store: &Store, tenant: &TenantName, key: &str) -> Result<Option<TenantFact>, Error> {
    const SQL: &str = "SELECT record FROM view_fact WHERE tenant = $1 AND key = $2";
    let Some(row) = store.fetch_one_opt(SQL, params![tenant.as_str(), key]).await? else { return Ok(None) };
    let wire = v1::TenantFact::decode(row.bytes(0)?.as_slice()).map_err(|error| Error::Corrupt(error.to_string()))?;
    Ok(TenantFact::try_from(wire).ok())
}
