//! The tenant's live cross-tenant access policy, and who the tenant is.
//!
//! The policy is what the administrator sets in the portal (R1): read whole each time, since Graph has neither a delta nor a
//! notification for it. A null setting of a partner stays `None`: it inherits from the default, property by property.

use serde::Deserialize;
use xtsync_domain::fact::{AccessPolicy, Identity, Partner, Redemption};

use super::http::Http;
use super::limit::Size;
use super::odata::{self, Listed};
use super::value::storable;
use xtsync_directory::{Error, Result};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DefaultWire {
    automatic_user_consent_settings: Option<Consent>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PartnerWire {
    tenant_id: String,
    automatic_user_consent_settings: Option<Consent>,
    identity_synchronization: Option<Synchronization>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Consent {
    inbound_allowed: Option<bool>,
    outbound_allowed: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Synchronization {
    user_sync_inbound: Option<Inbound>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Inbound {
    is_sync_allowed: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Organization {
    id: String,
    verified_domains: Vec<Domain>,
}

#[derive(Deserialize)]
struct Domain {
    name: String,
    #[serde(default, rename = "isDefault")]
    is_default: bool,
}

/// The live policy, all partners of it.
pub(super) async fn access_policy(http: &Http) -> Result<AccessPolicy> {
    let default = http.get("/policies/crossTenantAccessPolicy/default", &[])?;
    let partners =
        http.get("/policies/crossTenantAccessPolicy/partners", &[])?.query("$expand", "identitySynchronization").sized(Size::List);
    let (default, partners) = tokio::try_join!(http.json::<DefaultWire>(&default), odata::list::<PartnerWire>(http, partners))?;
    let partners = partners.into_iter().map(|partner| (storable(&partner.tenant_id).into(), partner.into())).collect();
    Ok(AccessPolicy { default: redemption(default.automatic_user_consent_settings), partners })
}

/// The tenant's own id and its verified domains.
pub(super) async fn identity(http: &Http) -> Result<Identity> {
    let request = http.get("/organization", &[])?.query("$select", "id,verifiedDomains").sized(Size::List);
    let listed: Listed<Organization> = http.json(&request).await?;
    match <[Organization; 1]>::try_from(listed.value) {
        Ok([organization]) => {
            let default_domain = organization.verified_domains.iter().find(|domain| domain.is_default).map(|domain| storable(&domain.name));
            let verified_domains = organization.verified_domains.into_iter().map(|domain| storable(&domain.name)).collect();
            Ok(Identity { directory_id: storable(&organization.id).into(), verified_domains, default_domain })
        }
        Err(several) => Err(Error::Malformed { reason: format!("{} organizations in one tenant", several.len()) }),
    }
}

impl From<PartnerWire> for Partner {
    fn from(partner: PartnerWire) -> Self {
        let inbound = partner.identity_synchronization.and_then(|synchronization| synchronization.user_sync_inbound);
        let sync_allowed = inbound.and_then(|inbound| inbound.is_sync_allowed);
        Self { sync_allowed, redemption: redemption(partner.automatic_user_consent_settings) }
    }
}

fn redemption(consent: Option<Consent>) -> Redemption {
    consent.map_or_else(Redemption::default, |consent| Redemption { inbound: consent.inbound_allowed, outbound: consent.outbound_allowed })
}
