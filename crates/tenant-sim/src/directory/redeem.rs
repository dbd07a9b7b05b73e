//! Redeeming an invitation: what happens when a guest signs in for the first time.
//!
//! No Graph call does it; only the user's sign-in does. It asks nothing when the home tenant (outbound) and this tenant (inbound) both
//! switched automatic redemption on; otherwise the user would see a consent prompt, which is recorded and changes nothing.

use time::OffsetDateTime;
use uuid::Uuid;

use super::Directory;
use crate::error::Failure;
use crate::journal::Verb;
use crate::property;
use crate::value::Value;

/// What a first sign-in led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Redemption {
    /// The invitation is accepted without a prompt.
    Accepted,
    /// The user was shown a consent prompt; the invitation stays pending.
    Prompted,
}

impl Directory {
    /// The domain of the address by which a guest was invited, i.e. of the home tenant.
    pub(crate) fn home_domain(&self, id: Uuid) -> Result<String, Failure> {
        let user = self.users.get(id).ok_or_else(|| Failure::not_found(&id.to_string()))?;
        if !user.is_external() {
            return Err(Failure::bad_request("The user is not external."));
        }
        if let Some((_, domain)) = self.invited.get(&id).and_then(|address| address.rsplit_once('@')) {
            return Ok(domain.to_owned());
        }
        let others = user.fields.get(property::OTHER_MAILS).map(Value::each_text).unwrap_or_default();
        let mail = user.fields.text(property::MAIL).or_else(|| others.first().map(AsRef::as_ref));
        let domain = mail.and_then(|mail| mail.rsplit_once('@')).map(|(_, domain)| domain.to_owned());
        domain.ok_or_else(|| Failure::bad_request("The user has no address."))
    }

    /// The guest signs in. `home` is the home tenant and whether it lets its users redeem here without a prompt.
    pub(crate) fn sign_in(&mut self, id: Uuid, home: Option<(Uuid, bool)>) -> Redemption {
        let silent = home.is_some_and(|(home, outbound)| outbound && self.policy.redeems(home, "inboundAllowed"));
        if !silent {
            self.prompted.push(id);
            return Redemption::Prompted;
        }
        let accepted = (property::EXTERNAL_STATE, Value::text("Accepted"));
        let changed = (property::EXTERNAL_STATE_CHANGED, Value::Time(OffsetDateTime::now_utc()));
        self.set_user(id, vec![accepted, changed]);
        let properties = ["externalUserState", "externalUserStateChangeDateTime"].map(str::to_owned);
        self.record_user(Verb::Redeem, id, None, properties.into());
        Redemption::Accepted
    }
}
