//! What was decided on a user, as a reason: from the read model, or from the decision in a link. Both are the same columns.

use xtsync_contract::control::{Reason, ReasonCode};
use xtsync_contract::events;
use xtsync_domain::Timestamp;
use xtsync_store::{Error, Param, Store};

use crate::condition::reason;
use crate::view::batch::decision_row;

/// Selects a decision by target, source and user.
const SQL: &str = "SELECT desired, reason, attribute, sign_in_blocked, due, version, digest FROM view_decision
    WHERE target = $1 AND source = $2 AND user_id = $3";

/// The decision on a user.
#[derive(Debug)]
pub(super) struct Decided {
    desired: String,
    reason: String,
    attribute: String,
    is_blocked: bool,
    due: Timestamp,
    /// The version as bytes, in the order of versions.
    pub(super) version: Vec<u8>,
    /// The digest of what is wanted.
    pub(super) digest: Vec<u8>,
}

impl Decided {
    /// Reads the newest decision from the read model; `key` holds target, source and user.
    pub(super) async fn read(store: &Store, key: Vec<Param>) -> Result<Option<Self>, Error> {
        let Some(row) = store.fetch_one_opt(SQL, key).await? else { return Ok(None) };
        Ok(Some(Self {
            desired: row.text("desired")?,
            reason: row.text("reason")?,
            attribute: row.text("attribute")?,
            is_blocked: row.int("sign_in_blocked")? > 0,
            due: Timestamp(row.int("due")?),
            version: row.bytes("version")?,
            digest: row.bytes("digest")?,
        }))
    }

    /// Returns the decision of a message; `None` if it is unreadable.
    pub(super) fn of(decision: &events::Decision) -> Option<Self> {
        let row = decision_row(decision)?;
        Some(Self {
            desired: row.desired.to_owned(),
            reason: row.reason,
            attribute: row.attribute,
            is_blocked: row.is_blocked,
            due: row.due,
            version: row.version,
            digest: row.digest,
        })
    }

    /// Returns the decision as a reason.
    pub(super) fn reason(&self) -> Reason {
        match (self.desired.as_str(), self.reason.as_str()) {
            ("wanted", _) => reason(ReasonCode::InScope, &[]),
            ("disabled", _) => reason(ReasonCode::InScopeDisabled, &[]),
            ("not_wanted", "external") => reason(ReasonCode::External, &[]),
            ("not_wanted", "deleted") => reason(ReasonCode::DeletedAtHome, &[]),
            ("not_wanted", _) => reason(ReasonCode::NotInScope, &[]),
            (_, code) => {
                let blocked = if self.is_blocked { "true" } else { "" };
                reason(ReasonCode::Skipped, &[("reason", &code), ("attribute", &self.attribute), ("sign_in_blocked", &blocked)])
            }
        }
    }

    /// Returns what happens next: the provisioner works on it, or waits for the end of the scope grace period.
    pub(super) fn next(&self) -> Reason {
        match self.due {
            Timestamp(0) => reason(ReasonCode::InProgress, &[]),
            due => reason(ReasonCode::GracePeriod, &[("until", &due)]),
        }
    }
}

#[cfg(test)]
mod tests {
    use xtsync_contract::convert::code;
    use xtsync_domain::decision::{DeprovisionReason, Desired, Shape, SkipReason, Wanted};
    use xtsync_domain::{Attributes, Decision, Origin, TenantName, Version};

    use super::*;

    #[test]
    fn every_decision_gives_its_reason() {
        let (attributes, on_create) = (Attributes::default(), Attributes::default());
        let shape = Shape { address: "ana@emea.example".to_owned(), attributes, on_create };
        let wanted = || Wanted::Yes(shape.clone());
        let skipped = || Wanted::Skipped(SkipReason::NoAddress);
        let out_of_scope = |shape| Wanted::No(DeprovisionReason::OutOfScope { grace_period_ms: 1, shape });
        for (sign_in_blocked, wanted, want) in [
            (false, wanted(), "in_scope"),
            (true, wanted(), "in_scope_disabled"),
            (false, Wanted::No(DeprovisionReason::External), "external"),
            (false, Wanted::No(DeprovisionReason::Deleted), "deleted_at_home"),
            (false, out_of_scope(None), "not_in_scope"),
            (true, out_of_scope(Some(shape.clone())), "not_in_scope"),
            (false, skipped(), "skipped reason=no_address"),
            (true, skipped(), "skipped reason=no_address sign_in_blocked=true"),
        ] {
            let decision = Decision {
                source: TenantName::new("emea").unwrap(),
                user: "ana".into(),
                synchronization: "to-hub".into(),
                version: Version { delta: 1, ..Version::default() },
                origin: Origin::Live,
                first_seen: Timestamp(1),
                desired: Desired { sign_in_blocked, wanted },
            };
            let Reason { code: number, parameters } = Decided::of(&decision.into()).unwrap().reason();
            let parameters: std::collections::BTreeMap<_, _> = parameters.into_iter().collect();
            let got = code(ReasonCode::try_from(number).unwrap().as_str_name(), "REASON_CODE_");
            assert_eq!(parameters.into_iter().fold(got, |got, (name, value)| format!("{got} {name}={value}")), want);
        }
    }
}
