//! The names of renamed tenants, read from the configuration on the bus: the topics of a tenant bear its key.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use xtsync_bus::{Bus, Error, Table};
use xtsync_contract::topic;
use xtsync_control::names::Names;
use xtsync_domain::TenantName;
use xtsync_domain::resource::Resource;
use xtsync_service::configuration::{ParsedRecord, read};

/// Returns the keys of tenants by their names.
///
/// # Errors
/// When a name is the key of a tenant that has another name now, or the configuration cannot be read.
pub(super) async fn keys(bus: &Bus, tenants: &BTreeSet<TenantName>) -> anyhow::Result<BTreeSet<TenantName>> {
    let resources = resources(bus).await.context("reading which tenants were renamed")?;
    let names = Names::of(resources.values());
    tenants.iter().map(|name| names.key(name).map_err(|renamed| anyhow::anyhow!("{renamed}"))).collect()
}

/// Returns the resources on the bus; none where their topic is missing.
async fn resources(bus: &Bus) -> Result<BTreeMap<String, Resource>, Error> {
    let topic = topic::CONFIG.topic();
    let mut resources = BTreeMap::new();
    if !bus.missing(std::slice::from_ref(&topic)).await?.is_empty() {
        return Ok(resources);
    }
    let mut table = Table::open(bus, vec![topic]).await?;
    while !table.caught_up() {
        for record in table.next().await? {
            match read(&record) {
                Ok(ParsedRecord::Resource { key, resource, .. }) => drop(resources.insert(key, *resource)),
                Ok(ParsedRecord::Removal { key }) => drop(resources.remove(&key)),
                // Control reports what it cannot read.
                Ok(ParsedRecord::Commit(_)) | Err(_) => {}
            }
        }
    }
    Ok(resources)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use xtsync_bus::{Embedded, Urgency};
    use xtsync_contract::role::Role;
    use xtsync_contract::{event, internal};
    use xtsync_domain::Timestamp;
    use xtsync_domain::resource::{Rename, Spec};
    use xtsync_runtime::clock::SystemClock;

    use super::*;

    #[tokio::test]
    async fn the_topics_of_a_renamed_tenant_bear_its_key() {
        let dir = tempfile::tempdir().unwrap();
        let bus: Bus = Embedded::open(&dir.path().join("bus.sqlite"), Arc::new(SystemClock)).await.unwrap();
        let name = |text: &str| TenantName::new(text).unwrap();
        let (id, spec) = (Rename::id_of(&name("emea")), Spec::Rename(Rename { name: name("europe") }));
        let record = internal::ConfigRecord::from(&Resource { id: id.clone(), revision: 3, spec });
        let value = prost::Message::encode_to_vec(&record);
        let record =
            event::record::<internal::ConfigRecord>(Role::CONTROL, topic::CONFIG.topic(), &id.to_string(), 3, Timestamp(1), None, value);
        bus.publish(vec![record], Urgency::Live).await.unwrap();
        assert_eq!(keys(&bus, &[name("europe"), name("hub")].into()).await.unwrap(), [name("emea"), name("hub")].into());
        let refused = keys(&bus, &[name("emea")].into()).await.unwrap_err();
        assert_eq!(refused.to_string(), "Tenant 'emea' is now named 'europe'");
    }
}
