//! The gate, reason by reason.

use std::sync::LazyLock;

use super::*;
use crate::decision::{DeprovisionReason, Shape};
use crate::fact::{AccessPolicy, Partner, Redemption};
use crate::{Attributes, Decision, Desired, DirectoryId, Origin, TenantName, Version};

const NOW: Timestamp = Timestamp(10_000_000_000_000);
const SECOND: i64 = 1_000_000;

fn link(desired: Desired) -> Link {
    let decision = Decision {
        source: TenantName::new("emea").unwrap(),
        user: "ana".into(),
        synchronization: "to-hub".into(),
        version: Version::default(),
        origin: Origin::Live,
        first_seen: NOW,
        desired,
    };
    Link::new(TenantName::new("hub").unwrap(), decision, NOW)
}

fn wanted() -> Desired {
    let none = Attributes::default;
    let shape = Shape { address: "ana@emea.example".into(), attributes: none(), on_create: none() };
    Desired { sign_in_blocked: false, wanted: Wanted::Yes(shape) }
}

static EMEA: LazyLock<DirectoryId> = LazyLock::new(|| "emea-id".into());
static HUB: LazyLock<DirectoryId> = LazyLock::new(|| "hub-id".into());

/// Two tenants that agree.
fn agreement() -> (AccessPolicy, AccessPolicy) {
    let on = Redemption { inbound: Some(true), outbound: Some(true) };
    let partner = |id: &str| AccessPolicy {
        default: Redemption::default(),
        partners: [(id.into(), Partner { sync_allowed: Some(true), redemption: on })].into(),
    };
    (partner("hub-id"), partner("emea-id"))
}

fn read(seconds_ago: i64, policies: &(AccessPolicy, AccessPolicy)) -> Terms<'_> {
    let read_at = Timestamp(NOW.0 - seconds_ago * SECOND);
    Terms {
        source: Some(PolicySnapshot { directory_id: &EMEA, policy: &policies.0, read_at }),
        target: Some(PolicySnapshot { directory_id: &HUB, policy: &policies.1, read_at }),
        home: None,
        mode: Some(Mode::Enforce),
        is_frozen: false,
        is_quarantined: false,
        is_observe_only: false,
        fault: None,
        allowances: BTreeMap::new(),
    }
}

#[test]
fn a_call_starts_only_with_fresh_consent_and_within_the_limits() {
    let not_wanted = || Desired { sign_in_blocked: false, wanted: Wanted::No(DeprovisionReason::Deleted) };
    let id = || "a1".into();
    let patch = Call::Patch { id: id(), attributes: Attributes::default() };
    let (revoke, delete, read_back) = (Call::Revoke { id: id() }, Call::SoftDelete { id: id() }, Call::ReadBack { id: id() });
    let (yes, mut no) = (agreement(), agreement());
    no.1.partners.clear();
    let open = || read(0, &yes);
    let read = |seconds_ago| read(seconds_ago, &yes);
    let refused = || Terms { target: Some(PolicySnapshot { policy: &no.1, ..open().target.unwrap() }), ..open() };
    let limited = |counter, used| Terms { allowances: [(counter, Allowance { used, max: 10 })].into(), ..open() };
    let verb = Counter::Verb;
    let deletions = |used| limited(verb(Verb::Delete), used);
    let out_of_scope = || Wanted::No(DeprovisionReason::OutOfScope { grace_period_ms: 0, shape: None });
    let lost = || Desired { sign_in_blocked: false, wanted: out_of_scope() };
    let disabled = || Desired { sign_in_blocked: true, ..wanted() };
    let rows = [
        (&patch, wanted(), open(), "open"),
        (&patch, wanted(), Terms { mode: Some(Mode::Observe), ..open() }, "observing"),
        (&patch, wanted(), Terms { mode: None, ..open() }, "not_configured"),
        (&patch, wanted(), Terms { is_frozen: true, ..open() }, "frozen"),
        (&patch, wanted(), Terms { is_quarantined: true, ..open() }, "quarantined"),
        (&read_back, not_wanted(), Terms { is_observe_only: true, ..open() }, "observe_only_after_rebuild"),
        (&patch, wanted(), refused(), "sync_not_allowed"),
        (&revoke, not_wanted(), Terms { fault: Some(Fault::Shared), ..open() }, "directory_shared"),
        (&read_back, not_wanted(), Terms { fault: Some(Fault::Changed), target: None, ..open() }, "directory_changed"),
        (&patch, wanted(), Terms { target: None, ..open() }, "target_never_read"),
        (&patch, wanted(), Terms { source: None, ..open() }, "source_never_read"),
        (&patch, wanted(), read(60), "open"),
        (&patch, wanted(), read(61), "target_stale"),
        (&read_back, wanted(), read(61), "target_stale"),
        // Leavers go on for an hour without news, but never against a no.
        (&revoke, not_wanted(), read(61), "open"),
        (&revoke, not_wanted(), read(3601), "target_stale"),
        (&revoke, not_wanted(), refused(), "sync_not_allowed"),
        // A deletion counts from its first write.
        (&revoke, lost(), deletions(9), "open"),
        (&revoke, lost(), deletions(10), "limit_delete"),
        (&delete, lost(), deletions(10), "limit_delete"),
        (&read_back, lost(), deletions(10), "open"),
        (&revoke, wanted(), deletions(10), "open"),
        // Leavers are counted apart.
        (&revoke, not_wanted(), deletions(10), "open"),
        (&revoke, not_wanted(), limited(Counter::LeaverDelete, 9), "open"),
        (&delete, not_wanted(), limited(Counter::LeaverDelete, 10), "limit_leaver"),
        (&delete, lost(), limited(Counter::LeaverDelete, 10), "open"),
        // So does a lost sign-in.
        (&revoke, disabled(), limited(verb(Verb::Disable), 10), "limit_disable"),
        (&revoke, wanted(), limited(verb(Verb::Disable), 10), "open"),
        (&patch, wanted(), limited(verb(Verb::Update), 9), "open"),
        (&patch, wanted(), limited(verb(Verb::Update), 10), "limit_update"),
    ];
    for (call, desired, terms, want) in rows {
        let code = match gate(call, &link(desired), &terms, NOW) {
            Verdict::Open => "open",
            Verdict::Closed(why) => why.code(),
        };
        assert_eq!(code, want, "{call:?} {terms:?}");
    }
}

#[test]
fn an_invitation_starts_only_for_an_address_that_the_source_redeems_by_now() {
    let yes = agreement();
    let invite = |address: &str| Call::Invite { address: address.into(), display_name: None };
    let reset = || Call::ResetRedemption { id: "a1".into(), address: "ana@emea.example".into() };
    let link = link(wanted());
    let (ours, lost) = (HomeDomains::new(["emea.example"]), HomeDomains::new(["other.example"]));
    let closed = Verdict::Closed(ClosedReason::UnverifiedAddress);
    for (call, home, want) in [
        (invite("ana@emea.example"), Some(&ours), Verdict::Open),
        (invite("ana@emea.example"), Some(&lost), closed),
        (invite("ana@emea.example"), None, closed),
        (invite("ana@hub.example"), Some(&ours), closed),
        (reset(), Some(&ours), Verdict::Open),
        (reset(), Some(&lost), closed),
        (Call::Disable { id: "a1".into() }, None, Verdict::Open),
    ] {
        assert_eq!(gate(&call, &link, &Terms { home, ..read(0, &yes) }, NOW), want, "{call:?} {home:?}");
    }
}
