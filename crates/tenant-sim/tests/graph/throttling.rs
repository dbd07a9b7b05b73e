//! Throttling with the documented token buckets.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value as Json, json};
use xtsync_tenant_sim::{Access, FaultProfile, InjectedFault, Quota, Sim, Throttle};

use crate::world::{Answer, Graph, World};

async fn throttled(throttle: Throttle) -> World {
    let profile = FaultProfile { seed: 7, throttle: Some(throttle), ..FaultProfile::default() };
    World::start(Sim::builder().tenant("emea", 120).tenant("hub", 0).client("other", "o", Access::All).seed(7).fault_profile(profile)).await
}

/// A write that is metered and changes nothing.
async fn write(graph: &Graph) -> Answer {
    graph.send(Method::PATCH, "/groups/00000000-0000-0000-0000-000000000000", &[], Some(json!({}))).await
}

#[tokio::test]
async fn writes_beyond_the_quota_are_refused_with_documented_headers_until_retry_after() {
    let world = throttled(Throttle::documented().with_writes(10, 4)).await;
    let (hub, other) = (world.graph("hub").await, world.graph_as("hub", "other", "o").await);
    let mut answers = Vec::new();
    while answers.last().is_none_or(|answer: &Answer| answer.status != 429) && answers.len() < 200 {
        answers.push(write(&hub).await);
    }
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses[..10], [404; 10]);
    let refused = answers.last().expect("there are ten at least");
    assert_eq!((refused.code(), refused.header("x-ms-throttle-information")), ("TooManyRequests", "WriteLimitExceeded"));
    let scope: Vec<&str> = refused.header("x-ms-throttle-scope").split('/').collect();
    let hub_id = world.sim.tenant("hub").unwrap().id().to_string();
    assert_eq!((scope.len(), scope[0], scope[1], scope[3]), (4, "Tenant_Application", "Write", &*hub_id));
    assert_eq!(refused.header("x-ms-resource-unit"), "1");
    let used: f64 = refused.header("x-ms-throttle-limit-percentage").parse().unwrap();
    assert!((0.8..=1.8).contains(&used), "{used}");
    assert_eq!(write(&other).await.status, 404, "another application has its own quota");
    let wait: f64 = refused.header("retry-after").parse().unwrap();
    assert!(wait > 0.0 && wait < 5.0, "{wait}");
    tokio::time::sleep(Duration::from_secs_f64(wait)).await;
    assert_eq!(write(&hub).await.status, 404, "a request after the wait succeeds");
    assert_eq!(world.sim.injected_faults()[&InjectedFault::Throttled], 1);
}

#[tokio::test]
async fn throttled_requests_count_and_waits_are_sometimes_fractions() {
    let world = throttled(Throttle::documented().with_writes(10, 1_000)).await;
    let hub = world.graph("hub").await;
    let (mut waits, mut used) = (Vec::new(), Vec::new());
    for _ in 0..25 {
        let answer = write(&hub).await;
        if answer.status == 429 {
            waits.push(answer.header("retry-after").to_owned());
            used.push(answer.header("x-ms-throttle-limit-percentage").to_owned());
        }
    }
    assert!(waits.iter().any(|wait| wait.contains('.')) && waits.iter().any(|wait| !wait.contains('.')), "{waits:?}");
    let seconds: Vec<f64> = waits.iter().map(|wait| wait.parse().unwrap()).collect();
    assert!(seconds[0] < 201.0 && seconds[14] > 800.0, "a client that does not wait stays throttled: {seconds:?}");
    assert_eq!(used[14], "1.8");
    assert_eq!(hub.get("/users").await.status, 200, "reads have their own quota");
}

#[tokio::test]
async fn reads_cost_units_by_path_and_options() {
    let world = throttled(Throttle::documented()).await;
    let emea = world.graph("emea").await;
    let group = emea.ids("/groups?$top=1").await.remove(0);
    for (path, units) in [
        ("/users".to_owned(), "2"),
        ("/users?$select=id".to_owned(), "1"),
        ("/users?$top=5".to_owned(), "1"),
        ("/users?$expand=manager".to_owned(), "3"),
        ("/users?$select=id&$top=5".to_owned(), "1"),
        ("/users/delta".to_owned(), "1"),
        (format!("/groups/{group}/members"), "3"),
        (format!("/groups/{group}/transitiveMembers"), "5"),
        (format!("/groups/{group}/transitiveMembers?$select=id&$top=5"), "3"),
    ] {
        assert_eq!(emea.get(&path).await.header("x-ms-resource-unit"), units, "{path}");
    }
}

#[tokio::test]
async fn a_larger_tenant_has_a_larger_quota() {
    let throttle = Throttle { small: Quota::new(2, 3_600), medium: Quota::new(40, 3_600), ..Throttle::documented() };
    let world = throttled(throttle).await;
    for (tenant, passed) in [("hub", 2), ("emea", 40)] {
        let graph = world.graph(tenant).await;
        for number in 0..=passed {
            let answer = graph.get("/organization").await;
            let reason = answer.header("x-ms-throttle-information");
            assert_eq!((answer.status, reason), if number < passed { (200, "") } else { (429, "ResourceUnitLimitExceeded") }, "{tenant}");
        }
    }
}

#[tokio::test]
async fn items_of_a_batch_are_throttled_one_by_one() {
    let world = throttled(Throttle::documented().with_writes(3, 3_600)).await;
    let hub = world.graph("hub").await;
    let item = |id: u32| json!({"id": id.to_string(), "method": "DELETE", "url": "/users/unknown"});
    let batch = json!({"requests": (0..5).map(item).collect::<Vec<_>>()});
    let responses = hub.post("/$batch", batch).await.ok()["responses"].clone();
    let observed: Vec<(u64, bool)> =
        responses.as_array().unwrap().iter().map(|one| (one["status"].as_u64().unwrap(), waits(one))).collect();
    assert_eq!(observed, [(404, false), (404, false), (404, false), (429, true), (429, true)]);
}

fn waits(response: &Json) -> bool {
    response["headers"]["retry-after"].is_string()
}
