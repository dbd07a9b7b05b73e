//! Batches: each item is answered like a single request.

use serde_json::{Value as Json, json};
use xtsync_tenant_sim::Rule;

use crate::world::{World, new_user};

#[tokio::test]
async fn items_are_answered_one_by_one() {
    let world = World::small().await;
    let hub = world.graph("hub").await;
    let create = json!({
        "id": "a", "method": "POST", "url": "/users", "headers": {"Content-Type": "application/json"}, "body": new_user("ana", "hub.example"),
    });
    let requests = json!({"requests": [
        create,
        {"id": "b", "method": "GET", "url": "/users/ana@hub.example?$select=displayName", "dependsOn": ["a"]},
        {"id": "c", "method": "PATCH", "url": "/users/ana@hub.example", "headers": {"content-type": "application/json"}, "body": {"city": "Rome"}},
        {"id": "d", "method": "GET", "url": "/users/unknown@hub.example"},
        {"id": "e", "method": "GET", "url": "/organization", "dependsOn": ["d"]},
        {"id": "f", "method": "GET", "url": "users/$count", "headers": {"ConsistencyLevel": "eventual"}},
    ]});
    let responses = hub.post("/$batch", requests).await.ok()["responses"].clone();
    let statuses: Vec<_> =
        responses.as_array().unwrap().iter().map(|one| (one["id"].as_str().unwrap(), one["status"].as_u64().unwrap())).collect();
    assert_eq!(statuses, [("a", 201), ("b", 200), ("c", 204), ("d", 404), ("e", 424), ("f", 200)]);
    assert_eq!(responses[1]["body"]["displayName"], "ana");
    assert_eq!(responses[3]["body"]["error"]["code"], "Request_ResourceNotFound");
    assert!(responses[2].get("body").is_none());
}

#[tokio::test]
async fn an_item_is_throttled_alone() {
    let world = World::small().await;
    let emea = world.graph("emea").await;
    world.sim.script().install(Rule::on("GET", "/organization").times(1).fail(429).header("Retry-After", "1.5")).unwrap();
    let items = [("1", "/organization"), ("2", "/organization"), ("3", "/users?$top=1")];
    let requests: Vec<Json> = items.iter().map(|(id, url)| json!({"id": id, "method": "GET", "url": url})).collect();
    let responses = emea.post("/$batch", json!({"requests": requests})).await.ok()["responses"].clone();
    let statuses: Vec<_> = responses.as_array().unwrap().iter().map(|one| one["status"].as_u64().unwrap()).collect();
    assert_eq!((statuses, &responses[0]["headers"]["retry-after"]), (vec![429, 200, 200], &json!("1.5")));
    assert_eq!(world.sim.count("GET", "/v1.0/organization"), 2);
    let counts = |tenant| world.sim.tenant(tenant).unwrap().counts();
    let count = |method: &str, path: &str, count| ((method.to_owned(), path.to_owned()), count);
    let each = [count("GET", "/v1.0/organization", 2), count("GET", "/v1.0/users", 1), count("POST", "/v1.0/$batch", 1)];
    assert_eq!((counts("emea"), counts("hub")), (each.into(), [].into()), "each item, and the batch");
}

#[tokio::test]
async fn an_invalid_batch_is_refused_as_a_whole() {
    let world = World::small().await;
    let emea = world.graph("emea").await;
    let get = |id: &str| json!({"id": id, "method": "GET", "url": "/organization"});
    for (requests, why) in [
        (json!([]), "no requests"),
        ((0..21).map(|id| get(&id.to_string())).collect(), "more than 20"),
        (json!([get("a"), get("A")]), "ids differ only by case"),
        (json!([{"method": "GET", "url": "/organization"}]), "no id"),
        (json!([{"id": "1", "method": "PATCH", "url": "/users/x", "body": {"city": "Rome"}}]), "a body without a content type"),
        (json!([{"id": "1", "method": "GET", "url": "/organization", "dependsOn": ["2"]}, get("2")]), "depends on a later request"),
    ] {
        assert_eq!(emea.post("/$batch", json!({"requests": requests})).await.status, 400, "{why}");
    }
}
