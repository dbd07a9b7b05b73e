//! One encoded example of each record of the contract, checked in: later versions must go on reading them.
//!
//! `UPDATE=1 cargo test -p xtsync-contract --test golden` writes the examples of records that have none yet. An example that exists is
//! never overwritten: a change that cannot read it breaks consumers.
#![cfg(test)]

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs;
use std::path::PathBuf;

use prost::Message;
use prost_types::{Duration, Timestamp};
use xtsync_contract::event::Typed;
use xtsync_contract::events::attribute_value::Value;
use xtsync_contract::events::{self, AttributeValue, decision, tenant_fact, user_delta};
use xtsync_contract::internal::{self, command, config_record};
use xtsync_contract::topic::TABLE;

#[test]
fn the_checked_in_examples_read_as_they_were_written() {
    let mut names = vec![
        check("decision-wanted", &decision(wanted())),
        check("decision-not-wanted", &decision(not_wanted())),
        check("decision-skipped", &events::Decision { shape: None, ..decision(skipped()) }),
        check("link", &link()),
        check("link-taken-over", &taken_over()),
        check("link-departing", &departing()),
        check("outcome", &outcome()),
        check("user-delta-present", &user_delta(user_delta::State::Present(user()))),
        check("user-delta-gone", &user_delta(user_delta::State::Gone(events::UserGone { reason: events::UserGoneReason::Deleted.into() }))),
        check("replay-marker", &internal::ReplayMarker { source: "emea".to_owned(), partition: 5, revision: 8, partitions: 6 }),
        check("role-status", &role_status()),
        check("dead-letter", &dead_letter()),
    ];
    names.extend(facts().into_iter().map(|(name, fact)| check(&format!("tenant-fact-{name}"), &tenant_fact(fact))));
    names.extend(actions().into_iter().map(|(name, action)| check(&format!("command-{name}"), &command(action))));
    let resource =
        internal::Resource { kind: "Tenant".to_owned(), tenant: "emea".to_owned(), name: "emea".to_owned(), spec_json: b"{}".to_vec() };
    let commit = internal::Commit { resources: 3, digest: vec![1; 32], actor: "kim".to_owned() };
    names.push(check("config-resource", &config(config_record::Record::Resource(resource))));
    names.push(check("config-commit", &config(config_record::Record::Commit(commit))));
    for entry in &TABLE {
        assert!(names.contains(&entry.message), "there is no example of {}, which {} holds", entry.message, entry.kind.name);
    }
}

/// Compares an example with the file of its name, and returns its event type.
fn check<M: Message + Typed + Default + PartialEq + Debug>(name: &str, example: &M) -> &'static str {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.binpb"));
    if std::env::var_os("UPDATE").is_some() && !file.exists() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, example.encode_to_vec()).unwrap();
    }
    let bytes = fs::read(&file).unwrap_or_else(|error| panic!("{name}: {error}: run with UPDATE=1 and commit the file"));
    assert_eq!(&M::decode(&*bytes).unwrap(), example, "{name}");
    M::TYPE
}

fn at(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos: 5_000 })
}

fn version() -> Option<events::Version> {
    Some(events::Version { delta: 7, facts: 5, revision: 3, rules: 2 })
}

fn attributes() -> BTreeMap<String, AttributeValue> {
    let values = [
        ("city", Value::Text("Utrecht".to_owned())),
        ("accountEnabled", Value::Flag(true)),
        ("number", Value::Number(-7)),
        ("businessPhones", Value::Texts(events::TextList { values: vec!["1".to_owned(), "2".to_owned()] })),
        ("employeeHireDate", Value::Time(at(100).unwrap())),
        ("manager", Value::Reference(events::Reference { tenant: "emea".to_owned(), user_id: "bo".to_owned() })),
        ("thumbnail", Value::Binary(vec![0, 255])),
        ("department", Value::Null(events::Null {})),
    ];
    values.into_iter().map(|(name, value)| (name.to_owned(), AttributeValue { value: Some(value) })).collect()
}

fn shape() -> events::Shape {
    events::Shape { address: "ana@emea.example".to_owned(), attributes: attributes(), on_create: attributes() }
}

fn wanted() -> decision::Desired {
    decision::Desired::Wanted(events::Wanted {})
}

fn not_wanted() -> decision::Desired {
    let grace_period = Some(Duration { seconds: 30, nanos: 0 });
    decision::Desired::NotWanted(events::NotWanted { reason: events::DeprovisionReason::OutOfScope.into(), grace_period })
}

fn skipped() -> decision::Desired {
    let reason = events::SkipReason::InvalidAttribute.into();
    decision::Desired::Skipped(events::Skipped { reason, attribute: "accountEnabled".to_owned() })
}

fn decision(desired: decision::Desired) -> events::Decision {
    events::Decision {
        source: "emea".to_owned(),
        user_id: "ana".to_owned(),
        synchronization: "to-hub".to_owned(),
        version: version(),
        origin: events::Origin::Live.into(),
        first_seen: at(1),
        shape: Some(shape()),
        sign_in_blocked: true,
        desired: Some(desired),
        digest: vec![7; 16],
    }
}

fn link() -> events::Link {
    events::Link {
        source: "emea".to_owned(),
        user_id: "ana".to_owned(),
        target: "hub".to_owned(),
        synchronization: "to-hub".to_owned(),
        link_version: 9,
        desired: Some(decision(wanted())),
        desired_since: at(2),
        applied: Some(events::Applied {
            version: version(),
            attributes: attributes(),
            at: at(3),
            failed_attributes: vec!["city".to_owned()],
        }),
        shadow: Some(events::Shadow {
            state: events::ShadowState::Live.into(),
            target_id: "t1".to_owned(),
            anchor: "d1/ana".to_owned(),
            enabled: true,
            disabled_by: events::DisabledBy::None.into(),
            sessions: events::SessionState::Open.into(),
            redeemed: true,
            address: "ana@emea.example".to_owned(),
            created_at: at(4),
            since: at(5),
            former_user_id: String::new(),
        }),
        veto: Some(events::Veto { by: "hub".to_owned(), reason: "audit".to_owned(), until: at(6) }),
        r#override: Some(events::Override { by: "kim".to_owned(), reason: "no".to_owned(), against: version() }),
        holders: vec!["synchronization/to-hub".to_owned()],
        condition: Some(events::Condition {
            kind: events::ConditionKind::Refused.into(),
            code: "domain_blocked".to_owned(),
            others: vec!["us/maria".to_owned()],
            attempts: 4,
            due: at(7),
            since: at(8),
            answer: Some(events::DirectoryAnswer {
                status: 400,
                code: "BadRequest".to_owned(),
                message_class: "domain".to_owned(),
                request_id: "r1".to_owned(),
            }),
        }),
        recovery: recovery().encode_to_vec(),
    }
}

fn recovery() -> internal::LinkRecovery {
    internal::LinkRecovery {
        store_id: "s1".to_owned(),
        applied_state: internal::AppliedState::Enabled.into(),
        published_digest: vec![2; 32],
        creation_incomplete: true,
        former_anchor: "d1/old".to_owned(),
        access_taken_at: None,
    }
}

fn departing() -> events::Link {
    let recovery = internal::LinkRecovery { access_taken_at: at(9), ..recovery() };
    events::Link { recovery: recovery.encode_to_vec(), ..link() }
}

fn outcome() -> events::Outcome {
    let value = |text: &str| Some(AttributeValue { value: Some(Value::Text(text.to_owned())) });
    events::Outcome {
        id: "o1".to_owned(),
        source: "emea".to_owned(),
        user_id: "ana".to_owned(),
        target: "hub".to_owned(),
        synchronization: "to-hub".to_owned(),
        verb: events::Verb::Update.into(),
        version: version(),
        changes: vec![events::AttributeChange { attribute: "city".to_owned(), before: value("Delft"), after: value("Utrecht") }],
        took: Some(Duration { seconds: 0, nanos: 40_000_000 }),
        result: events::OutcomeResult::Done.into(),
        code: "x".to_owned(),
        command_id: "retry/1".to_owned(),
        first_seen: at(1),
        at: at(2),
        target_id: "t1".to_owned(),
    }
}

fn user() -> events::User {
    events::User {
        attributes: attributes(),
        group_ids: vec!["g1".to_owned()],
        nested_group_ids: vec!["g2".to_owned()],
        kind: events::UserKind::Internal.into(),
        path: vec!["emea".to_owned()],
    }
}

fn user_delta(state: user_delta::State) -> events::UserDelta {
    events::UserDelta {
        tenant: "emea".to_owned(),
        user_id: "ana".to_owned(),
        version: 7,
        projection: 3,
        origin: events::Origin::Initial.into(),
        first_seen: at(1),
        changed_at: at(2),
        state: Some(state),
        changed: vec!["city".to_owned()],
        before: attributes(),
    }
}

fn tenant_fact(fact: tenant_fact::Fact) -> events::TenantFact {
    events::TenantFact { version: 4, read_at: at(1), fact: Some(fact) }
}

fn facts() -> [(&'static str, tenant_fact::Fact); 6] {
    use tenant_fact::Fact;
    let redemption = events::Redemption { inbound: Some(true), outbound: Some(false) };
    let partner = events::Partner { directory_id: "d2".to_owned(), sync_allowed: Some(true), redemption: Some(redemption) };
    let state = events::GroupState::Present.into();
    let extension =
        events::Extension { name: "extension_e1_cost".to_owned(), r#type: events::ExtensionType::String.into(), is_multi_valued: true };
    [
        ("group", Fact::Group(events::GroupFact { id: "g1".to_owned(), name: "Sales".to_owned(), state })),
        ("group-name", Fact::GroupName(events::GroupName { name: "Sales".to_owned(), ids: vec!["g1".to_owned()], resolution: 6 })),
        ("access-policy", Fact::AccessPolicy(events::AccessPolicy { default: Some(redemption), partners: vec![partner] })),
        (
            "identity",
            Fact::Identity(events::TenantIdentity {
                directory_id: "d1".to_owned(),
                verified_domains: vec!["emea.example".to_owned()],
                default_domain: String::new(),
            }),
        ),
        ("extensions", Fact::Extensions(events::Extensions { users: vec![extension] })),
        ("freshness", Fact::Freshness(events::Freshness { cycle: 12, completed_at: at(3) })),
    ]
}

fn command(action: command::Action) -> internal::Command {
    internal::Command {
        id: "c1".to_owned(),
        actor: "kim".to_owned(),
        target: "hub".to_owned(),
        expires_at: at(9),
        link: "emea/ana".to_owned(),
        action: Some(action),
    }
}

/// A link whose object was taken over from a former account.
fn taken_over() -> events::Link {
    let shadow = link().shadow.map(|shadow| events::Shadow { former_user_id: "old".to_owned(), ..shadow });
    events::Link { shadow, ..link() }
}

fn actions() -> [(&'static str, command::Action); 5] {
    use command::Action;
    [
        ("retry", Action::Retry(internal::Retry {})),
        ("republish", Action::Republish(internal::Republish {})),
        ("resume", Action::Resume(internal::Resume {})),
        ("resync", Action::Resync(internal::Resync {})),
        ("rehire", Action::Rehire(internal::Rehire { former: "old".to_owned() })),
    ]
}

fn config(record: config_record::Record) -> internal::ConfigRecord {
    internal::ConfigRecord { revision: 3, record: Some(record) }
}

fn role_status() -> internal::RoleStatus {
    internal::RoleStatus {
        role: "provisioner".to_owned(),
        replica: "r1".to_owned(),
        tenant: "hub".to_owned(),
        at: at(1),
        revision: 3,
        cycle: 12,
        lag: 4,
        pending: BTreeMap::from([("leaver".to_owned(), 1)]),
        held: BTreeMap::from([("limit_delete".to_owned(), 2)]),
        degraded: 5,
        blocked: "away".to_owned(),
        leader: true,
        warning: "scope_empty".to_owned(),
        republishing: true,
        next_try: at(2),
        cause: "connection refused".to_owned(),
        blocked_verbs: vec![internal::BlockedVerb { code: "delete_forbidden".to_owned(), next_try: at(3) }],
        reporting_since: at(4),
    }
}

fn dead_letter() -> internal::DeadLetter {
    internal::DeadLetter {
        topic: "xtsync.v1.decisions.hub".to_owned(),
        partition: 5,
        offset: 42,
        key: b"emea/ana".to_vec(),
        value: Some(vec![255]),
        headers: vec![internal::RecordHeader { name: "ce_type".to_owned(), value: b"x".to_vec() }],
        role: "provisioner".to_owned(),
        reason: "undecodable".to_owned(),
        error: "the value does not decode".to_owned(),
        trace_id: "t".to_owned(),
        at: at(1),
    }
}
