//! Tests of the conversion of decisions.

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

fn skipped(reason: SkipReason, blocked: bool) -> Desired {
    Desired::Skipped(Skip { reason, blocked })
}

fn shape() -> Shape {
    Shape {
        enabled: true,
        address: "ana@emea.example".to_owned(),
        attributes: Attributes::from_iter([("city", Value::from("Paris")), ("department", Value::Null)]),
        on_create: Attributes::from_iter([("userType", Value::from("Member"))]),
    }
}

#[test]
fn a_decision_survives_a_round_trip() {
    for desired in [
        Desired::Wanted(shape()),
        Desired::Wanted(Shape { enabled: false, ..shape() }),
        Desired::NotWanted(DeprovisionReason::OutOfScope { grace_period_ms: 30_000, blocked: false }),
        Desired::NotWanted(DeprovisionReason::OutOfScope { grace_period_ms: 0, blocked: true }),
        Desired::NotWanted(DeprovisionReason::External),
        Desired::NotWanted(DeprovisionReason::Deleted),
        skipped(SkipReason::ScopeUnresolved, true),
    ]
    .into_iter()
    .chain(SkipReason::all("accountEnabled").map(|reason| skipped(reason, false)))
    {
        let decision = decision(desired);
        assert_eq!(Decision::try_from(events::Decision::from(&decision)), Ok(decision));
    }
}

#[test]
fn every_skip_reason_of_the_bus_is_one_of_the_domain() {
    let wire: Vec<events::SkipReason> = (1..).map_while(|number| events::SkipReason::try_from(number).ok()).collect();
    assert_eq!(wire.len(), SkipReason::all("").len());
    for reason in wire {
        let read = skip_reason(reason, "accountEnabled").unwrap();
        assert_eq!((events::SkipReason::from(read), read.attribute().is_empty()), (reason, reason != events::SkipReason::InvalidAttribute));
    }
    assert_eq!(skip_reason(events::SkipReason::InvalidAttribute, "of_a_newer_writer"), Err(Invalid::NewerWriter("skipped.attribute")));
}

#[test]
fn newer_writers_and_invalid_fields_are_distinguished() {
    let good = || events::Decision::from(&decision(Desired::Wanted(shape())));
    let not_wanted = |reason| Some(Wire::NotWanted(events::NotWanted { reason, ..events::NotWanted::default() }));
    let skipped_wire = |reason| Some(Wire::Skipped(events::Skipped { reason, ..events::Skipped::default() }));
    for (wire, want) in [
        (events::Decision { desired: None, ..good() }, Invalid::NewerWriter("desired")),
        (events::Decision { desired: not_wanted(99), ..good() }, Invalid::NewerWriter("not_wanted.reason")),
        (events::Decision { desired: not_wanted(0), ..good() }, missing("not_wanted.reason")),
        (events::Decision { desired: skipped_wire(99), ..good() }, Invalid::NewerWriter("skipped.reason")),
        (events::Decision { desired: skipped_wire(0), ..good() }, missing("skipped.reason")),
        (events::Decision { desired: Some(Wire::Wanted(events::Shape::default())), ..good() }, missing("wanted.address")),
        (events::Decision { user_id: String::new(), ..good() }, missing("user_id")),
        (events::Decision { source: String::new(), ..good() }, missing("source")),
        (events::Decision { synchronization: String::new(), ..good() }, missing("synchronization")),
        (events::Decision { version: None, ..good() }, missing("version")),
    ] {
        assert_eq!(Decision::try_from(wire), Err(want));
    }
}
