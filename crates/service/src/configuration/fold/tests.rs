//! Complete, partial, broken and compacted revisions, as sequences of records.

use bytes::Bytes;
use prost::Message as _;
use xtsync_contract::event::Typed as _;
use xtsync_contract::topic;
use xtsync_domain::Timestamp;

use xtsync_contract::event;
use xtsync_contract::internal;
use xtsync_contract::internal::config_record::Record as Wire;

use super::*;
use xtsync_bus::Partition;

const ORGANIZATION: &str = "Organization/-/contoso";

fn record(offset: i64, key: &str, revision: u64, wire: Option<Wire>) -> Record {
    let value = internal::ConfigRecord { revision, record: wire }.encode_to_vec();
    raw(offset, key, internal::ConfigRecord::TYPE, value)
}

fn raw(offset: i64, key: &str, event_type: &str, value: Vec<u8>) -> Record {
    let at = Position { partition: Partition { topic: topic::CONFIG.topic(), index: 0 }, offset };
    let headers = event::headers(event_type, "control", key, offset, Timestamp(1), None);
    Record { at, key: Bytes::from(key.to_owned()), value: Some(value.into()), headers, time: Timestamp(1) }
}

fn json(tenants: &[&str]) -> String {
    serde_json::json!({ "tenants": tenants }).to_string()
}

fn organization(offset: i64, name: &str, revision: u64, tenants: &[&str]) -> Record {
    let wire = internal::Resource {
        kind: "Organization".to_owned(),
        name: name.to_owned(),
        spec_json: json(tenants).into(),
        ..Default::default()
    };
    record(offset, &format!("Organization/-/{name}"), revision, Some(Wire::Resource(wire)))
}

/// The commit of a revision of organizations: their names and tenants, in order.
fn commit(offset: i64, revision: u64, closes: &[(&str, &[&str])]) -> Record {
    let keyed: Vec<_> = closes.iter().map(|(name, tenants)| (format!("Organization/-/{name}"), json(tenants))).collect();
    let digest = digest(keyed.iter().map(|(key, json)| (key.as_str(), json.as_bytes())));
    let commit = internal::Commit { resources: u32::try_from(closes.len()).unwrap(), digest, actor: "ana".to_owned() };
    record(offset, COMMIT_KEY, revision, Some(Wire::Commit(commit)))
}

/// The newest complete revision and the state after some records.
fn fold(records: &[Record]) -> (u64, State) {
    let mut fold = Fold::default();
    records.iter().for_each(|record| drop(fold.take(record)));
    (fold.complete().map_or(0, |configuration| configuration.revision()), fold.state())
}

fn incomplete(reason: &str) -> State {
    State::Incomplete(reason.to_owned())
}

#[test]
fn a_revision_counts_once_its_commit_has_come() {
    let first = [organization(0, "contoso", 1, &["a"]), commit(1, 1, &[("contoso", &["a"])])];
    let second = [organization(2, "contoso", 2, &["a", "b"]), commit(3, 2, &[("contoso", &["a", "b"])])];
    let all: Vec<_> = first.into_iter().chain(second).collect();
    for (read, want) in [
        (0, (0, State::Complete)),
        (1, (0, incomplete("revision 1 has no commit yet"))),
        (2, (1, State::Complete)),
        (3, (1, incomplete("revision 2 has no commit yet"))),
        (4, (2, State::Complete)),
    ] {
        assert_eq!(fold(&all[..read]), want, "after {read} records");
    }
}

#[test]
fn an_incomplete_revision_left_by_compaction_is_no_revision() {
    let closed: &[(&str, &[&str])] = &[("contoso", &["a"]), ("fabrikam", &["f"])];
    let fabrikam = organization(1, "fabrikam", 1, &["f"]);
    let commit = commit(2, 1, closed);
    let newer = organization(3, "contoso", 2, &["b"]);
    // Complete: contoso as of revision 1 still existed when the commit was read.
    let seen = [organization(0, "contoso", 1, &["a"]), fabrikam.clone(), commit.clone(), newer.clone()];
    assert_eq!(fold(&seen), (1, incomplete("revision 2 has no commit yet")));
    // Compacted: its older record is gone, so the commit closes a resource that no longer exists.
    let compacted = [fabrikam, commit, newer];
    assert_eq!(fold(&compacted), (0, incomplete("revision 2 has no commit yet")));
    assert_eq!(fold(&compacted[..2]), (0, incomplete("revision 1 is incomplete: waiting for the next one")));
}

#[test]
fn a_commit_whose_digest_differs_closes_nothing() {
    let records = [organization(0, "contoso", 1, &["a"]), commit(1, 1, &[("contoso", &["b"])])];
    assert_eq!(fold(&records), (0, incomplete("revision 1 is incomplete: waiting for the next one")));
}

fn resource(offset: i64, kind: &str, json: &str) -> Record {
    let wire = internal::Resource { kind: kind.to_owned(), name: "contoso".to_owned(), spec_json: json.into(), ..Default::default() };
    record(offset, ORGANIZATION, 2, Some(Wire::Resource(wire)))
}

fn at(key: &'static [u8], record: Record) -> Record {
    Record { key: Bytes::from_static(key), ..record }
}

#[test]
fn a_record_of_a_newer_version_is_named_and_blocks_later_revisions() {
    let good = [organization(0, "contoso", 1, &["a"]), commit(1, 1, &[("contoso", &["a"])])];
    for newer in [
        record(2, ORGANIZATION, 2, None),
        resource(2, "Workflow", "{}"),
        resource(2, "Organization", r#"{"colour":"red"}"#),
        at(b"new/key", record(2, "new/key", 2, None)),
    ] {
        let key = newer.key.clone();
        let mut records = good.to_vec();
        records.extend([newer, organization(3, "fabrikam", 3, &["f"]), commit(4, 3, &[("contoso", &["a"]), ("fabrikam", &["f"])])]);
        let (revision, state) = fold(&records);
        let State::NewerWriter(reason) = state else { panic!("{state:?}") };
        assert!(reason.starts_with("record 2 of partition 0 of xtsync.v1.config: "), "{reason}");
        assert!(reason.contains("written by a newer version"), "{reason}");
        assert_eq!(revision, 1);
        // A later readable record of the same key unblocks the revisions.
        let healing =
            if key == ORGANIZATION { organization(5, "contoso", 4, &["a"]) } else { Record { key, value: None, ..commit(5, 4, &[]) } };
        records.extend([healing, commit(6, 4, &[("contoso", &["a"]), ("fabrikam", &["f"])])]);
        assert_eq!(fold(&records), (4, State::Complete));
    }
}

#[test]
fn foreign_records_are_no_part_of_a_revision() {
    let good = [organization(0, "contoso", 1, &["a"]), commit(1, 1, &[("contoso", &["a"])])];
    let misplaced = || record(2, ORGANIZATION, 2, Some(Wire::Commit(internal::Commit::default())));
    for (key, foreign, code) in [
        (&b"elsewhere"[..], raw(2, "", "com.example.Other", vec![]), "foreign_type"),
        (b"elsewhere", raw(2, "", internal::ConfigRecord::TYPE, vec![0xff]), "undecodable"),
        (b"\xff", organization(2, "contoso", 2, &["b"]), "wrong_key"),
        (b"elsewhere", organization(2, "contoso", 2, &["b"]), "wrong_key"),
        (b"elsewhere", misplaced(), "wrong_key"),
    ] {
        let foreign = at(key, foreign);
        assert_eq!(read(&foreign).unwrap_err().code(), code);
        let mut records = good.to_vec();
        records.push(foreign);
        assert_eq!(fold(&records), (1, State::Complete), "{code}");
        records.extend([organization(3, "contoso", 3, &["c"]), commit(4, 3, &[("contoso", &["c"])])]);
        assert_eq!(fold(&records), (3, State::Complete), "{code}");
    }
}

#[test]
fn a_foreign_record_in_place_of_a_resource_keeps_the_last_complete_revision_until_republished() {
    let good = [organization(0, "contoso", 1, &["a"]), commit(1, 1, &[("contoso", &["a"])])];
    let garbage = |key| at(key, raw(2, "", internal::ConfigRecord::TYPE, vec![0xff]));
    for key in [ORGANIZATION.as_bytes(), COMMIT_KEY.as_bytes()] {
        let mut records = good.to_vec();
        records.push(garbage(key));
        let (revision, state) = fold(&records);
        assert!(matches!(state, State::Incomplete(_)), "{state:?}");
        assert_eq!(revision, 1);
        records.extend([organization(3, "contoso", 1, &["a"]), commit(4, 1, &[("contoso", &["a"])])]);
        assert_eq!(fold(&records), (1, State::Complete));
        // The same holds for a reader that starts after compaction.
        assert_eq!(fold(&records[2..]), (1, State::Complete));
    }
}

#[test]
fn a_tombstone_removes_with_the_next_commit() {
    let both: &[(&str, &[&str])] = &[("contoso", &["a"]), ("fabrikam", &["f"])];
    let gone = Record { value: None, ..organization(3, "fabrikam", 2, &[]) };
    let records = [
        organization(0, "contoso", 1, &["a"]),
        organization(1, "fabrikam", 1, &["f"]),
        commit(2, 1, both),
        gone,
        commit(4, 2, &[("contoso", &["a"])]),
    ];
    assert_eq!(fold(&records[..4]).0, 1);
    assert_eq!(fold(&records), (2, State::Complete));
}
