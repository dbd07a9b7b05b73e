//! Delta queries: no change between pages, cycles and links is lost.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::world::{Graph, World, link, new_user, text};

/// Follows a cycle to its end. Returns all entries, the number of pages and the delta link.
async fn cycle(graph: &Graph, path: &str, prefer: &str) -> (Vec<Json>, usize, String) {
    let (mut changes, mut pages, mut path) = (Vec::new(), 0, path.to_owned());
    loop {
        let page = graph.send(Method::GET, &path, &[("Prefer", prefer)], None).await.ok();
        pages += 1;
        changes.extend(page["value"].as_array().unwrap().clone());
        if let Some(link) = page["@odata.deltaLink"].as_str() {
            return (changes, pages, link.to_owned());
        }
        path = text(&page["@odata.nextLink"]);
    }
}

#[tokio::test]
async fn the_initial_cycle_lists_all_users_and_the_next_none() {
    let world = World::small().await;
    let emea = world.graph("emea").await;
    let (changes, pages, link) = cycle(&emea, "/users/delta?$select=displayName,department", "odata.maxpagesize=50").await;
    let ids: BTreeSet<_> = changes.iter().map(|user| text(&user["id"])).collect();
    assert_eq!((ids.len(), pages), (120, 3));
    let (changes, pages, link) = cycle(&emea, &link, "").await;
    assert_eq!((changes.len(), pages), (0, 1));
    let all = world.sim.tenant("emea").unwrap();
    all.patch_user(all.users()[5], &json!({"department": "Legal"})).unwrap();
    let (changes, _, link) = cycle(&emea, &link, "").await;
    assert_eq!((changes.len(), &changes[0]["department"]), (1, &json!("Legal")));
    all.patch_user(all.users()[5], &json!({"city": "Nowhere"})).unwrap();
    let (changes, _, _) = cycle(&emea, &link, "").await;
    assert_eq!(changes, Vec::<Json>::new(), "unselected properties are not tracked");
}

#[tokio::test]
async fn values_are_new_old_null_or_absent_as_they_were_set_kept_cleared_or_never_set() {
    let world = World::small().await;
    let hub = world.graph("hub").await;
    let id = hub.create_user("ana").await;
    let path = "/users/delta?$select=displayName,department,jobTitle,city";
    let (first, _, link) = cycle(&hub, path, "").await;
    assert_eq!(first, [json!({"id": id, "displayName": "ana"})]);
    hub.patch(&format!("/users/{id}"), json!({"department": "Sales", "jobTitle": "Seller"})).await.ok();
    hub.patch(&format!("/users/{id}"), json!({"jobTitle": null})).await.ok();
    let (changes, _, _) = cycle(&hub, &link, "").await;
    assert_eq!(changes, [json!({"id": id, "displayName": "ana", "department": "Sales", "jobTitle": null})]);
    let (minimal, _, link) = cycle(&hub, &link, "return=minimal").await;
    assert_eq!(minimal, [json!({"id": id, "department": "Sales", "jobTitle": null})]);
    hub.patch(&format!("/users/{id}"), json!({"department": "Sales"})).await.ok();
    assert_eq!(cycle(&hub, &link, "").await.0, Vec::<Json>::new(), "setting an equal value is no change");
}

#[tokio::test]
async fn changes_between_pages_are_listed_at_the_latest_in_the_next_cycle() {
    let world = World::small().await;
    let hub = world.graph("hub").await;
    let mut ids = Vec::new();
    for number in 0..6 {
        ids.push(hub.create_user(&format!("p{number}")).await);
    }
    let first = hub.send(Method::GET, "/users/delta?$select=displayName", &[("Prefer", "odata.maxpagesize=2")], None).await.ok();
    hub.patch(&format!("/users/{}", ids[0]), json!({"displayName": "renamed after it was listed"})).await.ok();
    hub.patch(&format!("/users/{}", ids[3]), json!({"displayName": "renamed before it was listed"})).await.ok();
    hub.delete(&format!("/users/{}", ids[1])).await.ok();
    hub.delete(&format!("/users/{}", ids[5])).await.ok();
    let late = hub.create_user("late").await;
    let (rest, _, delta) = cycle(&hub, &text(&first["@odata.nextLink"]), "odata.maxpagesize=2").await;
    let (next, _, _) = cycle(&hub, &delta, "").await;
    let mut mirror: BTreeMap<String, String> = BTreeMap::new();
    for user in first["value"].as_array().unwrap().iter().chain(&rest).chain(&next) {
        match user.get("@removed") {
            Some(_) => mirror.remove(&text(&user["id"])),
            None => mirror.insert(text(&user["id"]), text(&user["displayName"])),
        };
    }
    let want = [
        (ids[0].clone(), "renamed after it was listed"),
        (ids[2].clone(), "p2"),
        (ids[3].clone(), "renamed before it was listed"),
        (ids[4].clone(), "p4"),
        (late, "late"),
    ];
    assert_eq!(mirror, want.map(|(id, name)| (id, name.to_owned())).into());
}

#[tokio::test]
async fn removals_state_whether_the_user_can_be_restored() {
    let world = World::small().await;
    let hub = world.graph("hub").await;
    let (ana, eva) = (hub.create_user("ana").await, hub.create_user("eva").await);
    let (_, _, link) = cycle(&hub, "/users/delta", "").await;
    hub.delete(&format!("/users/{ana}")).await.ok();
    hub.delete(&format!("/users/{eva}")).await.ok();
    hub.delete(&format!("/directory/deletedItems/{eva}")).await.ok();
    let (changes, _, link) = cycle(&hub, &link, "").await;
    assert_eq!(changes, [json!({"id": ana, "@removed": {"reason": "changed"}}), json!({"id": eva, "@removed": {"reason": "deleted"}})]);
    hub.post(&format!("/directory/deletedItems/{ana}/restore"), json!({})).await.ok();
    let (changes, _, _) = cycle(&hub, &link, "return=minimal").await;
    assert_eq!((&changes[0]["id"], &changes[0]["displayName"]), (&json!(ana), &json!("ana")), "a restored user has all properties");
    assert_eq!(cycle(&hub, "/users/delta", "").await.0.len(), 1, "an initial cycle does not list removed users");
}

#[tokio::test]
async fn the_manager_is_tracked_when_selected() {
    let world = World::small().await;
    let hub = world.graph("hub").await;
    let (ana, boss, chief) = (hub.create_user("ana").await, hub.create_user("boss").await, hub.create_user("chief").await);
    let manager = format!("/users/{ana}/manager/$ref");
    let reference = |id: &str| json!({"@odata.type": "#microsoft.graph.user", "id": id});
    let gone = |id: &str| json!({"@odata.type": "#microsoft.graph.user", "id": id, "@removed": {"reason": "deleted"}});
    let (_, _, start) = cycle(&hub, "/users/delta?$select=manager", "").await;
    hub.put(&manager, link(&boss)).await.ok();
    let (changes, _, set) = cycle(&hub, &start, "").await;
    assert_eq!(changes, [json!({"id": ana, "manager@delta": [reference(&boss)]})]);
    hub.put(&manager, link(&chief)).await.ok();
    let (changes, _, changed) = cycle(&hub, &set, "").await;
    assert_eq!(changes[0]["manager@delta"], json!([gone(&boss), reference(&chief)]));
    hub.delete(&format!("/users/{chief}")).await.ok();
    let (changes, _, _) = cycle(&hub, &changed, "").await;
    let of_ana = changes.iter().find(|user| user["id"] == *ana).unwrap();
    assert_eq!(of_ana["manager@delta"], json!([gone(&chief)]), "a deleted manager is removed");
    let (first, _, _) = cycle(&hub, "/users/delta?$select=displayName,manager", "").await;
    assert!(first.iter().all(|user| user.get("manager@delta").is_none()));
}

#[tokio::test]
async fn a_large_group_spreads_over_pages_under_one_id() {
    let world = World::start(xtsync_tenant_sim::Sim::builder().tenant("emea", 300).seed(7)).await;
    let emea = world.graph("emea").await;
    let (changes, pages, delta) = cycle(&emea, "/groups/delta?$select=displayName,members", "odata.maxpagesize=5").await;
    assert!(pages > 5);
    let mut members: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for group in &changes {
        assert!(group["displayName"].is_string(), "each repetition has the selected properties");
        let part = group["members@delta"].as_array().into_iter().flatten().map(|member| text(&member["id"]));
        members.entry(text(&group["id"])).or_default().extend(part);
    }
    let global = emea.ids("/groups?$filter=displayName eq 'GlobalEmployees'").await.remove(0);
    assert!(changes.iter().filter(|group| group["id"] == *global).count() > 5);
    for (group, members) in &members {
        assert_eq!(&emea.ids(&format!("/groups/{group}/members?$top=999")).await.into_iter().collect::<BTreeSet<_>>(), members);
    }
    let leaver = emea.ids(&format!("/groups/{global}/members/microsoft.graph.user?$top=1")).await.remove(0);
    emea.delete(&format!("/groups/{global}/members/{leaver}/$ref")).await.ok();
    let (changes, _, _) = cycle(&emea, &delta, "return=minimal").await;
    let left = json!({"@odata.type": "#microsoft.graph.user", "id": leaver, "@removed": {"reason": "deleted"}});
    assert_eq!(changes, [json!({"id": global, "members@delta": [left]})]);
}

#[tokio::test]
async fn group_deltas_list_joiners_leavers_renames_and_deletion() {
    let world = World::small().await;
    let hub = world.graph("hub").await;
    let (group, ana) = (hub.group("team").await, hub.create_user("ana").await);
    let path = format!("/groups/{group}");
    let (_, _, start) = cycle(&hub, "/groups/delta?$select=displayName,members", "").await;
    let (_, _, plain) = cycle(&hub, "/groups/delta?$select=displayName", "").await;
    hub.post(&format!("{path}/members/$ref"), link(&ana)).await.ok();
    assert_eq!(cycle(&hub, &plain, "").await.0, Vec::<Json>::new(), "members are tracked only when selected");
    let (changes, _, joined) = cycle(&hub, &start, "").await;
    assert_eq!(changes[0]["members@delta"], json!([{"@odata.type": "#microsoft.graph.user", "id": ana}]));
    hub.delete(&format!("/groups/{group}/members/{ana}/$ref")).await.ok();
    hub.patch(&path, json!({"displayName": "renamed"})).await.ok();
    let (changes, _, left) = cycle(&hub, &joined, "return=minimal").await;
    let gone = json!([{"@odata.type": "#microsoft.graph.user", "id": ana, "@removed": {"reason": "deleted"}}]);
    assert_eq!(changes, [json!({"id": group, "displayName": "renamed", "members@delta": gone})]);
    hub.delete(&path).await.ok();
    let (changes, _, _) = cycle(&hub, &left, "").await;
    assert_eq!(changes, [json!({"id": group, "@removed": {"reason": "deleted"}})]);
}

#[tokio::test]
async fn a_soft_deletion_and_a_restoration_change_no_group_and_a_permanent_deletion_does() {
    let world = World::small().await;
    let hub = world.graph("hub").await;
    let (group, ana) = (hub.group("team").await, hub.create_user("ana").await);
    hub.post(&format!("/groups/{group}/members/$ref"), link(&ana)).await.ok();
    let (_, _, start) = cycle(&hub, "/groups/delta?$select=displayName,members", "").await;
    let members = || async { hub.ids(&format!("/groups/{group}/members")).await };
    hub.delete(&format!("/users/{ana}")).await.ok();
    let (changes, _, soft_deleted) = cycle(&hub, &start, "").await;
    assert_eq!((changes, members().await), (vec![], vec![]));
    let (first, _, _) = cycle(&hub, "/groups/delta?$select=displayName,members", "").await;
    assert_eq!(first[0]["members@delta"][0]["id"], *ana, "a soft-deleted user keeps their memberships");
    hub.post(&format!("/directory/deletedItems/{ana}/restore"), json!({})).await.ok();
    let (changes, _, restored) = cycle(&hub, &soft_deleted, "").await;
    assert_eq!((changes, members().await), (vec![], vec![ana.clone()]));
    hub.delete(&format!("/users/{ana}")).await.ok();
    hub.delete(&format!("/directory/deletedItems/{ana}")).await.ok();
    let gone = json!([{"@odata.type": "#microsoft.graph.user", "id": ana, "@removed": {"reason": "deleted"}}]);
    let (changes, _, _) = cycle(&hub, &restored, "return=minimal").await;
    assert_eq!(changes, [json!({"id": group, "members@delta": gone})]);
}

#[tokio::test]
async fn tokens_expire_cannot_be_forged_and_can_start_at_the_latest() {
    let world = World::small().await;
    let (emea, hub) = (world.graph("emea").await, world.graph("hub").await);
    let (_, _, link) = cycle(&emea, "/users/delta", "").await;
    let forged = format!("{link}x");
    for (graph, path) in [(&emea, forged.as_str()), (&hub, &link), (&emea, &link.replace("/users/", "/groups/"))] {
        assert_eq!(graph.get(path).await.status, 410, "{path}");
    }
    let (latest, _, from_now) = cycle(&emea, "/users/delta?$deltatoken=latest&$select=displayName", "").await;
    assert_eq!(latest, Vec::<Json>::new());
    world.sim.tenant("emea").unwrap().create_user(&new_user("new", "emea.example")).unwrap();
    assert_eq!(cycle(&emea, &from_now, "").await.0[0]["displayName"], "new");
    world.sim.tenant("emea").unwrap().expire_delta();
    let answer = emea.get(&link).await;
    assert_eq!((answer.status, answer.code()), (410, "syncStateNotFound"));
    let restart = answer.headers["location"].to_str().unwrap();
    assert_eq!(cycle(&emea, restart, "").await.0.len(), 121, "the location starts an initial cycle");
}

#[tokio::test]
async fn a_cycle_can_be_filtered_by_ids_and_begin_with_an_empty_page() {
    let world = World::small().await;
    let emea = world.graph("emea").await;
    let ids = emea.ids("/users?$top=2").await;
    let (changes, _, _) = cycle(&emea, &format!("/users/delta?$filter=id eq '{}' or id eq '{}'", ids[0], ids[1]), "").await;
    assert_eq!(changes.len(), 2);
    for query in ["$filter=mail eq 'x'", "$top=5", "$expand=manager", "$orderby=mail", "$select=shoeSize"] {
        assert_eq!(emea.get(&format!("/users/delta?{query}")).await.status, 400, "{query}");
    }
    world.sim.tenant("emea").unwrap().start_delta_empty(true);
    let page = emea.get("/users/delta()").await.ok();
    assert_eq!(page["value"], json!([]));
    assert_eq!(cycle(&emea, &text(&page["@odata.nextLink"]), "").await.0.len(), 120);
}
