//! What an administrator sets for a partner when two tenants agree to synchronize, or no longer agree.

use serde_json::json;
use uuid::Uuid;

use super::Directory;
use crate::error::Failure;

impl Directory {
    /// The source's consent: its users redeem invitations of that tenant without a prompt, or no longer do.
    pub(crate) fn release_to(&mut self, partner: Uuid, given: bool) -> Result<(), Failure> {
        self.consent(partner, "outboundAllowed", given)
    }

    /// The target's consent: users of that tenant redeem here without a prompt and may be synchronized, or no longer may.
    pub(crate) fn admit_from(&mut self, partner: Uuid, name: &str, given: bool) -> Result<(), Failure> {
        self.consent(partner, "inboundAllowed", given)?;
        let sync = json!({"displayName": name, "userSyncInbound": {"isSyncAllowed": given}});
        self.policy.put_sync(partner, sync.as_object().expect("it is written as an object"))?;
        self.record_policy(partner, vec!["identitySynchronization".to_owned()]);
        Ok(())
    }

    fn consent(&mut self, partner: Uuid, direction: &str, given: bool) -> Result<(), Failure> {
        if !self.policy.partners().any(|known| known == partner) {
            let body = json!({"tenantId": partner.to_string()});
            self.policy.add_partner(body.as_object().expect("it is written as an object"))?;
        }
        let body = json!({"automaticUserConsentSettings": {direction: given}});
        self.policy.patch_partner(partner, body.as_object().expect("it is written as an object"))?;
        self.record_policy(partner, vec!["automaticUserConsentSettings".to_owned()]);
        Ok(())
    }
}
