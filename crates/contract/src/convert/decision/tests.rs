//! Decisions to the wire and back.

use xtsync_domain::{Attributes, Origin, TenantName, Timestamp, Value, Version};

use super::*;
use crate::events;

fn emea() -> TenantName {
    TenantName::new("emea").unwrap()
}

fn decision(desired: Desired) -> Decision {
    Decision {
        source: emea(),
        user: "ana".into(),
        synchronization: "to-hub".to_owned(),
        version: Version { delta: 4, facts: 3, revision: 2, rules: 1 },
        origin: Origin::Live,
        first_seen: Timestamp(1_763_712_000_123_456),
        desired,
    }
}

fn skipped(reason: Untouched, blocked: bool) -> Desired {
    Desired::Untouched(Skip { reason, blocked })
}

fn present() -> Present {
    Present {
        enabled: true,
        address: "ana@emea.example".to_owned(),
        attributes: Attributes::from_iter([("city", Value::from("Paris")), ("department", Value::Null)]),
        on_create: Attributes::from_iter([("userType", Value::from("Member"))]),
    }
}

#[test]
fn a_decision_reads_back_as_it_was() {
    for desired in [
        Desired::Present(present()),
        Desired::Present(Present { enabled: false, ..present() }),
        Desired::Gone(Departure::OutOfScope { settle_ms: 30_000, blocked: false }),
        Desired::Gone(Departure::OutOfScope { settle_ms: 0, blocked: true }),
        Desired::Gone(Departure::External),
        Desired::Gone(Departure::Deleted),
        skipped(Untouched::NotOneOrganization, false),
        skipped(Untouched::ScopeUnresolved, false),
        skipped(Untouched::ScopeUnresolved, true),
        skipped(Untouched::NoAddress, false),
        skipped(Untouched::UserTypeNotAdmitted, false),
        skipped(Untouched::NoVerifiedAddress, false),
        skipped(Untouched::HomeDomainsUnknown, true),
        skipped(Untouched::InvalidAttribute("accountEnabled"), false),
    ] {
        let decision = decision(desired);
        assert_eq!(Decision::try_from(events::Decision::from(&decision)), Ok(decision.clone()));
        let record = DecisionRecord::Decision(decision);
        assert_eq!(DecisionRecord::try_from(events::Decision::from(record.clone())), Ok(record));
    }
}

#[test]
fn a_marker_reads_back_and_is_never_a_decision() {
    let marker = DecisionRecord::Marker { source: emea(), partition: 5, revision: 8 };
    let wire = events::Decision::from(marker.clone());
    assert!(matches!(Decision::try_from(wire.clone()), Err(Invalid::Field("desired", _))));
    assert_eq!(DecisionRecord::try_from(wire), Ok(marker));
}

#[test]
fn what_a_newer_writer_wrote_is_told_from_what_is_broken() {
    let good = || events::Decision::from(&decision(Desired::Present(present())));
    let gone = |reason| Some(Wire::Gone(events::Gone { reason, ..events::Gone::default() }));
    let untouched = |reason| Some(Wire::Untouched(events::Untouched { reason, ..events::Untouched::default() }));
    for (wire, want) in [
        (events::Decision { desired: None, ..good() }, Invalid::NewerWriter("desired")),
        (events::Decision { desired: gone(99), ..good() }, Invalid::NewerWriter("gone.reason")),
        (events::Decision { desired: gone(0), ..good() }, missing("gone.reason")),
        (events::Decision { desired: untouched(99), ..good() }, Invalid::NewerWriter("untouched.reason")),
        (events::Decision { desired: untouched(0), ..good() }, missing("untouched.reason")),
        (events::Decision { desired: Some(Wire::Present(events::Present::default())), ..good() }, missing("present.address")),
        (events::Decision { user_id: String::new(), ..good() }, missing("user_id")),
        (events::Decision { source: String::new(), ..good() }, missing("source")),
        (events::Decision { synchronization: String::new(), ..good() }, missing("synchronization")),
        (events::Decision { version: None, ..good() }, missing("version")),
    ] {
        assert_eq!(DecisionRecord::try_from(wire), Err(want));
    }
}
