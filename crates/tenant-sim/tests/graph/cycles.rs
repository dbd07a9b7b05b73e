//! Delta queries with injected faults: reordered pages, repeated objects, pages and changes, and lost changes.

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use reqwest::Method;
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;
use xtsync_tenant_sim::{DeltaFaults, FaultProfile, InjectedFault, Sim, TenantHandle};

use crate::world::{Graph, World, new_user, text};

const USERS: &str = "/users/delta?$select=displayName,department,jobTitle";
const GROUPS: &str = "/groups/delta?$select=displayName,members";
const ROUGH: DeltaFaults = DeltaFaults { reorders: 0.6, repeats: 0.4, empty: 0.3, loses: 0.0 };

/// The properties of users by id.
type Users = BTreeMap<String, Map<String, Json>>;
/// The memberships: (group, member).
type Edges = BTreeSet<(String, String)>;

/// A client's copy, in which the last entry of each object and property wins.
#[derive(Default)]
struct Mirror {
    users: Users,
    members: Edges,
}

impl Mirror {
    fn apply_user(&mut self, object: &Json) {
        let id = text(&object["id"]);
        if object.get("@removed").is_some() {
            self.users.remove(&id);
        } else {
            self.users.entry(id).or_default().extend(object.as_object().unwrap().clone());
        }
    }

    fn apply_group(&mut self, object: &Json) {
        let id = text(&object["id"]);
        if object.get("@removed").is_some() {
            self.members.retain(|(group, _)| *group != id);
        }
        for member in object["members@delta"].as_array().into_iter().flatten() {
            let edge = (id.clone(), text(&member["id"]));
            if member.get("@removed").is_some() {
                self.members.remove(&edge);
            } else {
                self.members.insert(edge);
            }
        }
    }
}

/// Follows a cycle, calls `apply` for every object and `between` after every page, and returns the delta link.
async fn follow(graph: &Graph, path: &str, prefer: &str, mut apply: impl FnMut(&Json), mut between: impl FnMut()) -> String {
    let mut path = path.to_owned();
    for _ in 0..500 {
        let page = graph.send(Method::GET, &path, &[("Prefer", prefer)], None).await.ok();
        page["value"].as_array().unwrap().iter().for_each(&mut apply);
        between();
        match page["@odata.deltaLink"].as_str() {
            Some(link) => return link.to_owned(),
            None => path = text(&page["@odata.nextLink"]),
        }
    }
    panic!("the cycle does not end");
}

/// Makes one random change.
fn change(tenant: &TenantHandle, rng: &mut StdRng) {
    let (users, bin) = (tenant.users(), tenant.deleted_users());
    let group = tenant.groups("GlobalEmployees")[0];
    let user = *users.choose(rng).unwrap();
    let word = format!("w{}", rng.random_range(0..1_000));
    let outcome = match rng.random_range(0..8) {
        0 => tenant.create_user(&new_user(&word, tenant.domain())).map(drop),
        1 => tenant.delete_user(user),
        2 => bin.choose(rng).map_or(Ok(()), |id| tenant.restore_user(*id)),
        3 => tenant.remove_member(group, user),
        4 => tenant.add_member(group, user),
        5 => tenant.patch_user(user, &json!({"department": null})),
        _ => tenant.patch_user(user, &json!({"displayName": word, "jobTitle": word})),
    };
    // A change that is impossible now is skipped.
    drop(outcome);
}

fn truth(tenant: &TenantHandle) -> (Users, Edges) {
    let named = ["id", "displayName", "department", "jobTitle"];
    let of = |id: &Uuid| {
        let user = tenant.user(*id).unwrap();
        named.iter().filter_map(|name| Some(((*name).to_owned(), user.get(*name)?.clone()))).collect()
    };
    let users = tenant.users().iter().map(|id| (id.to_string(), of(id))).collect();
    let teams = ["GlobalEmployees", "Team-Dublin", "Team-Paris"].iter().flat_map(|name| tenant.groups(name));
    let edges = teams.flat_map(|group| tenant.members(group).into_iter().map(move |id| (group.to_string(), id.to_string())));
    (users, edges.collect())
}

#[tokio::test]
async fn the_last_entry_of_each_object_is_the_newest_in_any_order() {
    let mut injected = BTreeSet::new();
    for seed in 0..12 {
        let profile = FaultProfile { seed, delta: ROUGH, ..FaultProfile::default() };
        let world = World::start(Sim::builder().tenant("emea", 90).seed(seed).fault_profile(profile)).await;
        let (emea, tenant) = (world.graph("emea").await, world.sim.tenant("emea").unwrap());
        let mut rng = StdRng::seed_from_u64(seed);
        let (mut mirror, mut users, mut groups) = (Mirror::default(), USERS.to_owned(), GROUPS.to_owned());
        let prefer = if seed % 2 == 0 { "odata.maxpagesize=7" } else { "odata.maxpagesize=7,return=minimal" };
        // The last cycles run without changes, so that every change has been listed.
        for number in 0..8 {
            let mut between = || {
                (0..3).for_each(|_| {
                    if number < 5 {
                        change(&tenant, &mut rng)
                    }
                })
            };
            users = follow(&emea, &users, prefer, |object| mirror.apply_user(object), &mut between).await;
            groups = follow(&emea, &groups, prefer, |object| mirror.apply_group(object), &mut between).await;
        }
        let (want, edges) = truth(&tenant);
        let known: BTreeMap<_, _> = mirror.users.into_iter().map(|(id, fields)| (id, shown(fields))).collect();
        assert_eq!(known, want, "users by seed {seed}");
        let teams: BTreeSet<&String> = edges.iter().map(|(group, _)| group).collect();
        let soft_deleted: BTreeSet<String> = tenant.deleted_users().iter().map(Uuid::to_string).collect();
        let listed = |(group, member): &&(String, String)| teams.contains(group) && !soft_deleted.contains(member);
        let mirrored: BTreeSet<_> = mirror.members.iter().filter(listed).cloned().collect();
        assert_eq!(mirrored, edges, "members by seed {seed}");
        injected.extend(world.sim.injected_faults().into_keys());
    }
    let want = [
        InjectedFault::CycleReordered,
        InjectedFault::CycleReplayed,
        InjectedFault::ObjectRepeated,
        InjectedFault::PageRepeated,
        InjectedFault::PageEmpty,
    ];
    assert_eq!(injected, want.into());
}

/// The fields without annotations. Deltas omit properties that were never set, as `truth` does.
fn shown(fields: Map<String, Json>) -> Map<String, Json> {
    fields.into_iter().filter(|(name, _)| !name.contains('@')).collect()
}

#[tokio::test]
async fn a_repeated_object_is_listed_with_old_values_and_then_with_new_ones() {
    let world = World::start(Sim::builder().tenant("emea", 40).seed(7)).await;
    let (emea, tenant) = (world.graph("emea").await, world.sim.tenant("emea").unwrap());
    let mut link = follow(&emea, USERS, "", |_| {}, || {}).await;
    world.sim.set_fault_profile(FaultProfile {
        seed: 7,
        delta: DeltaFaults { repeats: 0.5, ..DeltaFaults::default() },
        ..FaultProfile::default()
    });
    let mut seen = BTreeSet::new();
    for (number, id) in tenant.users().into_iter().enumerate() {
        tenant.patch_user(id, &json!({"department": format!("new{number}")})).unwrap();
        let mut changes = Vec::new();
        link = follow(&emea, &link, "", |object| changes.push((object["id"].clone(), object["department"].clone())), || {}).await;
        changes.retain(|(changes, _)| *changes == id.to_string());
        assert_eq!(changes.last().unwrap().1, format!("new{number}"), "{changes:?}");
        seen.insert(changes.iter().map(|(_, department)| *department == format!("new{number}")).collect::<Vec<bool>>());
    }
    assert!(seen.contains(&vec![true]) && seen.contains(&vec![false, true]), "{seen:?}");
}

#[tokio::test]
async fn a_lost_change_is_listed_only_by_a_full_cycle() {
    let world = World::start(Sim::builder().tenant("emea", 20).seed(7)).await;
    let (emea, tenant) = (world.graph("emea").await, world.sim.tenant("emea").unwrap());
    let (ana, eva, bob) = (tenant.users()[3], tenant.users()[4], tenant.users()[5]);
    let mut link = follow(&emea, USERS, "", |_| {}, || {}).await;
    let body = json!({"tenant": "emea", "count": 2});
    assert_eq!(world.admin(Method::POST, "lose-changes", body).await.status, 200);
    tenant.patch_user(ana, &json!({"department": "lost"})).unwrap();
    tenant.patch_user(eva, &json!({"department": "lost"})).unwrap();
    tenant.patch_user(bob, &json!({"department": "listed"})).unwrap();
    let mut changes = BTreeSet::new();
    for _ in 0..2 {
        link = follow(&emea, &link, "", |object| changes.extend([text(&object["id"])]), || {}).await;
    }
    assert_eq!(changes, BTreeSet::from([bob.to_string()]));
    tenant.patch_user(eva, &json!({"jobTitle": "Seller"})).unwrap();
    follow(&emea, &link, "", |object| changes.extend([text(&object["id"])]), || {}).await;
    assert!(changes.contains(&eva.to_string()), "the change is lost only until the object changes again");
    let mut full = BTreeMap::new();
    follow(&emea, USERS, "", |object| full.extend([(text(&object["id"]), object["department"].clone())]), || {}).await;
    assert_eq!((&full[&ana.to_string()], full.len()), (&json!("lost"), 20));
    assert_eq!(emea.get(&format!("/users/{ana}?$select=department")).await.ok()["department"], "lost");
}

#[tokio::test]
async fn the_fault_profile_loses_a_share_of_the_changes() {
    let world = World::start(Sim::builder().tenant("emea", 60).seed(7)).await;
    let (emea, tenant) = (world.graph("emea").await, world.sim.tenant("emea").unwrap());
    let link = follow(&emea, USERS, "", |_| {}, || {}).await;
    world.sim.set_fault_profile(FaultProfile {
        seed: 7,
        delta: DeltaFaults { loses: 0.3, ..DeltaFaults::default() },
        ..FaultProfile::default()
    });
    for id in tenant.users() {
        tenant.patch_user(id, &json!({"department": "new"})).unwrap();
    }
    let mut changes = 0;
    follow(&emea, &link, "", |_| changes += 1, || {}).await;
    let lost = world.sim.injected_faults()[&InjectedFault::ChangeLost];
    assert_eq!(changes + lost, 60);
    assert!((5..40).contains(&lost), "{lost} of 60");
}
