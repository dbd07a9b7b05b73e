//! A link reduced to where its shadow user is, and how it stands with what is desired.

use std::time::Duration;

use xtsync_contract::convert::LinkRecord;
use xtsync_domain::Timestamp;
use xtsync_domain::decision::{Departure, Desired};
use xtsync_domain::link::{Account, Link, Shadow, Stage, TroubleKind};

use super::batch::version_bytes;

/// The code of a link whose shadow user was invited by another address than is decided now, and that nobody has redeemed.
pub(crate) const ADDRESS_DIFFERS: &str = "address_differs";

/// A link, reduced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LinkRow {
    /// Grows with each state that is told of the link.
    pub(crate) version: u64,
    /// The version of the decision it works towards.
    pub(crate) desired: Vec<u8>,
    pub(crate) state: &'static str,
    pub(crate) standing: Standing,
    pub(crate) code: String,
    /// When it goes on by itself; 0 where that is now, or nothing is to be done.
    pub(crate) due: Timestamp,
    pub(crate) record: Vec<u8>,
}

/// How a link stands with what is desired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// It is as desired.
    Done,
    /// It is worked on.
    Waiting,
    /// A loss of scope has not lasted long enough.
    Settling,
    /// It waits behind the gate, a veto or an override.
    Held,
    /// Somebody else stands in the way.
    Conflict,
    /// The target refused for good.
    Refused,
}

impl Standing {
    /// As it stands in the table.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Waiting => "waiting",
            Self::Settling => "settling",
            Self::Held => "held",
            Self::Conflict => "conflict",
            Self::Refused => "refused",
        }
    }
}

/// Reduces a link that was published as these bytes.
pub(crate) fn row(LinkRecord { link, version, .. }: &LinkRecord, record: Vec<u8>) -> LinkRow {
    let (standing, code, due) = standing(link);
    LinkRow { version: *version, desired: version_bytes(link.desired.version), state: state(&link.shadow), standing, code, due, record }
}

fn state(shadow: &Shadow) -> &'static str {
    match shadow {
        Shadow::None | Shadow::Inviting(_) => "none",
        Shadow::Object(Account { stage: Stage::Bin { .. }, .. }) => "deleted",
        Shadow::Object(account) if account.enabled => "present",
        Shadow::Object(_) => "disabled",
    }
}

fn standing(link: &Link) -> (Standing, String, Timestamp) {
    if link.is_reached() {
        let code = if link.address_differs() { ADDRESS_DIFFERS } else { "" };
        return (Standing::Done, code.to_owned(), Timestamp(0));
    }
    if let Some(trouble) = &link.trouble {
        let standing = match trouble.kind {
            TroubleKind::Held => Standing::Held,
            TroubleKind::Conflict => Standing::Conflict,
            TroubleKind::Refused => Standing::Refused,
            TroubleKind::Retry => Standing::Waiting,
        };
        return (standing, trouble.code.clone(), trouble.due.unwrap_or_default());
    }
    match link.desired.desired {
        Desired::Gone(Departure::OutOfScope { settle_ms, .. }) if settle_ms > 0 => {
            (Standing::Settling, "settling".to_owned(), link.desired_since.plus(Duration::from_millis(settle_ms)))
        }
        Desired::Gone(_) | Desired::Present(_) | Desired::Untouched(_) => (Standing::Waiting, String::new(), Timestamp(0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xtsync_domain::decision::{Present, Skip, Untouched};
    use xtsync_domain::link::{Applied, LoweredBy, Sessions, Trouble};
    use xtsync_domain::{Attributes, Decision, Origin, TenantName, Version};

    fn link(applied: u64, desired: Desired) -> Link {
        let tenant = |name: &str| TenantName::new(name).unwrap();
        let version = |delta| Version { delta, ..Version::default() };
        let desired = Decision {
            source: tenant("emea"),
            user: "ana".into(),
            synchronization: "to-hub".into(),
            version: version(2),
            origin: Origin::Live,
            first_seen: Timestamp(0),
            desired,
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
            trouble: None,
        }
    }

    fn gone(settle_ms: u64) -> Desired {
        Desired::Gone(Departure::OutOfScope { settle_ms, blocked: false })
    }

    fn troubled(kind: TroubleKind) -> Link {
        let trouble = Trouble { kind, code: "c".into(), others: Vec::new(), attempts: 1, due: None, since: Timestamp(1), answer: None };
        Link { trouble: Some(trouble), ..link(1, gone(0)) }
    }

    #[test]
    fn k_23_a_pending_shadow_user_with_another_address_than_is_decided_is_told() {
        let wanted = |address: &str| {
            let (attributes, on_create) = (Attributes::default(), Attributes::default());
            Desired::Present(Present { enabled: true, address: address.to_owned(), attributes, on_create })
        };
        let account = Account {
            id: "t1".into(),
            stage: Stage::Live,
            enabled: true,
            lowered_by: LoweredBy::Nobody,
            sessions: Sessions::Open,
            redeemed: false,
            address: "info.desk@emea.example".to_owned(),
            created_at: Timestamp(1),
            unfinished: false,
            former_anchor: None,
        };
        for (account, address, want) in [
            (account.clone(), "first.holder@emea.example", ADDRESS_DIFFERS),
            (account.clone(), "Info.Desk@emea.example", ""),
            (Account { redeemed: true, ..account.clone() }, "first.holder@emea.example", ""),
            (Account { stage: Stage::Bin { since: Timestamp(2) }, ..account }, "first.holder@emea.example", ""),
        ] {
            let link = Link { shadow: Shadow::Object(account), ..link(2, wanted(address)) };
            let record = LinkRecord { link, version: 1, incarnation: String::new() };
            let row = row(&record, Vec::new());
            assert_eq!((row.standing, row.code.as_str()), (Standing::Done, want), "{address}");
        }
    }

    #[test]
    fn a_link_stands_as_its_versions_and_troubles_say() {
        for (link, standing, code, due) in [
            (link(2, gone(0)), Standing::Done, "", 0),
            (link(1, gone(0)), Standing::Waiting, "", 0),
            (link(1, Desired::Gone(Departure::Deleted)), Standing::Waiting, "", 0),
            (link(1, Desired::Untouched(Skip { reason: Untouched::NoAddress, blocked: false })), Standing::Waiting, "", 0),
            (link(1, gone(30_000)), Standing::Settling, "settling", 35_000_000),
            (link(2, gone(30_000)), Standing::Done, "", 0),
            (troubled(TroubleKind::Held), Standing::Held, "c", 0),
            (troubled(TroubleKind::Conflict), Standing::Conflict, "c", 0),
            (troubled(TroubleKind::Refused), Standing::Refused, "c", 0),
            (troubled(TroubleKind::Retry), Standing::Waiting, "c", 0),
        ] {
            let record = LinkRecord { link, version: 1, incarnation: String::new() };
            let row = row(&record, Vec::new());
            assert_eq!((row.standing, row.code.as_str(), row.due), (standing, code, Timestamp(due)), "{record:?}");
        }
    }
}
