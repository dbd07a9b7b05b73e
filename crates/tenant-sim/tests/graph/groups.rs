//! Groups and their members.

use serde_json::json;

use crate::world::{World, link};

#[tokio::test]
async fn a_group_is_created_found_by_name_changed_and_deleted() {
    let world = World::small().await;
    let (emea, hub) = (world.graph("emea").await, world.graph("hub").await);
    assert_eq!(emea.ids("/groups?$filter=displayName eq 'globalemployees'&$select=id").await.len(), 1);
    assert!(emea.ids("/groups?$filter=startswith(displayName,'Team-')").await.len() > 3);
    assert_eq!(hub.ids("/groups").await, Vec::<String>::new());
    assert_eq!(hub.post("/groups", json!({"displayName": "x"})).await.status, 400);
    let path = format!("/groups/{}", hub.group("Sales").await);
    assert_eq!(hub.patch(&path, json!({"displayName": "Legal"})).await.status, 204);
    let group = hub.get(&path).await.ok();
    assert_eq!((&group["displayName"], &group["securityEnabled"]), (&json!("Legal"), &json!(true)));
    assert_eq!(hub.delete(&path).await.status, 204);
    assert_eq!(hub.get(&path).await.code(), "Request_ResourceNotFound");
}

#[tokio::test]
async fn members_are_users_and_groups_and_cycles_terminate() {
    let world = World::small().await;
    let hub = world.graph("hub").await;
    let (outer, inner) = (hub.group("outer").await, hub.group("inner").await);
    let (ana, eva) = (hub.create_user("ana").await, hub.create_user("eva").await);
    for (group, member, status) in [
        (&outer, &inner, 204),
        (&inner, &outer, 204),
        (&outer, &ana, 204),
        (&inner, &eva, 204),
        (&outer, &outer, 400),
        (&outer, &ana, 400),
        (&outer, &"00000000-0000-0000-0000-000000000000".to_owned(), 404),
    ] {
        let answer = hub.post(&format!("/groups/{group}/members/$ref"), link(member)).await;
        assert_eq!(answer.status, status, "{}", answer.message());
    }
    let sorted = |mut ids: Vec<String>| {
        ids.sort();
        ids
    };
    let all = [&ana, &eva, &inner, &outer].map(String::clone).to_vec();
    for (path, want) in [
        (format!("/groups/{outer}/members"), vec![ana.clone(), inner.clone()]),
        (format!("/groups/{outer}/members?$top=1"), vec![ana.clone(), inner.clone()]),
        (format!("/groups/{outer}/members/microsoft.graph.user"), vec![ana.clone()]),
        (format!("/groups/{outer}/members/microsoft.graph.group"), vec![inner.clone()]),
        (format!("/groups/{outer}/transitiveMembers?$top=3"), all),
        (format!("/groups/{outer}/transitiveMembers/microsoft.graph.user"), vec![ana.clone(), eva.clone()]),
        (format!("/users/{eva}/memberOf"), vec![inner.clone()]),
        (format!("/users/{eva}/transitiveMemberOf"), vec![inner.clone(), outer.clone()]),
    ] {
        assert_eq!(sorted(hub.ids(&path).await), sorted(want), "{path}");
    }
    let named = hub.get(&format!("/users/{eva}/memberOf?$select=displayName,securityEnabled")).await.ok();
    let want = json!({"@odata.type": "#microsoft.graph.group", "displayName": "inner", "securityEnabled": true});
    assert_eq!(named["value"], json!([want]));
    let groups = hub.post(&format!("/users/{eva}/getMemberGroups"), json!({"securityEnabledOnly": false})).await.ok();
    assert_eq!(groups["value"].as_array().unwrap().len(), 2);
    let path = format!("/groups/{outer}/members/{ana}/$ref");
    assert_eq!([hub.delete(&path).await.status, hub.delete(&path).await.status], [204, 404]);
}

#[tokio::test]
async fn up_to_twenty_members_are_bound_by_one_patch() {
    let world = World::small().await;
    let emea = world.graph("emea").await;
    let group = emea.group("bound").await;
    let people = emea.ids("/users?$select=id").await;
    let bind = |people: &[String]| json!({"members@odata.bind": people.iter().map(|id| link(id)["@odata.id"].clone()).collect::<Vec<_>>()});
    let path = format!("/groups/{group}");
    assert_eq!(emea.patch(&path, bind(&people[..21])).await.status, 400);
    assert_eq!(emea.patch(&path, bind(&people[..20])).await.status, 204);
    assert_eq!(emea.patch(&path, bind(&people[19..22])).await.status, 400, "none is added if one is already a member");
    assert_eq!(emea.ids(&format!("{path}/members")).await.len(), 20);
}
