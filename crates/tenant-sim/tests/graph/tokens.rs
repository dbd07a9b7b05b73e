//! Tokens: their issue, their access and their expiry.

use std::time::Duration;

use serde_json::json;
use xtsync_tenant_sim::{Access, Sim};

use crate::world::{World, new_user};

#[tokio::test]
async fn a_token_is_issued_by_tenant_name_id_or_domain_for_the_right_secret() {
    let world = World::small().await;
    let id = world.sim.tenant("emea").unwrap().id().to_string();
    let (app, wrong) = ([("client_id", "app"), ("client_secret", "secret")], [("client_id", "app"), ("client_secret", "guess")]);
    let (stranger, other_grant) = ([("client_id", "who"), ("client_secret", "secret")], [("grant_type", "password"), ("client_id", "app")]);
    for (tenant, form, status, error, number) in [
        ("emea", &app, 200, None, ""),
        (&*id, &app, 200, None, ""),
        ("emea.example", &app, 200, None, ""),
        ("emea", &wrong, 401, Some("invalid_client"), "AADSTS7000215"),
        ("emea", &stranger, 400, Some("unauthorized_client"), "AADSTS700016"),
        ("emea", &other_grant, 400, Some("unsupported_grant_type"), "AADSTS70003"),
        ("apac", &app, 400, Some("invalid_request"), "AADSTS90002"),
    ] {
        let answer = world.token(tenant, form).await;
        assert_eq!((answer.status, answer.body["error"].as_str()), (status, error), "{tenant} {form:?}");
        assert!(number.is_empty() || answer.body["error_description"].as_str().unwrap().starts_with(number));
        if status == 200 {
            assert_eq!((&answer.body["token_type"], &answer.body["expires_in"]), (&json!("Bearer"), &json!(3600)));
        }
    }
}

#[tokio::test]
async fn a_token_names_its_tenant_and_is_refused_when_unknown_or_expired() {
    let world = World::small().await;
    let (emea, hub) = (world.graph("emea").await, world.graph("hub").await);
    for (graph, domain) in [(&emea, "emea.example"), (&hub, "hub.example")] {
        let organization = graph.get("/organization").await.ok();
        assert_eq!(organization["value"][0]["verifiedDomains"][0]["name"], domain);
    }
    let anonymous = world.client.get(format!("{}/v1.0/users", world.url)).send().await.unwrap();
    assert_eq!(anonymous.status().as_u16(), 401);
    world.sim.expire_tokens();
    let refused = emea.get("/users").await;
    assert_eq!((refused.status, refused.code()), (401, "InvalidAuthenticationToken"));
    assert!(refused.headers.contains_key("request-id"));
    assert_eq!(refused.body["error"]["innerError"]["request-id"], refused.headers["request-id"].to_str().unwrap());
}

#[tokio::test]
async fn an_expired_secret_is_refused_as_such_until_it_is_renewed() {
    let world = World::small().await;
    let ask = async |secret: &str| world.token("hub", &[("client_id", "app"), ("client_secret", secret)]).await;
    world.sim.expire_secret("app").unwrap();
    let refused = ask("secret").await;
    assert_eq!(
        (refused.status, &refused.body["error"], &refused.body["error_codes"]),
        (401, &json!("invalid_client"), &json!([7_000_222]))
    );
    assert!(refused.body["error_description"].as_str().unwrap().starts_with("AADSTS7000222: "));
    assert!(!refused.header("x-ms-request-id").is_empty());
    world.sim.renew_secret("app", "next").unwrap();
    assert_eq!([ask("next").await.status, ask("secret").await.status], [200, 401]);
    assert!(world.sim.expire_secret("unknown").is_err());
}

#[tokio::test]
async fn a_token_ends_with_its_lifetime() {
    let world = World::start(Sim::builder().tenant("hub", 0).token_lifetime(Duration::ZERO)).await;
    let answer = world.graph("hub").await.get("/organization").await;
    assert_eq!((answer.status, answer.code()), (401, "InvalidAuthenticationToken"));
}

#[tokio::test]
async fn a_client_has_only_the_access_it_was_registered_with() {
    let builder = Sim::builder().tenant("hub", 0).client("reader", "r", Access::Read).client("writer", "w", Access::WriteUsers);
    let world = World::start(builder).await;
    let all = world.graph("hub").await;
    let (reader, writer) = (world.graph_as("hub", "reader", "r").await, world.graph_as("hub", "writer", "w").await);
    let invitation = |name: &str| json!({"invitedUserEmailAddress": format!("{name}@emea.example"), "inviteRedirectUrl": "https://x"});
    let partner = json!({"automaticUserConsentSettings": {"inboundAllowed": true}});
    for (graph, reads, users, policies) in [(&reader, 200, 403, 403), (&writer, 200, 201, 403), (&all, 200, 201, 404)] {
        let name = format!("p{reads}{users}{policies}");
        assert_eq!(graph.get("/users").await.status, reads);
        assert_eq!(graph.post("/directoryObjects/getAvailableExtensionProperties", json!({})).await.status, reads);
        assert_eq!(graph.post("/users", new_user(&name, "hub.example")).await.status, users);
        assert_eq!(graph.post("/invitations", invitation(&name)).await.status, users);
        let path = format!("/policies/crossTenantAccessPolicy/partners/{}", uuid::Uuid::nil());
        assert_eq!(graph.patch(&path, partner.clone()).await.status, policies);
    }
    assert_eq!(reader.post("/users", json!({})).await.code(), "Authorization_RequestDenied");
}

#[tokio::test]
async fn client_libraries_discover_the_authority() {
    let world = World::small().await;
    for (path, field) in
        [("/emea/v2.0/.well-known/openid-configuration", "token_endpoint"), ("/common/discovery/instance", "tenant_discovery_endpoint")]
    {
        let answer = world.client.get(format!("{}{path}", world.url)).send().await.unwrap();
        let body: serde_json::Value = answer.json().await.unwrap();
        assert!(body[field].as_str().unwrap().starts_with(&world.url), "{path}");
    }
}
