//! What the configuration on the bus says of named tenants: their keys, which their topics bear, and how many partitions the topics get.

use std::collections::BTreeMap;

use anyhow::Context as _;
use xtsync_bus::{Bus, Error, Table};
use xtsync_contract::topic;
use xtsync_control::names::Names;
use xtsync_domain::resource::{Resource, Tenant};
use xtsync_domain::{Configuration, TenantName};
use xtsync_service::configuration::{ParsedRecord, read};

/// Returns the keys of tenants by their names, and how many partitions their topics get: as many as are given, or else as the Tenant on the bus
/// says.
///
/// # Errors
/// When a name is the key of a tenant that has another name now, or the configuration cannot be read.
pub(super) async fn keys(bus: &Bus, named: &BTreeMap<TenantName, Option<u32>>) -> anyhow::Result<BTreeMap<TenantName, u32>> {
    let resources = resources(bus).await.context("reading the tenants on the bus")?;
    let names = Names::of(resources.values());
    let standing = Configuration::new(0, resources.into_values());
    let keyed = |(name, given): (&TenantName, &Option<u32>)| {
        let key = names.key(name).map_err(|renamed| anyhow::anyhow!("{renamed}"))?;
        let partitions = given.unwrap_or_else(|| standing.tenant(&key).map_or(1, Tenant::partitions));
        Ok((key, partitions))
    };
    named.iter().map(keyed).collect()
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

    use xtsync_bus::{Embedded, Outgoing, Urgency};
    use xtsync_contract::role::Role;
    use xtsync_contract::{event, internal};
    use xtsync_domain::Timestamp;
    use xtsync_domain::resource::{Id, Kind, Rename, Spec};
    use xtsync_runtime::clock::SystemClock;

    use super::*;

    fn name(text: &str) -> TenantName {
        TenantName::new(text).unwrap()
    }

    fn record(id: Id, spec: Spec) -> Outgoing {
        let key = id.to_string();
        let record = internal::ConfigRecord::from(&Resource { id, revision: 3, spec });
        let value = prost::Message::encode_to_vec(&record);
        event::record::<internal::ConfigRecord>(Role::CONTROL, topic::CONFIG.topic(), &key, 3, Timestamp(1), None, value)
    }

    #[tokio::test]
    async fn the_topics_of_a_tenant_bear_its_key_and_get_as_many_partitions_as_it_says() {
        let dir = tempfile::tempdir().unwrap();
        let bus: Bus = Embedded::open(&dir.path().join("bus.sqlite"), Arc::new(SystemClock)).await.unwrap();
        let rename = record(Rename::id_of(&name("emea")), Spec::Rename(Rename { name: name("europe") }));
        let id = Id { kind: Kind::Tenant, tenant: Some(name("emea")), name: "emea".to_owned() };
        let tenant = record(id, Spec::from_json(Kind::Tenant, br#"{"organization":"o","partitions":3,"graph":{}}"#).unwrap());
        bus.publish(vec![rename, tenant], Urgency::Live).await.unwrap();
        //  given for europe  and hub     emea gets  hub gets
        for (europe, hub, of_emea, of_hub) in [(None, None, 3, 1), (Some(5), Some(2), 5, 2)] {
            let keyed = keys(&bus, &[(name("europe"), europe), (name("hub"), hub)].into()).await.unwrap();
            assert_eq!(keyed, [(name("emea"), of_emea), (name("hub"), of_hub)].into());
        }
        let refused = keys(&bus, &[(name("emea"), None)].into()).await.unwrap_err();
        assert_eq!(refused.to_string(), "Tenant 'emea' is now named 'europe'");
    }
}
