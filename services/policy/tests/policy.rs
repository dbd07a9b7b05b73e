//! Policy over the embedded bus.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use prost::Message as _;
use support::{PROJECTION, TRACE, World, gone, name, outgoing, until, user};
use tokio::time::timeout;
use xtsync_bus::{Event, Outgoing, Partition, partition_of};
use xtsync_contract::event;
use xtsync_contract::topic;
use xtsync_contract::{events, internal};
use xtsync_domain::decide::RULES_VERSION;
use xtsync_domain::decision::{DeprovisionReason, Wanted};
use xtsync_domain::resource::Kind;
use xtsync_domain::{Decision, Origin, UserDelta};
use xtsync_harness::wait_for;
use xtsync_runtime::shutdown::Shutdown;

/// The number of partitions where there are several.
const PARTITIONS: u32 = 6;

/// Each decision as `source/user: what and why @revision origin`.
fn summaries(decisions: &[Decision]) -> Vec<String> {
    let line = |d: &Decision| {
        let origin = format!("{:?}", d.origin).to_lowercase();
        format!("{}/{}: {} @{} {origin}", d.source, d.user, d.desired.wanted.reason(), d.version.revision)
    };
    let mut lines: Vec<_> = decisions.iter().map(line).collect();
    lines.sort();
    lines
}

fn partition(tenant: &str, user: &str) -> Partition {
    Partition { topic: topic::USER_DELTAS.of(name(tenant)), index: partition_of(user.as_bytes(), PARTITIONS) }
}

fn many(count: u32) -> impl Iterator<Item = UserDelta> {
    (0..count).map(|at| user("emea", &format!("user-{at}"), 7))
}

#[tokio::test]
async fn every_synchronization_of_the_users_tenant_decides_within_the_deltas_trace() {
    let world = World::new().await;
    world.apply(4);
    let mut service = world.service();
    world.publish([user("emea", "ana", 7), gone("emea", "bob", 8), user("us", "cy", 9)]).await;
    until(&mut service, "all decisions", async || world.decisions("hub").await.len() == 3 && world.decisions("lab").await.len() == 2).await;
    let of_emea = ["emea/ana: in_scope @4 live", "emea/bob: deleted @4 live"];
    assert_eq!(summaries(&world.decisions("lab").await), of_emea);
    assert_eq!(summaries(&world.decisions("hub").await), [&of_emea[..], &["us/cy: in_scope @4 live"]].concat());
    let record =
        world.records(topic::DECISIONS.of(name("lab"))).await.into_iter().find(|record| record.key.as_ref() == b"emea/ana").unwrap();
    assert_eq!(event::header(&record.headers, "ce_id"), Some(&*format!("emea/ana:7.4.2.{RULES_VERSION}")));
    assert_eq!(event::traceparent(&record.headers), Some(TRACE));
    assert_eq!(world.unready_reason(), "");
}

#[tokio::test]
async fn nothing_is_decided_before_the_first_revision() {
    let world = World::new().await;
    let mut service = world.service();
    world.publish([user("emea", "ana", 7)]).await;
    service.step().await.unwrap();
    service.step().await.unwrap();
    assert_eq!(world.decisions("hub").await, []);
    assert!(world.unready_reason().contains("waiting for the configuration"), "{}", world.unready_reason());
}

#[tokio::test]
async fn a_synchronization_with_other_rules_decides_all_users_anew_and_all_partitions_are_marked() {
    let mut world = World::partitioned(PARTITIONS).await;
    world.apply(4);
    let mut service = world.service();
    world.publish([user("emea", "ana", 7), gone("emea", "bob", 8), user("us", "cy", 9)]).await;
    until(&mut service, "all decisions", async || world.decisions("hub").await.len() == 3).await;

    world.synchronize(5, "emea", "hub", r#""groups":[{"id":"legal"}]"#);
    world.apply(5);
    until(&mut service, "all markers", async || world.is_replayed("lab", "emea", 5).await).await;
    let all: Vec<_> = (0..PARTITIONS).collect();
    for target in ["hub", "lab"] {
        assert_eq!(world.marked(target, "emea", 5).await, all, "{target}, also where no user was decided anew");
    }
    assert_eq!(world.marked("hub", "us", 5).await, [0; 0], "the revision changes nothing for that source");
    let new: Vec<_> = world.decisions("hub").await.into_iter().filter(|decision| decision.version.revision == 5).collect();
    assert_eq!(summaries(&new), ["emea/ana: out_of_scope @5 replay", "emea/bob: deleted @5 replay"]);
    assert_eq!(new[0].version.delta, if new[0].user.as_str() == "ana" { 7 } else { 8 });
    let of_another = ["emea/ana: in_scope @4 live", "emea/bob: deleted @4 live"];
    assert_eq!(summaries(&world.decisions("lab").await), of_another, "the rules of the other one are as before");
}

#[tokio::test]
async fn what_decides_about_no_user_has_none_decided_anew() {
    let mut world = World::new().await;
    world.apply(4);
    let mut service = world.service();
    world.publish([user("emea", "ana", 7)]).await;
    until(&mut service, "all decisions", async || world.decisions("hub").await.len() == 1).await;
    let limited = r#"{"to":"hub","scope":{"groups":[{"id":"sales"}]},"mode":"enforce","limits":{"create":7}}"#;
    world.put(5, Kind::Synchronization, Some("emea"), "to-hub", limited);
    world.apply(5);
    until(&mut service, "all markers", async || world.is_replayed("hub", "emea", 5).await).await;
    assert_eq!(summaries(&world.decisions("hub").await), ["emea/ana: in_scope @4 live"]);
}

#[tokio::test]
async fn a_live_change_overtakes_a_replay_and_is_decided_last() {
    let mut world = World::new().await;
    world.apply(4);
    let mut service = world.service();
    world.publish(many(1_200)).await;
    until(&mut service, "all decisions", async || world.decisions("lab").await.len() == 1_200).await;

    world.synchronize(5, "emea", "lab", r#""groups":[{"id":"sales"},{"id":"legal"}]"#);
    world.apply(5);
    service.step().await.unwrap();
    world.publish([gone("emea", "user-1199", 8)]).await;
    let left = async || {
        let decisions = world.decisions("lab").await;
        let replayed = decisions.iter().filter(|decision| decision.origin == Origin::Replay).count();
        let left = decisions
            .iter()
            .any(|decision| decision.origin == Origin::Live && decision.desired.wanted == Wanted::No(DeprovisionReason::Deleted));
        (left, replayed)
    };
    until(&mut service, "the leaver", async || left().await.0).await;
    let (_, replayed) = left().await;
    assert!(replayed < 1_200, "the leaver did not wait for the replay of {replayed}");

    until(&mut service, "the end", async || world.is_replayed("lab", "emea", 5).await).await;
    let last: BTreeMap<_, _> = world.decisions("lab").await.into_iter().map(|decision| (decision.user.clone(), decision)).collect();
    assert!(last.values().all(|decision| decision.version.revision == 5), "every user was decided anew");
    assert_eq!(last[&"user-1199".into()].version.delta, 8, "whatever compaction leaves is about the last delta");
}

#[tokio::test]
async fn a_replay_waits_for_capacity_and_live_changes_do_not() {
    let mut world = World::new().await;
    world.apply(4);
    let mut service = world.service();
    world.publish(many(20)).await;
    until(&mut service, "all decisions", async || world.decisions("lab").await.len() == 20).await;

    world.bus.faults().full = vec![topic::DECISIONS.of(name("lab"))];
    world.synchronize(5, "emea", "lab", r#""groups":[{"id":"sales"},{"id":"legal"}]"#);
    world.apply(5);
    let anew = async || summaries(&world.decisions("lab").await).into_iter().filter(|summary| summary.contains("@5")).collect::<Vec<_>>();
    let works = async { while service.step().await.is_ok() {} };
    assert!(timeout(Duration::from_millis(500), works).await.is_err());
    assert_eq!(anew().await, [""; 0]);
    world.publish([gone("emea", "user-7", 8)]).await;
    until(&mut service, "the leaver", async || !anew().await.is_empty()).await;
    assert_eq!(anew().await, ["emea/user-7: deleted @5 live"]);

    world.bus.faults().full.clear();
    until(&mut service, "the end", async || world.is_replayed("lab", "emea", 5).await).await;
}

#[tokio::test]
async fn a_crash_before_the_commit_repeats_the_same_decisions() {
    let world = World::new().await;
    world.apply(4);
    let mut service = world.service();
    until(&mut service, "readiness", async || world.unready_reason().is_empty()).await;
    world.bus.faults().failing_commits = 2;
    world.publish([user("emea", "ana", 7)]).await;
    until(&mut service, "a commit", async || world.bus.faults().commits.iter().any(|(_, committed)| committed.next == 1)).await;
    let decisions = world.decisions("lab").await;
    assert_eq!(decisions.len(), 3, "twice in vain, once for good");
    assert!(decisions.iter().all(|decision| *decision == decisions[0]));
    assert_eq!(world.unready_reason(), "");
}

#[tokio::test]
async fn while_the_bus_is_unavailable_policy_is_not_ready_and_loses_nothing() {
    let world = World::new().await;
    world.apply(4);
    let mut service = world.service();
    until(&mut service, "readiness", async || world.unready_reason().is_empty()).await;
    world.publish([user("emea", "ana", 7)]).await;
    world.bus.faults().unavailable = true;
    until(&mut service, "the failure", async || world.unready_reason().contains("the bus is unavailable")).await;
    world.bus.faults().unavailable = false;
    until(&mut service, "the decision", async || world.decisions("lab").await.len() == 1).await;
    until(&mut service, "readiness", async || world.unready_reason().is_empty()).await;
}

#[tokio::test]
async fn a_successor_goes_on_and_decides_anew_only_what_changed_meanwhile() {
    let mut world = World::new().await;
    world.apply(4);
    let mut service = world.service();
    world.publish([user("emea", "ana", 7), user("us", "cy", 9)]).await;
    until(&mut service, "all decisions", async || world.decisions("hub").await.len() == 2).await;
    service.stop().await;

    world.publish([user("us", "dee", 10)]).await;
    world.synchronize(5, "us", "hub", r#""everyone":true"#);
    world.apply(5);
    let mut successor = world.service();
    until(&mut successor, "the replay", async || {
        world.is_replayed("hub", "us", 5).await && world.decisions("hub").await.iter().any(|decision| decision.user.as_str() == "dee")
    })
    .await;
    let mut summaries = summaries(&world.decisions("hub").await);
    // The replay ends where the live stream is then, so it may decide this one, too.
    summaries.retain(|line| line != "us/dee: in_scope @5 replay");
    let want = ["emea/ana: in_scope @4 live", "us/cy: in_scope @4 live", "us/cy: in_scope @5 replay", "us/dee: in_scope @5 live"];
    assert_eq!(summaries, want);
}

#[tokio::test]
async fn a_replay_goes_on_where_its_predecessor_was() {
    let mut world = World::new().await;
    world.apply(4);
    let mut service = world.service();
    world.publish(many(1_500)).await;
    until(&mut service, "all decisions", async || world.decisions("lab").await.len() == 1_500).await;
    world.synchronize(5, "emea", "lab", r#""everyone":true"#);
    world.apply(5);
    until(&mut service, "some replay", async || world.decisions("lab").await.len() >= 1_800).await;
    service.stop().await;

    let mut successor = world.service();
    until(&mut successor, "the end", async || world.is_replayed("lab", "emea", 5).await).await;
    assert_eq!(world.decisions("lab").await.len(), 3_000, "every user is decided exactly once");
}

#[tokio::test]
async fn an_unusable_record_is_dead_lettered_with_its_context_and_the_others_go_on() {
    let world = World::new().await;
    world.apply(4);
    let mut service = world.service();
    let emea = name("emea");
    let mut foreign = outgoing(&emea, "ana", 1, user("emea", "ana", 1).user.0.into_bytes());
    foreign.headers.clear();
    world.send(vec![foreign, outgoing(&emea, "ana", 2, vec![0xff])]).await;
    let stranger = events::UserDelta::from(user("us", "ana", 3)).encode_to_vec();
    world.send(vec![outgoing(&emea, "ana", 3, stranger)]).await;
    world.publish([user("emea", "ana", 7)]).await;
    until(&mut service, "the decision", async || world.decisions("lab").await.len() == 1).await;
    let letter = |record: &xtsync_bus::Record| {
        let letter: internal::DeadLetter = event::decode(&record.headers, record.value.as_ref().unwrap()).unwrap();
        (letter.role, letter.reason, letter.offset)
    };
    let dead_letters: Vec<_> = world.records(topic::DEAD_LETTERS.topic()).await.iter().map(letter).collect();
    let policy = |reason: &str, offset| ("policy".to_owned(), reason.to_owned(), offset);
    assert_eq!(dead_letters, [policy("foreign_type", 0), policy("undecodable", 1), policy("wrong_tenant", 2)]);
}

#[tokio::test]
async fn a_newer_writer_stops_its_partition_and_no_other() {
    let world = World::partitioned(PARTITIONS).await;
    world.apply(4);
    let mut service = world.service();
    let newer = events::UserDelta { state: None, ..user("emea", "ana", 7).into() }.encode_to_vec();
    world.send(vec![outgoing(&name("emea"), "ana", 7, newer)]).await;
    let elsewhere = (0..).map(|at| format!("user-{at}")).find(|id| partition("emea", id) != partition("emea", "ana")).unwrap();
    world.publish([user("emea", "ana", 8), user("emea", &elsewhere, 9)]).await;
    until(&mut service, "a stop and a decision", async || {
        world.unready_reason().contains("newer version: state") && !world.decisions("lab").await.is_empty()
    })
    .await;
    assert_eq!(summaries(&world.decisions("lab").await), [format!("emea/{elsewhere}: in_scope @4 live")]);
    assert_eq!(world.records(topic::DEAD_LETTERS.topic()).await, []);
    let committed = world.bus.faults().commits.iter().any(|(at, committed)| *at == partition("emea", "ana") && committed.next > 0);
    assert!(!committed, "a replacement that can read it will begin there");
}

#[tokio::test]
async fn a_user_is_not_decided_until_the_delta_has_the_needed_projection() {
    let world = World::new().await;
    world.apply(4);
    let mut service = world.service();
    world.publish([UserDelta { projection: PROJECTION - 1, ..user("emea", "ana", 7) }, user("emea", "ana", 8)]).await;
    until(&mut service, "a decision", async || !world.decisions("lab").await.is_empty()).await;
    let decisions = world.decisions("lab").await;
    assert_eq!(decisions.iter().map(|decision| decision.version.delta).collect::<Vec<_>>(), [8]);
}

#[tokio::test]
async fn a_source_waits_for_its_missing_topics_and_readiness_names_the_command() {
    let world = World::new().await;
    world.bus.faults().missing = vec![topic::DECISIONS.of(name("lab"))];
    world.apply(4);
    let mut service = world.service();
    world.publish([user("emea", "ana", 7), user("us", "cy", 8)]).await;
    until(&mut service, "the other source", async || !world.decisions("hub").await.is_empty()).await;
    assert_eq!(summaries(&world.decisions("hub").await), ["us/cy: in_scope @4 live"]);
    let unready_reason = world.unready_reason();
    assert!(unready_reason.contains("xtsync.v1.decisions.lab is missing: run `xtsync topics create`"), "{unready_reason}");
    world.bus.faults().missing.clear();
    until(&mut service, "the source", async || world.decisions("hub").await.len() == 2).await;
    assert_eq!(world.unready_reason(), "");
}

#[tokio::test]
async fn revoked_partitions_are_committed_and_released_and_lost_ones_are_dropped() {
    let world = World::partitioned(PARTITIONS).await;
    world.apply(4);
    let mut service = world.service();
    until(&mut service, "readiness", async || world.unready_reason().is_empty()).await;
    world.publish([user("emea", "ana", 7)]).await;
    until(&mut service, "a commit", async || !world.bus.faults().commits.is_empty()).await;

    let (revoked, lost) = (partition("emea", "ana"), partition("us", "cy"));
    world.bus.faults().commits.clear();
    world.bus.faults().events.extend([Event::Revoked(vec![revoked.clone()]), Event::Lost(vec![lost.clone()])]);
    until(&mut service, "both", async || world.bus.faults().events.is_empty()).await;
    let committed: Vec<_> = world.bus.faults().commits.iter().map(|(at, committed)| (at.clone(), committed.next)).collect();
    assert_eq!((committed, world.bus.faults().released.clone()), (vec![(revoked, 1)], [partition("emea", "ana")].to_vec()));

    // Later records of these partitions belong to another replica.
    world.publish([user("emea", "ana", 8), user("us", "cy", 8), user("emea", "zoe", 8)]).await;
    let others = partition("emea", "zoe") != partition("emea", "ana");
    assert!(others, "zoe stands in another partition");
    until(&mut service, "another's", async || world.decisions("lab").await.iter().any(|decision| decision.user.as_str() == "zoe")).await;
    assert!(!world.decisions("hub").await.iter().any(|decision| decision.version.delta == 8 && decision.user.as_str() != "zoe"));
}

#[tokio::test]
async fn policy_stops_on_shutdown() {
    let world = World::new().await;
    world.apply(4);
    let shutdown = Shutdown::new();
    let running = tokio::spawn(world.service().run(shutdown.clone()));
    world.publish([user("emea", "ana", 7)]).await;
    let decided = wait_for(Duration::from_secs(20), "a decision", async || Ok((!world.decisions("lab").await.is_empty()).then_some(())));
    decided.await.unwrap();
    shutdown.begin();
    running.await.unwrap();
}

#[tokio::test]
async fn a_republished_delta_is_decided_again_as_backlog_with_the_same_version() {
    let world = World::new().await;
    world.apply(3);
    let mut service = world.service();
    world.publish([user("us", "ana", 7)]).await;
    until(&mut service, "a decision", async || world.decisions("hub").await.len() == 1).await;
    world.publish([UserDelta { origin: Origin::Republish, ..user("us", "ana", 7) }]).await;
    until(&mut service, "the same decision", async || world.decisions("hub").await.len() == 2).await;
    let decisions = world.decisions("hub").await;
    assert_eq!(decisions[0].version, decisions[1].version);
    assert_eq!((decisions[1].origin, &decisions[1].desired), (Origin::Republish, &decisions[0].desired));
}

#[tokio::test]
async fn a_tombstone_of_a_user_also_ends_the_keys_of_the_decisions() {
    let world = World::new().await;
    world.apply(3);
    let mut service = world.service();
    world.publish([user("emea", "ana", 7), gone("emea", "ana", 8), user("emea", "bo", 7)]).await;
    world.send(vec![Outgoing::tombstone(topic::USER_DELTAS.of(name("emea")), "ana")]).await;
    for target in ["hub", "lab"] {
        let ended = async || world.ended(target).await == ["emea/ana"];
        until(&mut service, "the tombstones of the decisions", ended).await;
    }
}

/// The last decision about each user of a source into a target, and under which facts.
async fn last(world: &World, target: &str) -> BTreeMap<String, (&'static str, u64)> {
    let decisions = world.decisions(target).await;
    decisions.into_iter().map(|d| (format!("{}/{}", d.source, d.user), (d.desired.wanted.reason(), d.version.facts))).collect()
}

/// K-25: an address that another tenant redeems is never invited, and what is verified may change at any time.
#[tokio::test]
async fn when_a_tenants_verified_domains_change_only_its_users_are_decided_anew() {
    let world = World::new().await;
    world.apply(4);
    let mut service = world.service();
    world.publish([user("emea", "ana", 7), user("us", "cy", 8)]).await;
    until(&mut service, "all decisions", async || world.decisions("hub").await.len() == 2).await;
    let ana_is = async |reason: &str| last(&world, "hub").await["emea/ana"].0 == reason;

    world.identify("emea", 3, &["other.example"]).await;
    until(&mut service, "the loss of the domain", async || ana_is("no_verified_address").await).await;
    world.identify("emea", 4, &["other.example", "EMEA.example."]).await;
    until(&mut service, "its return", async || ana_is("in_scope").await).await;
    world.identify("lab", 5, &["lab.example", "emea.example"]).await;
    until(&mut service, "another tenant's claim", async || ana_is("no_verified_address").await).await;
    let last = last(&world, "hub").await;
    assert_eq!((last["emea/ana"], last["us/cy"]), (("no_verified_address", 5), ("in_scope", 2)));
    let of_cy = world.decisions("hub").await.iter().filter(|decision| decision.source == name("us")).count();
    assert_eq!(of_cy, 1, "users of other tenants are not decided again");
}

#[tokio::test]
async fn no_user_is_invited_before_the_home_tenants_domains_are_known_and_leavers_do_not_wait() {
    let world = World::without_facts().await;
    world.apply(4);
    let mut service = world.service();
    world.publish([user("emea", "ana", 7), gone("emea", "bob", 8)]).await;
    until(&mut service, "all decisions", async || world.decisions("lab").await.len() == 2).await;
    assert_eq!(summaries(&world.decisions("lab").await), ["emea/ana: home_domains_unknown @4 live", "emea/bob: deleted @4 live"]);
    world.identify("emea", 9, &["emea.example"]).await;
    until(&mut service, "the domains", async || last(&world, "lab").await["emea/ana"] == ("in_scope", 9)).await;
}

#[tokio::test]
async fn a_successor_knows_the_domains_and_decides_no_user_again() {
    let world = World::new().await;
    world.apply(4);
    let mut service = world.service();
    world.publish([user("emea", "ana", 7)]).await;
    until(&mut service, "a decision", async || world.decisions("lab").await.len() == 1).await;
    service.stop().await;
    // A detector that starts anew says the same under a newer version.
    world.identify("emea", 30, &["emea.example"]).await;
    let mut successor = world.service();
    world.publish([user("emea", "bo", 8)]).await;
    until(&mut successor, "the next decision", async || world.decisions("lab").await.len() == 2).await;
    assert_eq!(summaries(&world.decisions("lab").await), ["emea/ana: in_scope @4 live", "emea/bo: in_scope @4 live"]);
}
