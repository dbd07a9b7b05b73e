//! What the other roles say on the bus, as control shows it.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod support;

use support::{Control, ORGANIZATION, apply, say};
use xtsync_contract::control;
use xtsync_contract::control::GetLinkRequest;
use xtsync_contract::events::Verb;
use xtsync_contract::topic;
use xtsync_domain::Decision;
use xtsync_domain::decision::{Departure, Desired};
use xtsync_harness::{Postgres, unique};
use xtsync_runtime::clock::{Clock as _, SystemClock};
use xtsync_runtime::health::Question;

/// On both databases: the read model is one SQL text for the two.
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
    let told = |pending: &control::Pending| (pending.path.clone(), pending.reason.clone(), pending.stuck);
    let path = "spec.scope.groups[0]".to_owned();
    for (ids, want) in [
        (None, "group GlobalEmployees not seen yet"),
        (Some(vec![]), "group GlobalEmployees not seen yet: emea has none of that name"),
        (Some(vec!["1", "2"]), "ambiguous: 2 groups of emea are named GlobalEmployees; write one of {id: 1}, {id: 2}"),
    ] {
        let stuck = ids.as_ref().is_some_and(|ids: &Vec<_>| ids.len() > 1);
        if let Some(ids) = ids {
            say::group_name(&control.bus, control.names().await, "GlobalEmployees", &ids).await;
        }
        let want = vec![(path.clone(), want.to_owned(), stuck)];
        control.wait("pending", async |control| control.synchronization().await.pending.iter().map(told).collect::<Vec<_>>() == want).await;
    }
    say::group_name(&control.bus, control.names().await, "GlobalEmployees", &["7c1e5a2b"]).await;
    control.wait("pinned", async |control| control.synchronization().await.resolved == ["GlobalEmployees (7c1e…)"]).await;
    let pinned = control.synchronization().await;
    assert!(pinned.pending.is_empty() && pinned.revision > applied);
    assert!(pinned.spec_json.contains(r#""groups":[{"id":"7c1e5a2b","name":"GlobalEmployees"}]"#), "{}", pinned.spec_json);
    let again = client.apply(apply("a.yaml", ORGANIZATION)).await.unwrap().into_inner();
    assert_eq!(again.revision, pinned.revision, "nothing changed");
    control.stop().await;
}

#[tokio::test]
async fn status_joins_what_was_said_and_is_settled_when_all_of_it_is_done() {
    on_both(settling).await;
}

async fn settling(control: Control) {
    let bus = &control.bus;
    let mut client = control.client().await;
    client.apply(apply("a.yaml", ORGANIZATION)).await.unwrap();
    say::group_name(bus, control.names().await, "GlobalEmployees", &["7c1e5a2b"]).await;
    control.wait("pinned", async |control| !control.synchronization().await.resolved.is_empty()).await;
    let revision = control.status().await.revision;
    say::replayed(bus, revision).await;
    say::at_rest(bus, revision, SystemClock.now()).await;
    control.wait("settled", async |control| control.status().await.settled).await;

    say::delta(bus, "ana", 2).await;
    control.waits_for(&["to-hub: 1 user not decided yet"]).await;
    say::decision(bus, say::decided("ana", 2, say::present())).await;
    control.waits_for(&["to-hub: 1 link not as desired yet"]).await;
    say::link(bus, say::decided("ana", 2, say::present()), 1).await;
    control.waits_for(&["to-hub: 1 link not as desired yet"]).await;
    say::link(bus, say::decided("ana", 2, say::present()), 2).await;
    control.waits_for(&[]).await;

    // What was long on its way says nothing new; whatever comes after it has been folded too.
    say::delta(bus, "ana", 1).await;
    say::decision(bus, say::decided("ana", 1, say::out_of_scope())).await;
    say::link_version(bus, say::decided("ana", 2, say::present()), 0, 1).await;
    say::outcome(bus, "1", "ana", Verb::Create).await;
    control.wait("counted", async |control| control.counts().await.created == 1 && control.status().await.settled).await;

    // Whoever is out of scope and never was there has no link, and nothing is waited for.
    say::delta(bus, "ben", 5).await;
    say::decision(bus, say::decided("ben", 5, say::out_of_scope())).await;
    control.wait("both", async |control| control.status().await.synchronizations[0].present == 1 && control.status().await.settled).await;
    let shown = client.get_link(GetLinkRequest { target: "hub".into(), source: "emea".into(), user_id: "ben".into() }).await;
    assert_eq!(shown.unwrap().into_inner().reasons, ["he is not in scope, and there is no shadow user"]);
    let shown = client.get_link(GetLinkRequest { target: "hub".into(), source: "emea".into(), user_id: "ana".into() }).await;
    assert_eq!(shown.unwrap().into_inner().reasons, ["he is in scope", "the target is as decided"]);

    // A loss of scope is shown at once, and so is its grace period; nothing more is waited for.
    say::delta(bus, "ana", 9).await;
    let settle_ms = 14 * 24 * 3_600_000;
    let lost = Decision {
        first_seen: SystemClock.now(),
        ..say::decided("ana", 9, Desired::Gone(Departure::OutOfScope { settle_ms, blocked: false }))
    };
    say::decision(bus, lost).await;
    control.wait("in grace", async |control| control.status().await.synchronizations[0].settling == 1).await;
    control.waits_for(&[]).await;
    let shown = client.get_link(GetLinkRequest { target: "hub".into(), source: "emea".into(), user_id: "ana".into() }).await;
    let reasons = shown.unwrap().into_inner().reasons;
    assert_eq!(reasons[0], "he is not in scope");
    assert!(reasons[1].starts_with("the loss of scope is acted on at 2"), "{reasons:?}");

    // A guest in the group is shown as what was decided.
    say::delta(bus, "gus", 3).await;
    say::decision(bus, say::decided("gus", 3, Desired::Gone(Departure::External))).await;
    let gus = || GetLinkRequest { target: "hub".into(), source: "emea".into(), user_id: "gus".into() };
    control.wait("shown", async |control| control.client().await.get_link(gus()).await.is_ok()).await;
    let shown = client.get_link(gus()).await.unwrap().into_inner();
    assert_eq!(shown.reasons, ["the source is not his home (external), and there is no shadow user"]);
    control.stop().await;
}

#[tokio::test]
async fn an_outcome_counts_once_however_often_it_is_told_and_control_is_restarted() {
    on_both(counting).await;
}

async fn counting(control: Control) {
    control.client().await.apply(apply("a.yaml", ORGANIZATION)).await.unwrap();
    for (id, user, verb) in
        [("1", "ana", Verb::Create), ("1", "ana", Verb::Create), ("2", "ben", Verb::Create), ("3", "ana", Verb::Disable)]
    {
        say::outcome(&control.bus, id, user, verb).await;
    }
    say::garbage(&control.bus, topic::OUTCOMES.of(say::hub())).await;
    let counts = |created, disabled| control::SynchronizationCounts { created, disabled, ..Default::default() };
    control.wait("counted", async |control| control.counts().await == counts(2, 1)).await;
    let control = control.restart().await;
    say::outcome(&control.bus, "3", "ana", Verb::Disable).await;
    say::outcome(&control.bus, "4", "cas", Verb::Create).await;
    control.wait("counted on", async |control| control.counts().await == counts(3, 1)).await;
    control.stop().await;
}

#[tokio::test]
async fn a_tenant_whose_topics_are_still_to_be_made_holds_up_no_other() {
    let control = Control::start().await;
    control.rigged.rig().missing = vec![topic::LINKS.of(say::hub())];
    control.client().await.apply(apply("a.yaml", ORGANIZATION)).await.unwrap();
    say::outcome(&control.bus, "1", "ana", Verb::Create).await;
    let one = control::SynchronizationCounts { created: 1, ..Default::default() };
    control.wait("counted", async |control| control.counts().await == one).await;
    let missing = "topic xtsync.v1.links.hub is missing: run `xtsync topics create`";
    let told = control.health.ask(Question::Ready).lines;
    assert!(told.contains(missing), "{told}");
    assert!(control.status().await.waiting_for.contains(&missing.to_owned()));
    control.rigged.rig().missing.clear();
    control.wait("ready", async |control| control.health.is_ready()).await;
    control.stop().await;
}
