//! The cross-tenant access policy of one tenant: a default, partners, and what each partner may synchronize.
//!
//! A tenant starts as Entra's do: collaboration allowed, but no partners, no automatic redemption and no synchronization.
//! A partner's null property inherits from the default, property by property. Automatic redemption cannot be switched on in the default.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use crate::error::Failure;

const SETTINGS: &[&str] = &[
    "inboundTrust",
    "b2bCollaborationInbound",
    "b2bCollaborationOutbound",
    "b2bDirectConnectInbound",
    "b2bDirectConnectOutbound",
    "tenantRestrictions",
    "automaticUserConsentSettings",
];
const PARTNER_ONLY: &[&str] = &["tenantId", "isServiceProvider", "isInMultiTenantOrganization", "crossCloudMeetingConfiguration"];
const SYNC: &[&str] = &["displayName", "userSyncInbound", "groupSyncInbound", "externalCloudAuthorizedApplicationId"];

type Object = Map<String, Json>;

/// The policy of one tenant.
#[derive(Debug)]
pub(crate) struct AccessPolicy {
    default: Object,
    partners: BTreeMap<Uuid, Partner>,
}

/// One partner: its settings and its synchronization policy.
#[derive(Debug, Default)]
struct Partner {
    settings: Object,
    sync: Option<Object>,
}

impl Default for AccessPolicy {
    fn default() -> Self {
        Self { default: open_default(), partners: BTreeMap::new() }
    }
}

impl AccessPolicy {
    pub(crate) fn default_json(&self) -> Json {
        Json::Object(self.default.clone())
    }

    pub(crate) fn patch_default(&mut self, body: &Object) -> Result<(), Failure> {
        check_names(
            body,
            &[SETTINGS, &["invitationRedemptionIdentityProviderConfiguration"]],
            "crossTenantAccessPolicyConfigurationDefault",
        )?;
        if body.contains_key("automaticUserConsentSettings") {
            return Err(Failure::bad_request("Property 'automaticUserConsentSettings' is read-only and cannot be set."));
        }
        merge(&mut self.default, body);
        self.default.insert("isServiceDefault".to_owned(), false.into());
        Ok(())
    }

    pub(crate) fn partners(&self) -> impl Iterator<Item = Uuid> {
        self.partners.keys().copied()
    }

    /// One partner, with its synchronization policy if `expand`.
    pub(crate) fn partner_json(&self, id: Uuid, expand: bool) -> Result<Json, Failure> {
        let partner = self.partner(id)?;
        let mut json = Object::from_iter([("tenantId".to_owned(), id.to_string().into())]);
        json.extend(SETTINGS.iter().chain(PARTNER_ONLY).filter(|name| **name != "tenantId").map(|name| ((*name).to_owned(), Json::Null)));
        json.extend(partner.settings.clone());
        if expand {
            json.insert("identitySynchronization".to_owned(), partner.sync.as_ref().map_or(Json::Null, |sync| sync_json(id, sync)));
        }
        Ok(Json::Object(json))
    }

    pub(crate) fn add_partner(&mut self, body: &Object) -> Result<Uuid, Failure> {
        check_names(body, &[SETTINGS, PARTNER_ONLY], "crossTenantAccessPolicyConfigurationPartner")?;
        let id = body.get("tenantId").and_then(Json::as_str).and_then(|id| Uuid::parse_str(id).ok());
        let id = id.ok_or_else(|| Failure::bad_request("A value is required for property 'tenantId'."))?;
        if self.partners.contains_key(&id) {
            let message = "Another object with the same value for property tenantId already exists.";
            return Err(Failure::new(409, "Request_MultipleObjectsWithSameKeyValue", message));
        }
        let mut settings = body.clone();
        settings.remove("tenantId");
        self.partners.insert(id, Partner { settings, sync: None });
        Ok(id)
    }

    pub(crate) fn patch_partner(&mut self, id: Uuid, body: &Object) -> Result<(), Failure> {
        check_names(body, &[SETTINGS, PARTNER_ONLY], "crossTenantAccessPolicyConfigurationPartner")?;
        merge(&mut self.partner_mut(id)?.settings, body);
        self.partner_mut(id)?.settings.remove("tenantId");
        Ok(())
    }

    pub(crate) fn remove_partner(&mut self, id: Uuid) -> Result<(), Failure> {
        if self.partner(id)?.sync.is_some() {
            return Err(Failure::bad_request("The identity synchronization policy of this partner must be deleted first."));
        }
        self.partners.remove(&id);
        Ok(())
    }

    pub(crate) fn sync_json(&self, id: Uuid) -> Result<Json, Failure> {
        let sync = self.partner(id)?.sync.as_ref().ok_or_else(|| Failure::not_found("identitySynchronization"))?;
        Ok(sync_json(id, sync))
    }

    pub(crate) fn put_sync(&mut self, id: Uuid, body: &Object) -> Result<(), Failure> {
        check_names(body, &[SYNC, &["tenantId"]], "crossTenantIdentitySyncPolicyPartner")?;
        self.partner_mut(id)?.sync = Some(body.clone());
        Ok(())
    }

    pub(crate) fn patch_sync(&mut self, id: Uuid, body: &Object) -> Result<(), Failure> {
        check_names(body, &[SYNC], "crossTenantIdentitySyncPolicyPartner")?;
        let sync = self.partner_mut(id)?.sync.as_mut().ok_or_else(|| Failure::not_found("identitySynchronization"))?;
        merge(sync, body);
        Ok(())
    }

    pub(crate) fn remove_sync(&mut self, id: Uuid) -> Result<(), Failure> {
        self.partner_mut(id)?.sync.take().map(drop).ok_or_else(|| Failure::not_found("identitySynchronization"))
    }

    /// Whether invitations to (`outboundAllowed`) or from (`inboundAllowed`) that tenant are redeemed without a prompt.
    pub(crate) fn redeems(&self, partner: Uuid, direction: &str) -> bool {
        let path = ["automaticUserConsentSettings", direction];
        let of = |settings: &Object| settings.get(path[0]).and_then(|consent| consent.get(path[1])).and_then(Json::as_bool);
        self.partners.get(&partner).and_then(|partner| of(&partner.settings)).or_else(|| of(&self.default)).unwrap_or(false)
    }

    /// Whether users may come here from that tenant (`b2bCollaborationInbound`) or go there (`b2bCollaborationOutbound`).
    pub(crate) fn collaborates(&self, partner: Uuid, direction: &str) -> bool {
        let of = |settings: &Object| {
            let access = settings.get(direction)?.get("usersAndGroups")?.get("accessType")?;
            access.as_str().map(|access| access != "blocked")
        };
        self.partners.get(&partner).and_then(|partner| of(&partner.settings)).or_else(|| of(&self.default)).unwrap_or(true)
    }

    fn partner(&self, id: Uuid) -> Result<&Partner, Failure> {
        self.partners.get(&id).ok_or_else(|| Failure::not_found(&id.to_string()))
    }

    fn partner_mut(&mut self, id: Uuid) -> Result<&mut Partner, Failure> {
        self.partners.get_mut(&id).ok_or_else(|| Failure::not_found(&id.to_string()))
    }
}

fn sync_json(id: Uuid, sync: &Object) -> Json {
    let mut json = sync.clone();
    json.insert("tenantId".to_owned(), id.to_string().into());
    json.entry("displayName").or_insert(Json::Null);
    json.entry("userSyncInbound").or_insert(Json::Null);
    Json::Object(json)
}

/// PATCH of complex values: what is named is replaced, level by level; the rest stays.
fn merge(into: &mut Object, from: &Object) {
    for (name, value) in from {
        match (into.get_mut(name), value) {
            (Some(Json::Object(inner)), Json::Object(value)) => merge(inner, value),
            _ => {
                into.insert(name.clone(), value.clone());
            }
        }
    }
}

fn check_names(body: &Object, known: &[&[&str]], resource: &str) -> Result<(), Failure> {
    let is_known = |name: &str| name.contains('@') || known.iter().any(|names| names.contains(&name));
    match body.keys().find(|name| !is_known(name)) {
        Some(name) => Err(Failure::no_property(name, resource)),
        None => Ok(()),
    }
}

/// The default of a new tenant: collaboration open both ways, direct connect closed, nothing trusted, nothing redeemed.
fn open_default() -> Object {
    let setting = |access: &str, users: &str| {
        json!({
            "usersAndGroups": {"accessType": access, "targets": [{"target": users, "targetType": "user"}]},
            "applications": {"accessType": access, "targets": [{"target": "AllApplications", "targetType": "application"}]},
        })
    };
    let default = json!({
        "isServiceDefault": true,
        "inboundTrust": {"isMfaAccepted": false, "isCompliantDeviceAccepted": false, "isHybridAzureADJoinedDeviceAccepted": false},
        "b2bCollaborationInbound": setting("allowed", "AllUsers"),
        "b2bCollaborationOutbound": setting("allowed", "AllUsers"),
        "b2bDirectConnectInbound": setting("blocked", "AllUsers"),
        "b2bDirectConnectOutbound": setting("blocked", "AllUsers"),
        "tenantRestrictions": {"devices": null, "usersAndGroups": null, "applications": null},
        "automaticUserConsentSettings": {"inboundAllowed": false, "outboundAllowed": false},
    });
    match default {
        Json::Object(default) => default,
        _ => unreachable!("it is written as an object above"),
    }
}
