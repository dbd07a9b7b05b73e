//! The fault profile: errors before and after the commit, hidden new objects, tokens that expire early; all by seed.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value as Json, json};
use xtsync_tenant_sim::{DeltaFaults, FaultProfile, InjectedFault, Quota, Sim, Span, Throttle};

use crate::world::{Graph, World, new_user, text};

/// How long a test waits at most for an expected state.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// Repeats a request until it has the wanted status.
async fn until(graph: &Graph, method: Method, path: &str, body: Option<Json>, wanted: u16) {
    let started = Instant::now();
    loop {
        let answer = graph.send(method.clone(), path, &[], body.clone()).await;
        if answer.status == wanted {
            return;
        }
        assert!(started.elapsed() < DEADLINE, "{method} {path}: {answer:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn statuses(profile: FaultProfile, others: bool) -> Vec<u16> {
    let world = World::small().await;
    let emea = world.graph("emea").await;
    world.sim.set_fault_profile(profile);
    let mut statuses = Vec::new();
    for _ in 0..60 {
        if others {
            emea.try_send(Method::GET, "/groups", &[], None).await;
        }
        statuses.push(emea.get("/organization").await.status);
    }
    statuses
}

#[tokio::test]
async fn the_same_seed_gives_the_same_answers_despite_other_requests() {
    let profile = |seed| FaultProfile { seed, server_errors: 0.3, ..FaultProfile::default() };
    let first = statuses(profile(7), false).await;
    assert_eq!(first, statuses(profile(7), true).await);
    assert_ne!(first, statuses(profile(8), false).await);
    let kinds: BTreeSet<u16> = first.iter().copied().collect();
    assert!(kinds.contains(&200) && kinds.len() > 2, "{kinds:?}");
}

#[tokio::test]
async fn a_failure_before_the_commit_writes_nothing_and_one_after_it_writes_all() {
    for (before, after) in [(1.0, 0.0), (0.0, 1.0)] {
        let world = World::small().await;
        let hub = world.graph("hub").await;
        world.sim.set_fault_profile(FaultProfile { seed: 7, server_errors: before, fails_after_commit: after, ..FaultProfile::default() });
        let (mut refused, mut cut) = (BTreeSet::new(), 0);
        for number in 0..40 {
            let body = new_user(&format!("p{number}"), "hub.example");
            match hub.try_send(Method::POST, "/users", &[], Some(body)).await {
                Some(answer) => {
                    let waits = answer.headers.contains_key("retry-after");
                    refused.insert((answer.status, waits));
                }
                None => cut += 1,
            }
        }
        assert_eq!(refused, BTreeSet::from([(500, false), (502, false), (503, false), (503, true), (504, false)]));
        let users = world.sim.tenant("hub").unwrap().user_count();
        let injected_faults = world.sim.injected_faults();
        let count = |fault| injected_faults.get(&fault).copied().unwrap_or(0);
        if after > 0.0 {
            assert_eq!((users, count(InjectedFault::ServerError)), (40, 0));
            assert!(cut > 0 && count(InjectedFault::ConnectionReset) == cut && count(InjectedFault::AnswerLost) == 40 - cut);
        } else {
            assert_eq!((users, cut, count(InjectedFault::ServerError)), (0, 0, 40));
        }
        assert_eq!(hub.try_send(Method::GET, "/users", &[], None).await.is_some_and(|answer| answer.status == 200), before < 1.0);
    }
}

#[tokio::test]
async fn items_of_a_batch_fail_separately_and_some_were_committed() {
    let world = World::small().await;
    let hub = world.graph("hub").await;
    let headers = json!({"Content-Type": "application/json"});
    let item = |number: u32| json!({"id": number.to_string(), "method": "POST", "url": "/users", "headers": headers, "body": new_user(&format!("p{number}"), "hub.example")});
    let batch = json!({"requests": (0..20).map(item).collect::<Vec<_>>()});
    // The batch itself is one more request; with this seed it succeeds.
    world.sim.set_fault_profile(FaultProfile { seed: 6, server_errors: 0.2, fails_after_commit: 0.2, ..FaultProfile::default() });
    let responses = hub.post("/$batch", batch).await.ok()["responses"].clone();
    let created = responses.as_array().unwrap().iter().filter(|one| one["status"] == 201).count();
    let users = world.sim.tenant("hub").unwrap().user_count();
    assert!(0 < created && created < users && users < 20, "{created} were reported, {users} exist");
}

#[tokio::test]
async fn a_new_object_is_in_the_delta_before_it_is_found() {
    let world = World::small().await;
    let hub = world.graph("hub").await;
    let delta = text(&hub.get("/users/delta?$deltatoken=latest").await.ok()["@odata.deltaLink"]);
    let hide = |time| world.sim.set_fault_profile(FaultProfile { hides_fresh_objects_for: Span::exactly(time), ..FaultProfile::default() });
    hide(Duration::from_secs(3_600));
    let (ana, group) = (hub.create_user("ana").await, hub.group("team").await);
    let (by_id, patch) = (format!("/users/{ana}"), json!({"city": "Rome"}));
    assert_eq!(hub.get(&delta).await.ok()["value"][0]["id"], *ana);
    for (method, path, body, code) in [
        (Method::GET, by_id.clone(), None, "Request_ResourceNotFound"),
        (Method::GET, "/users/ana@hub.example".to_owned(), None, "Request_ResourceNotFound"),
        (Method::PATCH, by_id.clone(), Some(patch.clone()), "Directory_ObjectNotFound"),
        (Method::DELETE, format!("/groups/{group}"), None, "Directory_ObjectNotFound"),
    ] {
        let answer = hub.send(method, &path, &[], body).await;
        assert_eq!((answer.status, answer.code()), (404, code), "{path}");
    }
    assert_eq!(hub.ids("/users?$filter=mail eq 'ana@hub.example'").await, Vec::<String>::new());
    assert_eq!(hub.send(Method::GET, "/users/$count", &[("ConsistencyLevel", "eventual")], None).await.body, json!(0));
    assert_eq!(world.sim.injected_faults()[&InjectedFault::FreshHidden], 2);

    let (time, started) = (Duration::from_millis(300), Instant::now());
    hide(time);
    let bo = hub.create_user("bo").await;
    until(&hub, Method::PATCH, &format!("/users/{bo}"), Some(patch), 204).await;
    assert!(started.elapsed() >= time);
    assert_eq!(hub.ids("/users").await, [&*bo], "the other user is still hidden");
}

#[tokio::test]
async fn a_token_expires_early_and_a_new_one_works() {
    let world = World::small().await;
    world.sim.set_fault_profile(FaultProfile { expires_tokens_every: NonZeroU32::new(3), ..FaultProfile::default() });
    for _ in 0..2 {
        let emea = world.graph("emea").await;
        for status in [200, 200, 200, 401, 401] {
            assert_eq!(emea.get("/organization").await.status, status);
        }
    }
    assert_eq!(world.sim.injected_faults()[&InjectedFault::TokenExpired], 2);
}

#[tokio::test]
async fn requests_take_the_latency_of_the_profile() {
    let world = World::small().await;
    let emea = world.graph("emea").await;
    world.sim.set_fault_profile(FaultProfile { latency: Span::milliseconds(50, 80), ..FaultProfile::default() });
    let started = Instant::now();
    emea.get("/organization").await.ok();
    assert!(started.elapsed() >= Duration::from_millis(50));
}

#[tokio::test]
async fn the_latency_can_be_limited_to_some_tenants() {
    let world = World::start(Sim::builder().tenant("emea", 3).tenant("hub", 3).seed(7)).await;
    let (emea, hub) = (world.graph("emea").await, world.graph("hub").await);
    let latency = Span::exactly(Duration::from_secs(3_600));
    world.sim.set_fault_profile(FaultProfile { latency, slow: vec!["emea".to_owned()], ..FaultProfile::default() });
    tokio::select! {
        _ = emea.get("/organization") => panic!("the slow tenant answered first"),
        answer = hub.get("/organization") => assert_eq!(answer.status, 200),
    }
}

#[tokio::test]
async fn throttling_and_outages_can_be_limited_to_some_tenants() {
    let world = World::start(Sim::builder().tenant("emea", 3).tenant("hub", 3).tenant("apac", 3).seed(7)).await;
    let (emea, hub, apac) = (world.graph("emea").await, world.graph("hub").await, world.graph("apac").await);
    // A list of users costs two units.
    let throttle = Some(Throttle { small: Quota::new(2, 3_600), ..Throttle::documented() });
    let profile = FaultProfile { throttle, throttled: vec!["hub".to_owned()], dead: vec!["apac".to_owned()], ..FaultProfile::default() };
    world.sim.set_fault_profile(profile);
    for status in [200, 429] {
        for (graph, want) in [(&emea, 200), (&hub, status), (&apac, 503)] {
            assert_eq!(graph.get("/users").await.status, want);
        }
    }
    assert_eq!(apac.get("/organization").await.status, 200, "only requests about users fail");
}

#[tokio::test]
async fn a_fault_profile_is_set_by_preset_or_fields_and_cleared() {
    let world = World::start(Sim::builder().tenant("emea", 60).fault_profile(FaultProfile::severe(7)).seed(7)).await;
    let emea = world.graph("emea").await;
    for _ in 0..40 {
        emea.try_send(Method::PATCH, "/users/unknown", &[], Some(json!({}))).await;
    }
    let injected_faults = world.admin(Method::GET, "injected-faults", Json::Null).await.ok();
    assert!(injected_faults["serverError"].as_u64() > Some(0), "{injected_faults}");
    let spelt = json!({"seed": 7, "throttle": {"writes": [5, 1]}, "latencyMilliseconds": [0, 1], "delta": {"loses": 0.5}});
    for (body, status) in [
        (json!("7:rough"), 200),
        (spelt, 200),
        (json!({"throttle": {}, "expiresTokensEvery": 5, "invitations": {"late": 0.5, "lateForMilliseconds": [1, 2]}}), 200),
        (json!("7:unknown"), 400),
        (json!({"unknown": 1}), 400),
        (json!("7:none"), 200),
    ] {
        assert_eq!(world.admin(Method::POST, "faults", body.clone()).await.status, status, "{body}");
    }
    let emea = world.graph("emea").await;
    for _ in 0..20 {
        let answer = emea.get("/organization").await;
        assert_eq!((answer.status, answer.header("x-ms-resource-unit")), (200, ""));
    }
}

#[tokio::test]
async fn presets_grow_in_severity() {
    let loses = |profile: FaultProfile| profile.delta.loses;
    assert_eq!(
        (FaultProfile::default(), loses(FaultProfile::mild(7))),
        (FaultProfile { delta: DeltaFaults::default(), ..FaultProfile::default() }, 0.0)
    );
    assert!(loses(FaultProfile::rough(7)) < loses(FaultProfile::severe(7)));
    assert!(FaultProfile::mild(7).server_errors < FaultProfile::rough(7).server_errors);
    assert_eq!("9:severe".parse(), Ok(FaultProfile::severe(9)));
    assert_eq!("9".parse(), Ok(FaultProfile::rough(9)));
}
