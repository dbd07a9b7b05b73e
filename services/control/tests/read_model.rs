//! Tests of the read model: the API shows what the other roles publish.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod support;

use support::{Control, ORGANIZATION, apply, builders};
use xtsync_contract::control;
use xtsync_contract::control::{Reason, ReasonCode, ShowUserRequest, ShownLink};
use xtsync_contract::events::Verb;
use xtsync_contract::topic;
use xtsync_domain::Decision;
use xtsync_domain::decision::{DeprovisionReason, Wanted};
use xtsync_harness::{Postgres, unique};
use xtsync_runtime::clock::{Clock as _, SystemClock};
use xtsync_runtime::health::Probe;

/// Runs a check on both databases, because the read model uses the same SQL for both.
async fn on_both(check: impl AsyncFn(Control)) {
    check(Control::start().await).await;
    let postgres = Postgres::shared().await.unwrap();
    check(Control::start_on(postgres.create_database(&unique("control")).await.unwrap()).await).await;
}

#[tokio::test]
async fn a_group_found_by_name_is_pinned_and_the_bare_name_keeps_its_pin() {
    on_both(pinning).await;
}

async fn pinning(control: Control) {
    let mut client = control.client().await;
    let applied = client.apply(apply("a.yaml", ORGANIZATION)).await.unwrap().into_inner().revision;
    let reported = |pending: &control::Pending| (pending.path.clone(), support::codes(&pending.condition).concat(), pending.needs_action);
    let path = "spec.scope.groups[0]".to_owned();
    for (ids, want) in [
        (None, "group_not_seen group=GlobalEmployees"),
        (Some(vec![]), "group_not_seen group=GlobalEmployees tenant=emea"),
        (Some(vec!["1", "2"]), "group_ambiguous count=2 group=GlobalEmployees others={id: 1}, {id: 2} tenant=emea"),
    ] {
        let needs_action = ids.as_ref().is_some_and(|ids: &Vec<_>| ids.len() > 1);
        if let Some(ids) = ids {
            builders::group_name(&control.bus, control.names().await, "GlobalEmployees", &ids).await;
        }
        let want = vec![(path.clone(), want.to_owned(), needs_action)];
        control
            .wait("pending", async |control| control.synchronization().await.pending.iter().map(reported).collect::<Vec<_>>() == want)
            .await;
    }
    builders::group_name(&control.bus, control.names().await, "GlobalEmployees", &["7c1e5a2b"]).await;
    control.wait("pinned", async |control| control.synchronization().await.resolved == ["GlobalEmployees (7c1e…)"]).await;
    let pinned = control.synchronization().await;
    assert!(pinned.pending.is_empty() && pinned.revision > applied);
    assert!(pinned.spec_json.contains(r#""groups":[{"id":"7c1e5a2b","name":"GlobalEmployees"}]"#), "{}", pinned.spec_json);
    let again = client.apply(apply("a.yaml", ORGANIZATION)).await.unwrap().into_inner();
    assert_eq!(again.revision, pinned.revision, "nothing changed");
    control.stop().await;
}

#[tokio::test]
async fn status_joins_all_topics_and_converges_when_all_work_is_done() {
    on_both(convergence).await;
}

#[tokio::test]
async fn a_replay_is_complete_when_each_partition_is_marked_however_many_there_are() {
    let control = Control::start().await;
    let bus = &control.bus;
    control.client().await.apply(apply("a.yaml", ORGANIZATION)).await.unwrap();
    builders::group_name(bus, control.names().await, "GlobalEmployees", &["7c1e5a2b"]).await;
    control.wait("pinned", async |control| !control.synchronization().await.resolved.is_empty()).await;
    let revision = control.status().await.revision;
    builders::converged_roles(bus, revision, SystemClock.now()).await;
    let is_waiting: &[&str] = &["replay synchronization=to-hub"];
    //  markers                                  waits for
    for (markers, want) in [
        (&[(0, 3), (2, 3)][..], is_waiting),
        (&[(1, 3)], &[]),
        // The topic was made anew with fewer partitions, whose markers leave one of the former over.
        (&[(0, 2)], is_waiting),
        (&[(1, 2)], &[]),
        // And with more.
        (&[(0, 4), (1, 4), (3, 4)], is_waiting),
        (&[(2, 4)], &[]),
    ] {
        for marker in markers {
            builders::marker(bus, *marker, revision).await;
        }
        control.waits_for(want).await;
    }
    control.stop().await;
}

/// What is known of a user in the one target, if anything.
async fn show(control: &Control, user: &str) -> Option<ShownLink> {
    let request = ShowUserRequest { user: user.to_owned(), target: "hub".to_owned() };
    control.client().await.show_user(request).await.ok()?.into_inner().links.pop()
}

fn codes(shown: &ShownLink) -> Vec<ReasonCode> {
    shown.reasons.iter().map(Reason::code).collect()
}

async fn convergence(control: Control) {
    let bus = &control.bus;
    let mut client = control.client().await;
    client.apply(apply("a.yaml", ORGANIZATION)).await.unwrap();
    builders::group_name(bus, control.names().await, "GlobalEmployees", &["7c1e5a2b"]).await;
    control.wait("pinned", async |control| !control.synchronization().await.resolved.is_empty()).await;
    let revision = control.status().await.revision;
    builders::replayed(bus, revision).await;
    builders::converged_roles(bus, revision, SystemClock.now()).await;
    control.wait("converged", async |control| control.status().await.converged).await;

    builders::delta(bus, "ana", 2).await;
    control.waits_for(&["undecided_users synchronization=to-hub users=1"]).await;
    builders::decision(bus, builders::decided("ana", 2, builders::present())).await;
    control.waits_for(&["open_links links=1 synchronization=to-hub"]).await;
    builders::link(bus, builders::decided("ana", 2, builders::present()), 1).await;
    control.waits_for(&["open_links links=1 synchronization=to-hub"]).await;
    builders::link(bus, builders::decided("ana", 2, builders::present()), 2).await;
    control.waits_for(&[]).await;

    // Delayed older records change nothing. The outcome after them shows that they have been folded.
    builders::delta(bus, "ana", 1).await;
    builders::decision(bus, builders::decided("ana", 1, builders::out_of_scope())).await;
    builders::link_version(bus, builders::decided("ana", 2, builders::present()), 0, 1).await;
    builders::outcome(bus, "1", "ana", Verb::Create).await;
    control.wait("counted", async |control| control.counts().await.created == 1 && control.status().await.converged).await;

    // An out-of-scope user who never existed in the target has no link and does not prevent convergence.
    builders::delta(bus, "ben", 5).await;
    builders::decision(bus, builders::decided("ben", 5, builders::out_of_scope())).await;
    control.wait("both", async |control| control.status().await.synchronizations[0].present == 1 && control.status().await.converged).await;
    let shown = show(&control, "emea/ben").await;
    assert_eq!(codes(&shown.unwrap()), [ReasonCode::NotInScope, ReasonCode::NoShadowUser]);
    let shown = show(&control, "emea/ana").await;
    assert_eq!(codes(&shown.unwrap()), [ReasonCode::InScope, ReasonCode::AsDecided]);

    // A loss of scope is shown at once with its grace period, and a long grace period does not prevent convergence.
    builders::delta(bus, "ana", 9).await;
    let grace_period_ms = 14 * 24 * 3_600_000;
    let lost = builders::desired(Wanted::No(DeprovisionReason::OutOfScope { grace_period_ms, shape: None }));
    let lost = Decision { first_seen: SystemClock.now(), ..builders::decided("ana", 9, lost) };
    builders::decision(bus, lost).await;
    control.wait("in grace", async |control| control.status().await.synchronizations[0].in_grace_period == 1).await;
    control.waits_for(&[]).await;
    let shown = show(&control, "emea/ana").await;
    let shown = shown.unwrap();
    assert_eq!(codes(&shown), [ReasonCode::NotInScope, ReasonCode::GracePeriod]);
    assert!(shown.reasons[1].parameters["until"].starts_with('2'), "{shown:?}");

    // A slash in a user's id is part of the id.
    builders::delta(bus, "us/cy%", 4).await;
    builders::decision(bus, builders::decided("us/cy%", 4, builders::present())).await;
    builders::link(bus, builders::decided("us/cy%", 4, builders::present()), 4).await;
    let is_done =
        async |control: &Control| show(control, "emea/us/cy%").await.is_some_and(|shown| codes(&shown).ends_with(&[ReasonCode::AsDecided]));
    control.wait("shown", is_done).await;

    // The decision on a guest in the group is shown with its reason.
    builders::delta(bus, "gus", 3).await;
    builders::decision(bus, builders::decided("gus", 3, builders::desired(Wanted::No(DeprovisionReason::External)))).await;
    let is_decided = async |control: &Control| show(control, "gus").await.is_some_and(|shown| codes(&shown)[0] == ReasonCode::External);
    control.wait("shown", is_decided).await;
    let shown = show(&control, "gus").await.unwrap();
    assert_eq!(codes(&shown), [ReasonCode::External, ReasonCode::NoShadowUser]);
    control.stop().await;
}

#[tokio::test]
async fn an_outcome_counts_once_despite_repetition_and_restart() {
    on_both(counting).await;
}

async fn counting(control: Control) {
    control.client().await.apply(apply("a.yaml", ORGANIZATION)).await.unwrap();
    for (id, user, verb) in
        [("1", "ana", Verb::Create), ("1", "ana", Verb::Create), ("2", "ben", Verb::Create), ("3", "ana", Verb::Disable)]
    {
        builders::outcome(&control.bus, id, user, verb).await;
    }
    builders::garbage(&control.bus, topic::OUTCOMES.of(builders::hub())).await;
    let counts = |created, disabled| control::SynchronizationCounts { created, disabled, ..Default::default() };
    control.wait("counted", async |control| control.counts().await == counts(2, 1)).await;
    let control = control.restart().await;
    builders::outcome(&control.bus, "3", "ana", Verb::Disable).await;
    builders::outcome(&control.bus, "4", "cas", Verb::Create).await;
    control.wait("counted on", async |control| control.counts().await == counts(3, 1)).await;
    control.stop().await;
}

#[tokio::test]
async fn a_tenant_with_missing_topics_blocks_no_other() {
    let control = Control::start().await;
    control.faulty_bus.faults().missing = vec![topic::LINKS.of(builders::hub())];
    control.client().await.apply(apply("a.yaml", ORGANIZATION)).await.unwrap();
    builders::outcome(&control.bus, "1", "ana", Verb::Create).await;
    let one = control::SynchronizationCounts { created: 1, ..Default::default() };
    control.wait("counted", async |control| control.counts().await == one).await;
    let missing = "topic xtsync.v1.links.hub is missing: run `xtsync topics create`";
    let reported = control.health.probe(Probe::Ready).lines;
    assert!(reported.contains(missing), "{reported}");
    assert!(support::codes(&control.status().await.waiting_for).contains(&"topic_missing topic=xtsync.v1.links.hub".to_owned()));
    control.faulty_bus.faults().missing.clear();
    control.wait("ready", async |control| control.health.is_ready()).await;
    control.stop().await;
}

#[tokio::test]
async fn a_user_is_found_by_id_principal_name_and_mail_also_after_leaving_the_scope() {
    on_both(users_are_found).await;
}

async fn users_are_found(control: Control) {
    let bus = &control.bus;
    control.client().await.apply(apply("a.yaml", ORGANIZATION)).await.unwrap();
    builders::named_delta(bus, "id-1", 1, "Ana@Emea.example", "ana.g@emea.example").await;
    builders::decision(bus, builders::decided("id-1", 1, builders::present())).await;
    control.wait("known", async |control| show(control, "id-1").await.is_some()).await;
    // Out of scope, a delta has no names.
    builders::delta(bus, "id-1", 2).await;
    builders::decision(bus, builders::decided("id-1", 2, builders::out_of_scope())).await;
    let has_left = async |control: &Control| show(control, "id-1").await.is_some_and(|shown| codes(&shown)[0] == ReasonCode::NotInScope);
    control.wait("out of scope", has_left).await;
    for name in ["emea/id-1", "ana@emea.example", "ANA.G@emea.example"] {
        let shown = show(&control, name).await.unwrap_or_else(|| panic!("{name} is not found"));
        assert_eq!((&*shown.source, &*shown.user_id, &*shown.target), ("emea", "id-1", "hub"), "{name}");
    }
    // Nothing is known of the user: the answer has the sources where they may be, with the scopes.
    for (name, source, scopes) in
        [("bo@emea.example", "emea", 1), ("emea/id-2", "emea", 1), ("hub/id-1", "hub", 0), ("%", "emea", 1), ("", "emea", 1)]
    {
        let request = ShowUserRequest { user: name.to_owned(), target: String::new() };
        let answer = control.client().await.show_user(request).await.unwrap().into_inner();
        assert!(answer.links.is_empty(), "{name}");
        let searched: Vec<_> = answer.searched.iter().map(|one| (one.source.as_str(), one.scopes.len(), one.read_at.is_some())).collect();
        assert_eq!(searched, [(source, scopes, false)], "{name}");
        let groups = answer.searched.iter().flat_map(|one| &one.scopes).flat_map(|scope| &scope.groups).collect::<Vec<_>>();
        assert!(groups.iter().all(|group| *group == "GlobalEmployees"), "{groups:?}");
    }
    for (name, target) in [("nowhere/id-1", ""), ("No Name/id-1", ""), ("emea/id-1", "nowhere")] {
        let request = ShowUserRequest { user: name.to_owned(), target: target.to_owned() };
        assert_eq!(control.client().await.show_user(request).await.unwrap_err().code(), tonic::Code::NotFound, "{name} {target}");
    }
    // The user is known, and no synchronization into the target has decided.
    let request = ShowUserRequest { user: "emea/id-1".to_owned(), target: "emea".to_owned() };
    let shown = control.client().await.show_user(request).await.unwrap().into_inner().links.pop().unwrap();
    assert_eq!((codes(&shown), shown.target.as_str()), (vec![ReasonCode::Undecided], "emea"));
    control.stop().await;
}
