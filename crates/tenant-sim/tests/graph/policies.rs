//! The cross-tenant access policy: closed by default, opened for partners, inherited property by property.

use serde_json::{Value as Json, json};
use xtsync_tenant_sim::Sim;

use crate::world::World;

const POLICY: &str = "/policies/crossTenantAccessPolicy";

#[tokio::test]
async fn a_tenant_starts_closed() {
    let world = World::small().await;
    let hub = world.graph("hub").await;
    let default = hub.get(&format!("{POLICY}/default")).await.ok();
    assert_eq!(default["automaticUserConsentSettings"], json!({"inboundAllowed": false, "outboundAllowed": false}));
    assert_eq!(default["b2bCollaborationInbound"]["usersAndGroups"]["accessType"], "allowed");
    assert_eq!(default["b2bDirectConnectInbound"]["usersAndGroups"]["accessType"], "blocked");
    assert_eq!(hub.get(&format!("{POLICY}/partners")).await.ok()["value"], json!([]));
    let consent = json!({"automaticUserConsentSettings": {"inboundAllowed": true}});
    assert_eq!(hub.patch(&format!("{POLICY}/default"), consent).await.status, 400, "the default cannot redeem automatically");
    let trust = json!({"inboundTrust": {"isMfaAccepted": true}});
    assert_eq!(hub.patch(&format!("{POLICY}/default"), trust).await.status, 204);
    let default = hub.get(&format!("{POLICY}/default")).await.ok();
    let accepted = json!({"isMfaAccepted": true, "isCompliantDeviceAccepted": false, "isHybridAzureADJoinedDeviceAccepted": false});
    assert_eq!(default["inboundTrust"], accepted);
}

#[tokio::test]
async fn a_partner_is_added_once_opened_and_removed() {
    let world = World::small().await;
    let hub = world.graph("hub").await;
    let emea = world.sim.tenant("emea").unwrap().id();
    let (partners, partner) = (format!("{POLICY}/partners"), format!("{POLICY}/partners/{emea}"));
    let sync = format!("{partner}/identitySynchronization");
    let allowed = json!({"userSyncInbound": {"isSyncAllowed": true}});
    assert_eq!(hub.put(&sync, allowed.clone()).await.status, 404);
    assert_eq!(hub.post(&partners, json!({"tenantId": emea.to_string()})).await.status, 201);
    let again = hub.post(&partners, json!({"tenantId": emea.to_string()})).await;
    assert_eq!((again.status, again.code()), (409, "Request_MultipleObjectsWithSameKeyValue"));
    let fresh = hub.get(&partner).await.ok();
    for name in ["automaticUserConsentSettings", "inboundTrust", "b2bCollaborationInbound", "b2bCollaborationOutbound"] {
        assert_eq!(fresh[name], Json::Null, "{name} is inherited");
    }
    assert_eq!(
        hub.get(&format!("{partners}?$expand=identitySynchronization")).await.ok()["value"][0]["identitySynchronization"],
        Json::Null
    );
    assert_eq!(hub.get(&sync).await.status, 404);
    assert_eq!(hub.put(&sync, allowed).await.status, 204);
    assert_eq!(hub.patch(&sync, json!({"displayName": "EMEA"})).await.status, 204);
    let expanded = hub.get(&format!("{partner}?$expand=identitySynchronization")).await.ok();
    let want = json!({"tenantId": emea.to_string(), "displayName": "EMEA", "userSyncInbound": {"isSyncAllowed": true}});
    assert_eq!(expanded["identitySynchronization"], want);
    assert_eq!(hub.delete(&partner).await.status, 400, "the identity synchronization must be removed first");
    assert_eq!([hub.delete(&sync).await.status, hub.delete(&partner).await.status], [204, 204]);
    for body in [json!({}), json!({"tenantId": "x"}), json!({"tenantId": emea.to_string(), "isBestFriend": true})] {
        assert_eq!(hub.post(&partners, body).await.status, 400);
    }
}

#[tokio::test]
async fn allow_sets_the_policies_of_both_tenants() {
    let world = World::start(Sim::builder().tenant("emea", 0).tenant("hub", 0).allow("emea", "hub")).await;
    assert!(world.sim.journal().is_empty());
    let (emea, hub) = (world.sim.tenant("emea").unwrap().id(), world.sim.tenant("hub").unwrap().id());
    for (tenant, partner, consent, sync) in [
        ("emea", hub, json!({"outboundAllowed": true}), Json::Null),
        ("hub", emea, json!({"inboundAllowed": true}), json!({"isSyncAllowed": true})),
    ] {
        let path = format!("{POLICY}/partners/{partner}?$expand=identitySynchronization");
        let partner = world.graph(tenant).await.get(&path).await.ok();
        assert_eq!(partner["automaticUserConsentSettings"], consent);
        assert_eq!(partner["identitySynchronization"]["userSyncInbound"], sync);
    }
}

#[tokio::test]
async fn consent_can_be_withdrawn_at_run_time() {
    let world = World::small().await;
    let hub = world.graph("hub").await;
    let path = format!("{POLICY}/partners/{}?$expand=identitySynchronization", world.sim.tenant("emea").unwrap().id());
    for given in [true, false, true] {
        let change = if given { world.sim.allow("emea", "hub") } else { world.sim.forbid("emea", "hub") };
        change.unwrap();
        let partner = hub.get(&path).await.ok();
        assert_eq!(partner["automaticUserConsentSettings"]["inboundAllowed"], given);
        assert_eq!(partner["identitySynchronization"]["userSyncInbound"]["isSyncAllowed"], given);
    }
    assert_eq!((world.sim.journal_len("emea"), world.sim.journal_len("hub")), (3, 6));
    assert!(world.sim.allow("emea", "emea").is_err() && world.sim.forbid("emea", "apac").is_err());
}
