//! Privileged users: sensitive changes need full access.

use reqwest::Method;
use serde_json::{Value as Json, json};
use xtsync_tenant_sim::{Access, Sim};

use crate::world::{World, link};

#[tokio::test]
async fn sensitive_changes_of_role_holders_and_role_assignable_group_members_are_refused() {
    for by_group in [false, true] {
        let world = World::start(Sim::builder().tenant("hub", 0).client("writer", "w", Access::WriteUsers).seed(7)).await;
        let (all, writer) = (world.graph("hub").await, world.graph_as("hub", "writer", "w").await);
        let id = all.create_user("ana").await;
        if by_group {
            let group = json!({"displayName": "admins", "mailEnabled": false, "mailNickname": "admins", "securityEnabled": true, "isAssignableToRole": true});
            let group = all.post("/groups", group).await.ok()["id"].as_str().unwrap().to_owned();
            all.post(&format!("/groups/{group}/members/$ref"), link(&id)).await.ok();
        } else {
            let body = json!({"tenant": "hub", "user": id, "privileged": true});
            assert_eq!(world.admin(Method::POST, "privileged", body).await.status, 200);
        }
        let (user, bin) = (format!("/users/{id}"), format!("/directory/deletedItems/{id}"));
        let restore = format!("{bin}/restore");
        let off = json!({"accountEnabled": false});
        for (method, path, body, refused, done) in [
            (Method::PATCH, user.clone(), json!({"department": "Legal"}), 204, 204),
            (Method::POST, format!("{user}/revokeSignInSessions"), Json::Null, 200, 200),
            (Method::PATCH, user.clone(), json!({"OtherMails": ["x@y.example"]}), 403, 204),
            (Method::PATCH, user.clone(), off, 403, 204),
            (Method::DELETE, user.clone(), Json::Null, 403, 204),
            (Method::POST, restore, Json::Null, 403, 200),
            (Method::DELETE, user, Json::Null, 403, 204),
            (Method::DELETE, bin, Json::Null, 403, 204),
        ] {
            let body = Some(body).filter(|body| !body.is_null());
            let answer = writer.send(method.clone(), &path, &[], body.clone()).await;
            assert_eq!(answer.status, refused, "{method} {path} by group: {by_group}");
            assert_eq!(answer.code(), if refused == 403 { "Authorization_RequestDenied" } else { "" });
            assert_eq!(all.send(method.clone(), &path, &[], body).await.status, done, "{method} {path} with every right");
        }
    }
}

#[tokio::test]
async fn without_the_role_sensitive_changes_are_allowed() {
    let world = World::start(Sim::builder().tenant("hub", 0).client("writer", "w", Access::WriteUsers).seed(7)).await;
    let writer = world.graph_as("hub", "writer", "w").await;
    let (tenant, id) = (world.sim.tenant("hub").unwrap(), writer.create_user("ana").await);
    let off = json!({"accountEnabled": false});
    tenant.set_privileged(id.parse().unwrap(), true);
    assert_eq!(writer.patch(&format!("/users/{id}"), off.clone()).await.status, 403);
    tenant.set_privileged(id.parse().unwrap(), false);
    assert_eq!(writer.patch(&format!("/users/{id}"), off).await.status, 204);
}
