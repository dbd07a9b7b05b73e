//! Scripted answers: rules match requests and change or replace their answers, single, in batches and at the token endpoint.

use serde_json::{Value as Json, json};
use xtsync_tenant_sim::{Edit, Place, RULES_MAX, Rule};

use crate::world::{Graph, World, text};

fn invitation(address: &str) -> Json {
    json!({"invitedUserEmailAddress": address, "inviteRedirectUrl": "https://portal.example"})
}

/// Sends invitations as items of one batch; returns the responses.
async fn invite_together(graph: &Graph, addresses: &[&str]) -> Vec<Json> {
    let items = addresses.iter().enumerate().map(|(id, address)| {
        let headers = json!({"Content-Type": "application/json"});
        json!({"id": id.to_string(), "method": "POST", "url": "/invitations", "headers": headers, "body": invitation(address)})
    });
    let answer = graph.post("/$batch", json!({"requests": items.collect::<Vec<_>>()})).await.ok();
    answer["responses"].as_array().unwrap().clone()
}

#[tokio::test]
async fn one_address_is_refused_single_and_within_a_batch_while_others_pass() {
    let world = World::small().await;
    let hub = world.graph("hub").await;
    let rule = Rule::on("POST", "/invitations").tenant("hub").about("Ana@Emea.example");
    let rule = world.sim.script().install(rule.header("Retry-After", 9).refuse(403, "Authorization_RequestDenied", "No.")).unwrap();
    let refused = hub.post("/invitations", invitation("ana@emea.example")).await;
    assert_eq!(
        (refused.status, refused.code(), refused.message(), refused.header("retry-after")),
        (403, "Authorization_RequestDenied", "No.", "9")
    );
    assert_eq!(refused.body["error"]["innerError"]["request-id"], refused.header("request-id"));
    let together = invite_together(&hub, &["ana@emea.example", "bo@emea.example"]).await;
    assert_eq!((&together[0]["status"], &together[1]["status"]), (&json!(403), &json!(201)));
    assert_eq!((&together[0]["headers"]["retry-after"], &together[0]["body"]["error"]["message"]), (&json!("9"), &json!("No.")));
    assert_eq!(world.sim.script().used(rule), 2);
    assert!(world.sim.script().remove(rule) && !world.sim.script().remove(rule));
    assert_eq!(hub.post("/invitations", invitation("ana@emea.example")).await.status, 201);
}

#[tokio::test]
async fn a_rule_matches_tenant_place_and_body_the_given_number_of_times() {
    let world = World::small().await;
    let (hub, emea) = (world.graph("hub").await, world.graph("emea").await);
    let refuse = |rule: Rule| world.sim.script().install(rule.refuse(418, "Teapot", "")).unwrap();
    refuse(Rule::on("GET", "/organization").tenant("emea").after(1).times(1));
    assert_eq!(hub.get("/organization").await.status, 200);
    for status in [200, 418, 200] {
        assert_eq!(emea.get("/organization").await.status, status);
    }
    refuse(Rule::on("POST", "/invitations").place(Place::InsideBatch).body(json!({"invitedUserEmailAddress": "ANA@emea.example"})));
    assert_eq!(hub.post("/invitations", invitation("ana@emea.example")).await.status, 201);
    let together = invite_together(&hub, &["ana@emea.example", "bo@emea.example"]).await;
    assert_eq!((&together[0]["status"], &together[1]["status"]), (&json!(418), &json!(201)));
    world.sim.script().clear();
    assert_eq!(invite_together(&hub, &["ana@emea.example"]).await[0]["status"], 201);
}

#[tokio::test]
async fn a_rule_for_one_verb_and_object_affects_no_other() {
    let world = World::small().await;
    let hub = world.graph("hub").await;
    let (ana, bo) = (hub.create_user("ana").await, hub.create_user("bo").await);
    world.sim.script().install(Rule::on("PATCH", "/users/*").about(&ana).refuse(403, "Authorization_RequestDenied", "No.")).unwrap();
    assert_eq!(hub.patch(&format!("/users/{ana}"), json!({"city": "Rome"})).await.status, 403);
    assert_eq!(hub.get(&format!("/users/{ana}")).await.status, 200);
    assert_eq!(hub.patch(&format!("/users/{bo}"), json!({"city": "Rome"})).await.status, 204);
    assert_eq!(world.sim.tenant("hub").unwrap().find_users("city", "Rome").len(), 1);
}

#[tokio::test]
async fn a_delta_page_is_rewritten_and_its_links_lead_back() {
    let world = World::small().await;
    let emea = world.graph("emea").await;
    let first = emea.get("/users/delta?$deltatoken=latest").await.ok();
    let edits = [
        Edit::moved("/@odata.deltaLink", "/@odata.nextLink"),
        Edit::set("/@odata.context", "{base}/$metadata#users"),
        Edit::set("/value", json!([{"id": "a", "accountEnabled": "false"}])),
        Edit::repeat("/value"),
    ];
    let rule = world.sim.script().install(Rule::on("GET", "/users/delta?**$deltatoken=**").rewrite(edits)).unwrap();
    let mut link = text(&first["@odata.deltaLink"]);
    for _ in 0..3 {
        let page = emea.get(&link).await.ok();
        assert_eq!((page["value"].as_array().unwrap().len(), page.get("@odata.deltaLink")), (2, None));
        assert_eq!(page["@odata.context"], format!("{}/v1.0/$metadata#users", world.url));
        link = text(&page["@odata.nextLink"]);
    }
    assert!(world.sim.script().remove(rule));
    assert!(emea.get(&link).await.ok()["@odata.deltaLink"].is_string());
    world.sim.script().install(Rule::on("GET", "/users/delta").rewrite([Edit::set("/@odata.nextLink", "")])).unwrap();
    let both = emea.get(&link).await.ok();
    assert_eq!((&both["@odata.nextLink"], both["@odata.deltaLink"].is_string()), (&json!(""), true));
}

#[tokio::test]
async fn a_committed_request_may_be_answered_with_an_error() {
    let world = World::small().await;
    let hub = world.graph("hub").await;
    let rule =
        json!({"path": "/invitations", "times": 1, "then": {"rewrite": {"status": 502, "edits": [{"set": {"at": "", "value": {}}}]}}});
    world.sim.script().install(serde_json::from_value(rule).unwrap()).unwrap();
    let answer = hub.post("/invitations", invitation("ana@emea.example")).await;
    assert_eq!((answer.status, answer.body, world.sim.tenant("hub").unwrap().user_count()), (502, json!({}), 1));
}

#[tokio::test]
async fn the_token_endpoint_is_scripted_alike() {
    let world = World::small().await;
    let form = [("client_id", "app"), ("client_secret", "secret")];
    let endless = Rule::on("POST", "/oauth2/v2.0/token").tenant("emea").rewrite([Edit::set("/expires_in", i64::MAX)]);
    world.sim.script().install(endless).unwrap();
    assert_eq!(world.token("emea", &form).await.ok()["expires_in"], json!(i64::MAX));
    assert_eq!(world.token("hub", &form).await.ok()["expires_in"], json!(3600));
    world.sim.script().clear();
    let expired =
        Rule::on("POST", "/oauth2/v2.0/token").refuse(401, "invalid_client", "AADSTS7000222: The provided client secret keys are expired.");
    world.sim.script().install(expired.times(1)).unwrap();
    let refused = world.token("hub", &form).await;
    assert_eq!(
        (refused.status, &refused.body["error"], &refused.body["error_codes"]),
        (401, &json!("invalid_client"), &json!([7_000_222]))
    );
    assert_eq!(world.token("hub", &form).await.status, 200);
}

#[tokio::test]
async fn rules_are_bounded_and_invalid_ones_are_refused() {
    let world = World::small().await;
    let script = world.sim.script();
    for wrong in [
        Rule::on("GET", "users").refuse(403, "", ""),
        Rule::on("GET", "/users").refuse(101, "", ""),
        Rule::on("GET", "/users").answer(1000, Json::Null),
        Rule::on("GET", "/users").rewrite([Edit::remove("value")]),
        Rule::on("GET", "/users").header("no header", "x"),
        Rule::on("GET", "/users").header("x", "\n"),
    ] {
        assert!(script.install(wrong.clone()).is_err(), "{wrong:?}");
    }
    for _ in 0..RULES_MAX {
        script.install(Rule::default()).unwrap();
    }
    assert!(script.install(Rule::default()).is_err());
    script.clear();
    for _ in 0..=RULES_MAX {
        script.install(Rule::default().times(0)).unwrap();
    }
}
