//! What becomes of single records.

use std::sync::Arc;

use bytes::Bytes;
use xtsync_bus::{Ends, Partition, Position};
use xtsync_contract::event::Typed as _;
use xtsync_contract::events;
use xtsync_domain::Attributes;
use xtsync_domain::address::Home;
use xtsync_domain::delta::{Gone, State};

use super::*;

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn emea() -> TenantName {
    TenantName::new("emea").unwrap()
}

fn delta() -> events::UserDelta {
    let delta = UserDelta {
        tenant: emea(),
        user: "ana".into(),
        version: 7,
        projection: 1,
        origin: Origin::Live,
        first_seen: Timestamp(1),
        changed_at: None,
        state: State::Gone(Gone::Deleted),
        changed: Vec::new(),
        before: Attributes::default(),
    };
    delta.into()
}

fn record(event_type: &str, value: Option<Vec<u8>>) -> Record {
    let partition = Partition { topic: topic::USER_DELTAS.of(emea()), index: 0 };
    let headers = event::headers(event_type, "change-detector", "ana", 7, Timestamp(1), Some(TRACE));
    let key = Bytes::from_static(b"ana");
    Record { at: Position { partition, offset: 4 }, key, value: value.map(Into::into), headers, time: Timestamp(1) }
}

fn verdict(record: &Record) -> Option<Verdict> {
    let rules = CompiledRules::compile(Arc::default());
    let assigned = Assigned::new(emea(), 1, None, Ends { low: 0, high: 9 }, &rules, &Home::default());
    let evaluated = evaluate(record, &assigned, &rules, Pass::Live, Timestamp(2), &mut Batch::default());
    evaluated.err().map(|unusable| unusable.verdict())
}

#[test]
fn an_unusable_record_is_dead_lettered_and_a_newer_writers_stops_the_partition() {
    let ours = |delta: events::UserDelta| record(events::UserDelta::TYPE, Some(delta.encode_to_vec()));
    for (record, want) in [
        (ours(delta()), None),
        (record(events::UserDelta::TYPE, None), None),
        (record("com.example.event", Some(delta().encode_to_vec())), Some(Verdict::DeadLetter("foreign_type"))),
        (record(events::UserDelta::TYPE, Some(vec![0xff])), Some(Verdict::DeadLetter("undecodable"))),
        (ours(events::UserDelta { user_id: String::new(), ..delta() }), Some(Verdict::DeadLetter("invalid_field"))),
        (ours(events::UserDelta { tenant: "us".to_owned(), ..delta() }), Some(Verdict::DeadLetter("wrong_tenant"))),
        (ours(events::UserDelta { user_id: "bob".to_owned(), ..delta() }), Some(Verdict::DeadLetter("wrong_key"))),
        (ours(events::UserDelta { state: None, ..delta() }), Some(Verdict::Stop("state"))),
        (ours(events::UserDelta { origin: 99, ..delta() }), Some(Verdict::Stop("origin"))),
    ] {
        assert_eq!(verdict(&record), want);
    }
}
