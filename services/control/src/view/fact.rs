//! Facts of tenants as they were said last.

use prost::Message as _;
use xtsync_domain::fact::Fact;
use xtsync_domain::{TenantFact, TenantName};
use xtsync_platform::params;
use xtsync_platform::store::{Error, Store};
use xtsync_proto::v1;

const GROUP_NAME: &str = "group-name/";

/// Whether a fact's key is that of a group's name.
pub(crate) fn is_group_name(key: &str) -> bool {
    key.starts_with(GROUP_NAME)
}

/// The key of who a tenant is.
pub(crate) const IDENTITY: &str = "tenant/self";

/// The key of a tenant's live access policy.
pub(crate) const ACCESS_POLICY: &str = "access-policy/live";

/// What was found under a group's name; `None` before anybody looked.
pub(crate) async fn group_name(store: &Store, tenant: &TenantName, name: &str) -> Result<Option<Fact>, Error> {
    Ok(read(store, tenant, &format!("{GROUP_NAME}{name}")).await?.map(|fact| fact.fact))
}

/// A fact as it was said last. What a newer writer said is as good as nothing.
pub(crate) async fn read(store: &Store, tenant: &TenantName, key: &str) -> Result<Option<TenantFact>, Error> {
    const SQL: &str = "SELECT record FROM view_fact WHERE tenant = $1 AND key = $2";
    let Some(row) = store.fetch_one_opt(SQL, params![tenant.as_str(), key]).await? else { return Ok(None) };
    let wire = v1::TenantFact::decode(row.bytes(0)?.as_slice()).map_err(|error| Error::Corrupt(error.to_string()))?;
    Ok(TenantFact::try_from(wire).ok())
}
