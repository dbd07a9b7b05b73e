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

fn unblocked(wanted: Wanted) -> Desired {
    Desired { sign_in_blocked: false, wanted }
}

fn out_of_scope(grace_period_ms: u64, shape: Option<Shape>) -> Wanted {
    Wanted::No(DeprovisionReason::OutOfScope { grace_period_ms, shape })
}

fn shape() -> Shape {
    Shape {
        address: "ana@emea.example".to_owned(),
        attributes: Attributes::from_iter([("city", Value::from("Paris")), ("department", Value::Null)]),
        on_create: Attributes::from_iter([("userType", Value::from("Member"))]),
    }
}

#[test]
fn a_decision_survives_a_round_trip() {
    for wanted in [
        Wanted::Yes(shape()),
        out_of_scope(30_000, None),
        out_of_scope(0, Some(shape())),
        Wanted::No(DeprovisionReason::External),
        Wanted::No(DeprovisionReason::Deleted),
    ]
    .into_iter()
    .chain(SkipReason::all("accountEnabled").map(Wanted::Skipped))
    {
        for sign_in_blocked in [false, true] {
            let decision = decision(Desired { sign_in_blocked, wanted: wanted.clone() });
            assert_eq!(Decision::try_from(events::Decision::from(&decision)), Ok(decision));
        }
    }
}

/// A newer writer may know the shape where this version does not ask for it.
#[test]
fn a_shape_that_a_decision_cannot_have_is_ignored() {
    for wanted in [Wanted::No(DeprovisionReason::Deleted), Wanted::Skipped(SkipReason::NoAddress)] {
        let decision = decision(unblocked(wanted));
        let wire = events::Decision { shape: Some(shape().into()), ..events::Decision::from(&decision) };
        assert_eq!(Decision::try_from(wire), Ok(decision));
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
    let good = || events::Decision::from(&decision(unblocked(Wanted::Yes(shape()))));
    let not_wanted = |reason| Some(Wire::NotWanted(events::NotWanted { reason, ..events::NotWanted::default() }));
    let skipped_wire = |reason| Some(Wire::Skipped(events::Skipped { reason, ..events::Skipped::default() }));
    for (wire, want) in [
        (events::Decision { desired: None, ..good() }, Invalid::NewerWriter("desired")),
        (events::Decision { desired: not_wanted(99), ..good() }, Invalid::NewerWriter("not_wanted.reason")),
        (events::Decision { desired: not_wanted(0), ..good() }, missing("not_wanted.reason")),
        (events::Decision { desired: skipped_wire(99), ..good() }, Invalid::NewerWriter("skipped.reason")),
        (events::Decision { desired: skipped_wire(0), ..good() }, missing("skipped.reason")),
        (events::Decision { shape: None, ..good() }, missing("shape")),
        (events::Decision { shape: Some(events::Shape::default()), ..good() }, missing("shape.address")),
        (events::Decision { user_id: String::new(), ..good() }, missing("user_id")),
        (events::Decision { source: String::new(), ..good() }, missing("source")),
        (events::Decision { synchronization: String::new(), ..good() }, missing("synchronization")),
        (events::Decision { version: None, ..good() }, missing("version")),
    ] {
        assert_eq!(Decision::try_from(wire), Err(want));
    }
}
