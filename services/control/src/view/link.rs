//! Reduces a link to the state of its shadow user and its status towards the desired state.

use std::time::Duration;

use xtsync_contract::convert::LinkRecord;
use xtsync_domain::decision::{DeprovisionReason, Wanted};
use xtsync_domain::link::{Account, ConditionKind, DELETION_DEFERRED, Link, Shadow, Stage};
use xtsync_domain::{Timestamp, Version};

/// The code of a link whose shadow user has an unredeemed invitation to another address than the one decided now.
pub(crate) const ADDRESS_DIFFERS: &str = "address_differs";

/// The columns of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LinkRow {
    /// The link version, which grows with every change of the link.
    pub(crate) version: u64,
    /// The version of the decision that the link works towards.
    pub(crate) desired: Vec<u8>,
    /// The digest of that decision.
    pub(crate) digest: Vec<u8>,
    pub(crate) state: &'static str,
    pub(crate) status: LinkStatus,
    pub(crate) code: String,
    /// When the provisioner continues by itself; 0 if at once or never.
    pub(crate) due: Timestamp,
    pub(crate) record: Vec<u8>,
}

/// The status of a link towards the desired state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LinkStatus {
    /// The link is as desired.
    Done,
    /// The provisioner works on the link or retries later.
    Waiting,
    /// The user is in the scope grace period, or has lost access and is deleted later.
    Grace,
    /// The gate, a veto or an override holds the link.
    Held,
    /// Another object or link occupies what this link needs.
    Conflict,
    /// The target refused; the provisioner retries at long intervals.
    Refused,
}

impl LinkStatus {
    /// Returns the value of the column `status`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Waiting => "waiting",
            Self::Grace => "grace",
            Self::Held => "held",
            Self::Conflict => "conflict",
            Self::Refused => "refused",
        }
    }
}

/// Reduces a link; `record` holds its encoded message.
pub(crate) fn row(LinkRecord { link, version, .. }: &LinkRecord, record: Vec<u8>) -> LinkRow {
    let (status, code, due) = status(link);
    let (desired, digest) = (version_bytes(link.desired.version), link.desired.digest().to_vec());
    LinkRow { version: *version, desired, digest, state: state(&link.shadow), status, code, due, record }
}

fn state(shadow: &Shadow) -> &'static str {
    match shadow {
        Shadow::None | Shadow::Inviting(_) => "none",
        Shadow::Object(Account { stage: Stage::SoftDeleted { .. }, .. }) => "deleted",
        Shadow::Object(account) if account.enabled => "present",
        Shadow::Object(_) => "disabled",
    }
}

fn status(link: &Link) -> (LinkStatus, String, Timestamp) {
    if link.is_converged() {
        let code = if link.address_differs() { ADDRESS_DIFFERS } else { "" };
        return (LinkStatus::Done, code.to_owned(), Timestamp(0));
    }
    if let Some(condition) = &link.condition {
        let status = match condition.kind {
            ConditionKind::Held => LinkStatus::Held,
            ConditionKind::Conflict => LinkStatus::Conflict,
            ConditionKind::Refused => LinkStatus::Refused,
            ConditionKind::Retry if condition.code == DELETION_DEFERRED => LinkStatus::Grace,
            ConditionKind::Retry => LinkStatus::Waiting,
        };
        return (status, condition.code.clone(), condition.due.unwrap_or_default());
    }
    match link.wanted() {
        Wanted::No(DeprovisionReason::OutOfScope { grace_period_ms, .. }) if *grace_period_ms > 0 => {
            (LinkStatus::Grace, "grace".to_owned(), link.desired_since.plus(Duration::from_millis(*grace_period_ms)))
        }
        Wanted::No(_) | Wanted::Yes(_) | Wanted::Skipped(_) => (LinkStatus::Waiting, String::new(), Timestamp(0)),
    }
}

/// Encodes a version as bytes whose order is the order of versions.
pub(crate) fn version_bytes(version: Version) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(28);
    [version.delta, version.revision, version.facts].iter().for_each(|part| bytes.extend(part.to_be_bytes()));
    bytes.extend(version.rules.to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use xtsync_domain::decision::{Desired, Shape, SkipReason};
    use xtsync_domain::link::{Applied, Condition, DisabledBy, Sessions};
    use xtsync_domain::{Attributes, Decision, Origin, TenantName};

    fn link(applied: u64, wanted: Wanted) -> Link {
        let tenant = |name: &str| TenantName::new(name).unwrap();
        let version = |delta| Version { delta, ..Version::default() };
        let desired = Decision {
            source: tenant("emea"),
            user: "ana".into(),
            synchronization: "to-hub".into(),
            version: version(2),
            origin: Origin::Live,
            first_seen: Timestamp(0),
            desired: Desired { sign_in_blocked: false, wanted },
        };
        Link {
            target: tenant("hub"),
            desired,
            desired_since: Timestamp(5_000_000),
            anchor: None,
            shadow: Shadow::None,
            applied: Applied { version: version(applied), ..Applied::default() },
            veto: None,
            reject: None,
            holders: [].into(),
            condition: None,
        }
    }

    fn gone(grace_period_ms: u64) -> Wanted {
        Wanted::No(DeprovisionReason::OutOfScope { grace_period_ms, shape: None })
    }

    fn with_condition(kind: ConditionKind) -> Link {
        let condition = Condition { kind, code: "c".into(), others: Vec::new(), attempts: 1, due: None, since: Timestamp(1), answer: None };
        Link { condition: Some(condition), ..link(1, gone(0)) }
    }

    #[test]
    fn k_23_a_pending_shadow_user_with_a_differing_address_is_reported() {
        let wanted = |address: &str| {
            let (attributes, on_create) = (Attributes::default(), Attributes::default());
            Wanted::Yes(Shape { address: address.to_owned(), attributes, on_create })
        };
        let account = Account {
            id: "t1".into(),
            stage: Stage::Live,
            enabled: true,
            disabled_by: DisabledBy::None,
            sessions: Sessions::Open,
            redeemed: false,
            address: "info.desk@emea.example".to_owned(),
            created_at: Timestamp(1),
            creation_incomplete: false,
            former_anchor: None,
            access_taken_at: None,
            taken_from: None,
        };
        for (account, address, want) in [
            (account.clone(), "first.holder@emea.example", ADDRESS_DIFFERS),
            (account.clone(), "Info.Desk@emea.example", ""),
            (Account { redeemed: true, ..account.clone() }, "first.holder@emea.example", ""),
            (Account { stage: Stage::SoftDeleted { since: Timestamp(2) }, ..account }, "first.holder@emea.example", ""),
        ] {
            let link = Link { shadow: Shadow::Object(account), ..link(2, wanted(address)) };
            let record = LinkRecord { link, version: 1, store_id: String::new() };
            let row = row(&record, Vec::new());
            assert_eq!((row.status, row.code.as_str()), (LinkStatus::Done, want), "{address}");
        }
    }

    fn deferred(until: i64) -> Link {
        let mut link = with_condition(ConditionKind::Retry);
        link.condition = link.condition.map(|one| Condition { code: DELETION_DEFERRED.to_owned(), due: Some(Timestamp(until)), ..one });
        link
    }

    #[test]
    fn a_link_status_follows_versions_and_conditions() {
        for (link, status, code, due) in [
            (link(2, gone(0)), LinkStatus::Done, "", 0),
            (link(1, gone(0)), LinkStatus::Waiting, "", 0),
            (link(1, Wanted::No(DeprovisionReason::Deleted)), LinkStatus::Waiting, "", 0),
            (link(1, Wanted::Skipped(SkipReason::NoAddress)), LinkStatus::Waiting, "", 0),
            (link(1, gone(30_000)), LinkStatus::Grace, "grace", 35_000_000),
            (link(2, gone(30_000)), LinkStatus::Done, "", 0),
            (with_condition(ConditionKind::Held), LinkStatus::Held, "c", 0),
            (with_condition(ConditionKind::Conflict), LinkStatus::Conflict, "c", 0),
            (with_condition(ConditionKind::Refused), LinkStatus::Refused, "c", 0),
            (with_condition(ConditionKind::Retry), LinkStatus::Waiting, "c", 0),
            (deferred(7), LinkStatus::Grace, "deletion_deferred", 7),
        ] {
            let record = LinkRecord { link, version: 1, store_id: String::new() };
            let row = row(&record, Vec::new());
            assert_eq!((row.status, row.code.as_str(), row.due), (status, code, Timestamp(due)), "{record:?}");
        }
    }

    #[test]
    fn encoded_versions_have_the_order_of_versions() {
        let version = |delta, revision, facts, rules| Version { delta, revision, facts, rules };
        let versions = [version(1, 9, 9, 9), version(1, 10, 0, 0), version(2, 0, 0, 0), version(300, 0, 0, 1), version(300, 0, 256, 0)];
        assert!(versions.is_sorted());
        assert!(versions.map(version_bytes).is_sorted());
    }
}
