//! The admin API: the journal, faults on demand, limits.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value as Json, json};
use xtsync_tenant_sim::{Rule, Verb, anchor_property};

use crate::world::{World, link, text};

#[tokio::test]
async fn every_write_is_journaled_once_in_order_with_names_only() {
    let world = World::small().await;
    let hub = world.graph("hub").await;
    let mut stream = world.sim.journal().subscribe();
    let (ana, group) = (hub.create_user("ana").await, hub.group("team").await);
    hub.patch(&format!("/users/{ana}"), json!({anchor_property(): "home/ana", "department": "Sales"})).await.ok();
    hub.post(&format!("/groups/{group}/members/$ref"), link(&ana)).await.ok();
    hub.delete(&format!("/users/{ana}")).await.ok();
    let entries = world.sim.journal().since(0);
    let verbs: Vec<Verb> = entries.iter().map(|entry| entry.verb).collect();
    assert_eq!(verbs, [Verb::Create, Verb::Create, Verb::Patch, Verb::MemberAdd, Verb::Delete]);
    assert_eq!(*entries[2].properties, ["department", &anchor_property()]);
    assert_eq!((entries[3].other.unwrap().to_string(), entries[3].anchor.as_deref()), (ana, Some("home/ana")));
    for entry in &entries {
        assert_eq!(stream.try_recv().unwrap().number, entry.number);
    }
    assert!(entries.is_sorted_by_key(|entry| (entry.number, entry.at)));
    let observed = world.admin(Method::GET, "journal?since=3&tenant=hub", Json::Null).await.ok();
    let numbers: Vec<_> = observed["entries"].as_array().unwrap().iter().map(|entry| entry["number"].as_u64().unwrap()).collect();
    assert_eq!((numbers, &observed["last"], &observed["entries"][1]["verb"]), (vec![4, 5], &json!(5), &json!("delete")));
    assert_eq!((world.sim.journal_len("hub"), world.sim.journal_len("emea")), (5, 0));
}

#[tokio::test]
async fn requests_fail_as_scripted_the_given_number_of_times() {
    let world = World::small().await;
    let emea = world.graph("emea").await;
    let script = world.sim.script();
    script.install(Rule::on("GET", "/organization").times(2).fail(429).retry_after(Some(Duration::from_secs(7)))).unwrap();
    for (status, code, wait) in [(429, "TooManyRequests", Some("7")), (429, "TooManyRequests", Some("7")), (200, "", None)] {
        let answer = emea.get("/organization").await;
        let observed = answer.headers.get("retry-after").map(|wait| wait.to_str().unwrap());
        assert_eq!((answer.status, answer.code(), observed), (status, code, wait));
    }
    script.install(Rule::default().times(1).answer_html()).unwrap();
    assert!(emea.get("/organization").await.body.as_str().unwrap().starts_with("<!DOCTYPE html>"));
    let group = world.sim.tenant("emea").unwrap().groups("GlobalEmployees")[0];
    let forbidden = script.install(Rule::on("", &format!("/groups/{group}**")).fail(403)).unwrap();
    assert_eq!(emea.get(&format!("/groups/{group}/members")).await.status, 403);
    assert!(script.remove(forbidden));
    assert_eq!(emea.get(&format!("/groups/{group}/members")).await.status, 200);
    assert_eq!(world.sim.count("GET", "/v1.0/groups/{id}/members"), 2);
}

#[tokio::test]
async fn the_admin_api_does_over_http_what_the_handle_does_in_process() {
    let world = World::small().await;
    let (emea, hub) = (world.graph("emea").await, world.graph("hub").await);
    let refuse = json!({"refuse": {"status": 503, "code": "serviceNotAvailable", "message": "Busy."}});
    let rule = json!({"tenant": "emea", "path": "/users", "times": 1, "headers": {"Retry-After": "0.5"}, "then": refuse});
    let number = world.admin(Method::POST, "script", rule).await.ok()["id"].clone();
    let answer = emea.get("/users").await;
    assert_eq!((answer.status, answer.headers["retry-after"].to_str().unwrap()), (503, "0.5"));
    let installed = world.admin(Method::GET, "script", Json::Null).await.ok();
    assert_eq!((&installed[0]["id"], &installed[0]["used"], &installed[0]["rule"]["times"]), (&number, &json!(1), &json!(1)));
    assert_eq!(world.admin(Method::DELETE, &format!("script/{number}"), Json::Null).await.status, 200);
    assert_eq!(world.admin(Method::DELETE, &format!("script/{number}"), Json::Null).await.status, 404);
    assert_eq!(world.admin(Method::DELETE, "script", Json::Null).await.status, 200);
    let delta = text(&emea.get("/users/delta?$deltatoken=latest").await.ok()["@odata.deltaLink"]);
    assert_eq!(world.admin(Method::POST, "expire", json!({"delta": "emea"})).await.status, 200);
    assert_eq!(emea.get(&delta).await.status, 410);
    let body = json!({"invitedUserEmailAddress": "ana@emea.example", "inviteRedirectUrl": "https://x"});
    let guest = text(&hub.post("/invitations", body).await.ok()["invitedUser"]["id"]);
    let redeemed = world.admin(Method::POST, "redeem", json!({"tenant": "hub", "user": guest})).await.ok();
    assert_eq!(redeemed["redemption"], "prompted");
    let tenants = world.admin(Method::GET, "tenants", Json::Null).await.ok();
    assert_eq!((&tenants[0]["users"], &tenants[1]["writes"]), (&json!(120), &json!(1)));
    assert_eq!(world.admin(Method::POST, "expire", json!("tokens")).await.status, 200);
    assert_eq!(emea.get("/users").await.status, 401);
    for (path, body) in [("script", json!({"then": "earthquake"})), ("redeem", json!({})), ("shoes", json!({}))] {
        assert_eq!(world.admin(Method::POST, path, body).await.status, 400, "{path}");
    }
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused() {
    let world = World::small().await;
    let hub = world.graph("hub").await;
    let answer = hub.post("/users", json!({"displayName": "x".repeat(5 * 1024 * 1024)})).await;
    assert_eq!((answer.status, answer.code()), (413, "RequestEntityTooLarge"));
}
