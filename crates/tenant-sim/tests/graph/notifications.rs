//! Change notifications: subscriptions, their lifecycle, and deliveries.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value as Json, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use xtsync_tenant_sim::{Access, Delivery, LifecycleEvent, Sim};

use crate::faults::DEADLINE;
use crate::webhook::{Manner, Webhook};
use crate::world::{Graph, World, link, text};

/// A delivery with short times, for tests.
const QUICK: Delivery = Delivery {
    coalesce: Duration::from_millis(5),
    timeout: Duration::from_secs(1),
    attempts_max: 2,
    retry_after: Duration::from_millis(20),
    window: Duration::from_secs(600),
    judged_from: 1,
    slow_delay: Duration::from_millis(50),
    life_min: Duration::ZERO,
    reauthorize_within: Duration::from_secs(3_600),
};

fn after(time: Duration) -> String {
    (OffsetDateTime::now_utc() + time).format(&Rfc3339).unwrap()
}

fn subscription_body(webhook: &Webhook, resource: &str) -> Json {
    json!({
        "changeType": "created,updated,deleted", "resource": resource, "notificationUrl": webhook.url,
        "lifecycleNotificationUrl": webhook.url, "clientState": "sesame", "expirationDateTime": after(Duration::from_secs(3_600)),
    })
}

async fn world(delivery: Delivery) -> World {
    let world = World::start(Sim::builder().tenant("emea", 20).tenant("hub", 0).client("reader", "r", Access::Read).seed(7)).await;
    world.sim.set_delivery(delivery);
    world
}

async fn subscribe(graph: &Graph, subscription_body: Json) -> String {
    text(&graph.post("/subscriptions", subscription_body).await.ok()["id"])
}

#[tokio::test]
async fn a_subscription_is_created_listed_renewed_and_removed() {
    let world = world(Delivery::default()).await;
    let (hub, webhook) = (world.graph_as("hub", "reader", "r").await, Webhook::start().await);
    let made = hub.post("/subscriptions", subscription_body(&webhook, "/users")).await;
    let id = text(&made.body["id"]);
    assert_eq!((made.status, &made.body["resource"], &made.body["notificationUrl"]), (201, &json!("/users"), &json!(webhook.url)));
    assert_eq!(hub.ids("/subscriptions").await, [&*id]);
    assert_eq!(world.graph("hub").await.ids("/subscriptions").await, Vec::<String>::new(), "each application lists its own");
    let path = format!("/subscriptions/{id}");
    let days = |days: u64| json!({"expirationDateTime": after(Duration::from_secs(days * 24 * 3_600))});
    for (body, status) in [(days(28), 200), (days(30), 400), (json!({"changeType": "updated"}), 400), (json!({}), 400)] {
        assert_eq!(hub.patch(&path, body.clone()).await.status, status, "{body}");
    }
    let soon = hub.patch(&path, json!({"expirationDateTime": after(Duration::from_secs(60))})).await.ok();
    let soon = OffsetDateTime::parse(soon["expirationDateTime"].as_str().unwrap(), &Rfc3339).unwrap();
    assert!(soon - OffsetDateTime::now_utc() > time::Duration::minutes(44), "a short lifetime is extended to 45 minutes");
    assert_eq!(hub.post(&format!("{path}/reauthorize"), json!({})).await.status, 204);
    assert_eq!([hub.delete(&path).await.status, hub.get(&path).await.status], [204, 404]);
}

#[tokio::test]
async fn invalid_subscriptions_are_refused() {
    let world = world(QUICK).await;
    let (hub, webhook) = (world.graph("hub").await, Webhook::start().await);
    let with = |name: &str, value: Json| {
        let mut body = subscription_body(&webhook, "/users");
        body[name] = value;
        body
    };
    for (name, value) in [
        ("changeType", json!("moved")),
        ("changeType", Json::Null),
        ("resource", json!("/me/messages")),
        ("notificationUrl", json!("http://example.org/hook")),
        ("notificationUrl", json!("no address")),
        ("lifecycleNotificationUrl", json!("ftp://localhost/")),
        ("clientState", json!("x".repeat(129))),
        ("expirationDateTime", json!(after(Duration::from_secs(30 * 24 * 3_600)))),
        ("expirationDateTime", json!("2020-01-01T00:00:00Z")),
        ("expirationDateTime", Json::Null),
    ] {
        let answer = hub.post("/subscriptions", with(name, value.clone())).await;
        assert_eq!((answer.status, answer.code()), (400, "InvalidRequest"), "{name}: {value}");
    }
    for manner in [Manner::WrongToken, Manner::Html, Manner::Broken, Manner::Slow(Duration::from_secs(5))] {
        webhook.behave(manner);
        let answer = hub.post("/subscriptions", subscription_body(&webhook, "/users")).await;
        assert_eq!((answer.status, answer.code()), (400, "ValidationError"), "{manner:?}");
    }
    webhook.behave(Manner::Proper);
    for number in 0..101 {
        assert_eq!(hub.post("/subscriptions", subscription_body(&webhook, "groups")).await.status, if number < 100 { 201 } else { 403 });
    }
}

#[tokio::test]
async fn every_kind_of_change_is_notified_as_in_graph() {
    let world = world(QUICK).await;
    let (hub, webhook) = (world.graph("hub").await, Webhook::start().await);
    let users = subscribe(&hub, subscription_body(&webhook, "users")).await;
    let groups = subscribe(&hub, subscription_body(&webhook, "/groups")).await;
    let (ana, group) = (hub.create_user("ana").await, hub.group("team").await);
    let received = webhook.until(|received| received.len() == 2).await;
    let about = |received: &[Json], subscription: &str| received.iter().find(|one| one["subscriptionId"] == *subscription).unwrap().clone();
    let user = about(&received, &users);
    let tenant = world.sim.tenant("hub").unwrap().id().to_string();
    for (name, want) in [
        ("changeType", json!("updated")),
        ("clientState", json!("sesame")),
        ("resource", json!(format!("Users/{ana}"))),
        ("tenantId", json!(tenant)),
        ("resourceData", json!({"@odata.type": "#Microsoft.Graph.User", "@odata.id": format!("Users/{ana}"), "id": ana})),
    ] {
        assert_eq!(user[name], want, "{name}");
    }
    assert!(user["subscriptionExpirationDateTime"].is_string());
    assert_eq!(about(&received, &groups)["resource"], format!("Groups/{group}"));
    let (user, member, bin) = (format!("/users/{ana}"), format!("/groups/{group}/members/$ref"), format!("/directory/deletedItems/{ana}"));
    for (method, path, body, kind, want) in [
        (Method::PATCH, user.clone(), Some(json!({"city": "Rome"})), "Users", "updated"),
        (Method::POST, member, Some(link(&ana)), "Groups", "updated"),
        (Method::DELETE, user, None, "Users", "updated"),
        (Method::DELETE, bin, None, "Users", "deleted"),
        (Method::DELETE, format!("/groups/{group}"), None, "Groups", "deleted"),
    ] {
        let before = webhook.received().len();
        hub.send(method.clone(), &path, &[], body).await.ok();
        let received = webhook.until(|received| received.len() > before).await.remove(before);
        assert_eq!(received["changeType"], want, "{method} {path}");
        assert!(received["resource"].as_str().unwrap().starts_with(kind), "{method} {path}: {received}");
    }
}

#[tokio::test]
async fn only_subscribed_changes_are_notified_including_in_process_ones() {
    let world = world(QUICK).await;
    let (emea, hub, webhook) = (world.graph("emea").await, world.graph("hub").await, Webhook::start().await);
    let mut body = subscription_body(&webhook, "/users");
    body["changeType"] = json!("deleted");
    subscribe(&hub, body).await;
    subscribe(&emea, subscription_body(&webhook, "/users")).await;
    let (tenant, other) = (world.sim.tenant("emea").unwrap(), hub.create_user("other").await);
    hub.patch(&format!("/users/{other}"), json!({"city": "Rome"})).await.ok();
    let user = tenant.users()[0];
    tenant.patch_user(user, &json!({"city": "Rome"})).unwrap();
    let received = webhook.until(|received| !received.is_empty()).await;
    assert_eq!(received.len(), 1);
    assert_eq!(received[0]["resource"], format!("Users/{user}"));
}

#[tokio::test]
async fn simultaneous_changes_are_notified_together_and_once() {
    let world = world(Delivery { coalesce: Duration::from_millis(700), ..QUICK }).await;
    let (emea, webhook) = (world.graph("emea").await, Webhook::start().await);
    subscribe(&emea, subscription_body(&webhook, "/users")).await;
    let tenant = world.sim.tenant("emea").unwrap();
    for number in 0..5 {
        for user in tenant.users() {
            tenant.patch_user(user, &json!({"city": format!("c{number}")})).unwrap();
        }
    }
    let received = webhook.until(|received| received.len() >= 20).await;
    assert_eq!((received.len(), webhook.posts().len()), (20, 1));
}

#[tokio::test]
async fn failed_notifications_are_retried_and_slow_ones_are_lost_and_reported_missed() {
    let world = world(QUICK).await;
    let (emea, webhook, lifecycle) = (world.graph("emea").await, Webhook::start().await, Webhook::start().await);
    let mut body = subscription_body(&webhook, "/users");
    body["lifecycleNotificationUrl"] = json!(lifecycle.url);
    subscribe(&emea, body).await;
    let tenant = world.sim.tenant("emea").unwrap();
    let touch = |place: usize| tenant.patch_user(tenant.users()[place], &json!({"city": "Rome"})).unwrap();
    world.sim.set_delivery(Delivery { attempts_max: 50, ..QUICK });
    webhook.behave(Manner::Broken);
    touch(0);
    tokio::time::sleep(Duration::from_millis(50)).await;
    webhook.behave(Manner::Proper);
    webhook.until(|received| received.len() == 1).await;
    world.sim.set_delivery(QUICK);
    webhook.behave(Manner::Slow(Duration::from_secs(5)));
    touch(1);
    let missed = lifecycle.until(|received| !received.is_empty()).await;
    assert_eq!((&missed[0]["lifecycleEvent"], missed[0].get("changeType")), (&json!("missed"), None));
    webhook.behave(Manner::Proper);
    touch(2);
    let dropped = Instant::now();
    while dropped.elapsed() < Duration::from_millis(200) {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let late: Vec<Json> =
            webhook.received().into_iter().filter(|one| one["resource"] == format!("Users/{}", tenant.users()[2])).collect();
        assert_eq!(late, Vec::<Json>::new(), "a slow endpoint gets no notifications within the window");
    }
    assert_eq!(lifecycle.received().len(), 1, "missed is sent once until a notification is delivered");
}

#[tokio::test]
async fn a_subscription_must_be_authorized_again_and_ends_when_it_expires_or_is_removed() {
    let world = world(Delivery { reauthorize_within: Duration::ZERO, ..QUICK }).await;
    let (emea, webhook) = (world.graph("emea").await, Webhook::start().await);
    let id = subscribe(&emea, subscription_body(&webhook, "/users")).await;
    let tenant = world.sim.tenant("emea").unwrap();
    let event = |name: &'static str| move |received: &[Json]| received.iter().any(|one| one["lifecycleEvent"] == name);
    tenant.send_lifecycle_event(LifecycleEvent::ReauthorizationRequired);
    webhook.until(event("reauthorizationRequired")).await;
    let count = webhook.received().len();
    tenant.patch_user(tenant.users()[0], &json!({"city": "paused"})).unwrap();
    assert_eq!(emea.post(&format!("/subscriptions/{id}/reauthorize"), json!({})).await.status, 204);
    tenant.patch_user(tenant.users()[1], &json!({"city": "notified"})).unwrap();
    let received = webhook.until(|received| received.len() > count).await;
    assert_eq!(received[count]["resource"], format!("Users/{}", tenant.users()[1]), "changes in between are not notified");
    tenant.send_lifecycle_event(LifecycleEvent::SubscriptionRemoved);
    webhook.until(event("subscriptionRemoved")).await;
    assert_eq!(emea.get(&format!("/subscriptions/{id}")).await.status, 404);
    let mut short = subscription_body(&webhook, "/users");
    short["expirationDateTime"] = json!(after(Duration::from_secs(3)));
    let (id, count, started) = (subscribe(&emea, short).await, webhook.received().len(), Instant::now());
    webhook.until(|received| event("reauthorizationRequired")(&received[count..])).await;
    while emea.get(&format!("/subscriptions/{id}")).await.status != 404 {
        assert!(started.elapsed() < DEADLINE);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
