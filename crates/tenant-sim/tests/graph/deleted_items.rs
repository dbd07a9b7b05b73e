//! The recycle bin: a soft-deleted user can be restored unchanged until it is purged.

use serde_json::json;
use xtsync_tenant_sim::anchor_property;

use crate::world::{World, link, new_user};

#[tokio::test]
async fn a_soft_deleted_user_is_found_and_restored_with_their_groups() {
    let world = World::small().await;
    let hub = world.graph("hub").await;
    let (id, group) = (hub.create_user("ana").await, hub.group("team").await);
    hub.post(&format!("/groups/{group}/members/$ref"), link(&id)).await.ok();
    hub.patch(&format!("/users/{id}"), json!({anchor_property(): "home/ana"})).await.ok();
    assert_eq!(hub.delete(&format!("/users/{id}")).await.status, 204);
    assert_eq!(hub.get(&format!("/users/{id}")).await.status, 404);
    assert_eq!(hub.ids(&format!("/groups/{group}/members")).await, Vec::<String>::new());
    for filter in [
        "mail eq 'ana@hub.example'".to_owned(),
        "proxyAddresses/any(p:p eq 'smtp:ana@hub.example')".to_owned(),
        format!("{} eq 'home/ana'", anchor_property()),
        format!("id eq '{id}'"),
    ] {
        let path = format!("/directory/deletedItems/microsoft.graph.user?$filter={filter}");
        assert_eq!(hub.ids(&path).await, [&*id], "{filter}");
    }
    let deleted = hub.get(&format!("/directory/deletedItems/{id}")).await.ok();
    assert!(deleted["deletedDateTime"].is_string());
    assert_eq!(deleted["userPrincipalName"], format!("{}ana@hub.example", id.replace('-', "")), "the name is free again");
    assert_eq!(hub.post(&format!("/directory/deletedItems/{id}/restore"), json!({})).await.ok()["id"], *id);
    let back = hub.get(&format!("/users/{id}?$select=userPrincipalName,accountEnabled,deletedDateTime")).await.ok();
    assert_eq!((&back["userPrincipalName"], &back["accountEnabled"]), (&json!("ana@hub.example"), &json!(true)));
    assert!(back["deletedDateTime"].is_null());
    assert_eq!(hub.ids(&format!("/groups/{group}/members")).await, [id], "a restored user has their groups");
}

#[tokio::test]
async fn a_restore_is_refused_when_the_name_is_taken_or_the_user_is_purged() {
    let world = World::small().await;
    let hub = world.graph("hub").await;
    let id = hub.create_user("ana").await;
    hub.delete(&format!("/users/{id}")).await.ok();
    assert_eq!(hub.post("/users", new_user("ana", "hub.example")).await.status, 201);
    let restore = format!("/directory/deletedItems/{id}/restore");
    assert_eq!(hub.post(&restore, json!({})).await.status, 400);
    let path = format!("/directory/deletedItems/{id}");
    assert_eq!([hub.delete(&path).await.status, hub.delete(&path).await.status], [204, 404]);
    assert_eq!(hub.post(&restore, json!({})).await.status, 404);
    let verbs: Vec<_> = world.sim.journal().since(0).into_iter().map(|entry| json!(entry.verb)).collect();
    assert_eq!(verbs, [json!("create"), json!("delete"), json!("create"), json!("purge")]);
}
