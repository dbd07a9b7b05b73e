//! Tests of the conversion of links.

use prost::Message as _;
use xtsync_domain::decision::{Decision, DeprovisionReason, Desired, Wanted};
use xtsync_domain::link::{Account, DisabledBy, Inviting, Sessions, Shadow, Stage, State};
use xtsync_domain::{Origin, TenantName, Timestamp, Version};

use super::*;
use crate::events;

const NOW: Timestamp = Timestamp(1_763_712_000_123_456);

fn link(shadow: Shadow) -> LinkRecord {
    let decision = Decision {
        source: TenantName::new("emea").unwrap(),
        user: "ana".into(),
        synchronization: "to-hub".into(),
        version: Version { delta: 1, facts: 2, revision: 3, rules: 4 },
        origin: Origin::Live,
        first_seen: NOW,
        desired: Desired {
            sign_in_blocked: false,
            wanted: Wanted::No(DeprovisionReason::OutOfScope { grace_period_ms: 30_000, shape: None }),
        },
    };
    let link = Link { shadow, ..Link::new(TenantName::new("hub").unwrap(), decision, NOW) };
    LinkRecord { link, version: 7, store_id: "i".into() }
}

fn account(stage: Stage) -> Account {
    Account {
        id: "a1".into(),
        stage,
        enabled: false,
        disabled_by: DisabledBy::Xtsync,
        sessions: Sessions::Ended,
        redeemed: true,
        address: "ana@emea.example".into(),
        created_at: NOW,
        creation_incomplete: true,
        former_anchor: Some("home/former".into()),
        access_taken_at: Some(NOW),
        taken_from: Some("former".into()),
    }
}

fn read_back(record: &LinkRecord) -> Result<LinkRecord, Invalid> {
    let bytes = events::Link::from(record.clone()).encode_to_vec();
    events::Link::decode(bytes.as_slice()).unwrap().try_into()
}

#[test]
fn a_link_survives_a_round_trip_in_every_stage() {
    let inviting = |id: Option<&str>| Shadow::Inviting(Inviting { address: "a@b".into(), began: NOW, id: id.map(Into::into) });
    let stages = [
        Stage::Unverified,
        Stage::Live,
        Stage::Deprovisioning { since: NOW },
        Stage::SoftDeleted { since: NOW },
        Stage::Restoring { since: NOW },
    ];
    let objects = stages.map(|stage| Shadow::Object(account(stage)));
    for shadow in [Shadow::None, inviting(None), inviting(Some("a1"))].into_iter().chain(objects) {
        let record = link(shadow);
        assert_eq!(read_back(&record), Ok(record));
    }
}

#[test]
fn every_field_of_a_link_survives_a_round_trip() {
    let mut record = link(Shadow::Object(account(Stage::Live)));
    let link = &mut record.link;
    link.anchor = Some("home/ana".into());
    link.applied = Applied {
        version: Version { delta: 1, ..Version::default() },
        state: State::Disabled,
        attributes: [("city", "Paris".into())].into_iter().collect(),
        published_digest: Some(link.applied.attributes.digest()),
        failed: ["city".to_owned()].into(),
        at: Some(NOW),
    };
    link.veto = Some(Veto { by: "hub".into(), reason: "review".into(), until: Some(NOW) });
    link.reject = Some(Override { by: "jo".into(), reason: "no".into(), against: Version::default() });
    link.holders = ["synchronization/to-hub".to_owned()].into();
    for kind in [ConditionKind::Retry, ConditionKind::Held, ConditionKind::Conflict, ConditionKind::Refused] {
        let (answer, others) =
            (Some(DirectoryAnswer { status: 400, code: "BadRequest".into(), ..DirectoryAnswer::default() }), vec!["o".into()]);
        record.link.condition = Some(Condition { kind, code: "c".into(), others, attempts: 2, due: Some(NOW), since: NOW, answer });
        assert_eq!(read_back(&record), Ok(record.clone()));
    }
}

#[test]
fn an_unknown_stage_is_reported_as_newer_writer_and_never_as_none() {
    let mut wire = events::Link::from(link(Shadow::Object(account(Stage::Live))));
    wire.shadow.as_mut().unwrap().state = 99;
    assert_eq!(LinkRecord::try_from(wire), Err(Invalid::NewerWriter("shadow.state")));
}

#[test]
fn a_link_without_what_rebuilds_it_is_reported_and_not_taken_as_absent() {
    let wire = events::Link { recovery: Vec::new(), ..events::Link::from(link(Shadow::None)) };
    assert_eq!(LinkRecord::try_from(wire), Err(missing("recovery.applied_state")));
    let broken = events::Link { recovery: vec![0xff], ..events::Link::from(link(Shadow::None)) };
    assert!(matches!(LinkRecord::try_from(broken), Err(Invalid::Field("recovery", _))));
}
