//! The answers to an invitation that pitfalls R4 lists, by seed.

use std::time::Instant;

use serde_json::{Value as Json, json};
use xtsync_tenant_sim::{FaultProfile, InjectedFault, InvitationFaults, Span};

use crate::faults::DEADLINE;
use crate::world::{World, text};

fn invitation(address: &str) -> Json {
    json!({"invitedUserEmailAddress": address, "inviteRedirectUrl": "https://portal.example"})
}

fn always(invitations: InvitationFaults) -> FaultProfile {
    FaultProfile { seed: 7, invitations, ..FaultProfile::default() }
}

#[tokio::test]
async fn an_invitation_of_an_unknown_address_gets_the_fault_of_the_profile() {
    let none = InvitationFaults::default;
    for (what, profile, status, users, soft_deleted, journal) in [
        ("nothing", none(), 201, 1, 0, 1),
        ("a vanishing guest", InvitationFaults { vanishes: 1.0, ..none() }, 201, 0, 0, 0),
        ("a foreign guest", InvitationFaults { meets_guest: 1.0, ..none() }, 201, 1, 0, 1),
        ("a blocked guest", InvitationFaults { meets_blocked: 1.0, ..none() }, 400, 1, 0, 0),
        ("an internal user", InvitationFaults { meets_internal: 1.0, ..none() }, 400, 1, 0, 0),
        ("a soft-deleted internal user", InvitationFaults { meets_soft_deleted: 1.0, ..none() }, 400, 0, 1, 0),
        ("a contact", InvitationFaults { meets_contact: 1.0, ..none() }, 201, 1, 0, 1),
    ] {
        let world = World::small().await;
        let hub = world.graph("hub").await;
        world.sim.set_fault_profile(always(profile));
        let answer = hub.post("/invitations", invitation("ana@emea.example")).await;
        let tenant = world.sim.tenant("hub").unwrap();
        let state = (answer.status, tenant.user_count(), tenant.deleted_users().len(), tenant.journal_len());
        assert_eq!(state, (status, users, soft_deleted, journal), "{what}");
        if status == 400 {
            assert!(answer.message().contains("already exists in the directory as object ID"), "{what}");
            assert_eq!(hub.post("/invitations", invitation("ana@emea.example")).await.status, 400, "{what} stays");
        } else {
            assert_eq!(hub.get(&format!("/users/{}", text(&answer.body["invitedUser"]["id"]))).await.status == 200, users == 1, "{what}");
        }
        let by_mail = hub.ids("/users?$filter=mail eq 'ana@emea.example'").await.len();
        assert_eq!(by_mail, usize::from(["nothing", "a foreign guest", "a blocked guest"].contains(&what)), "{what}");
        assert_eq!(world.sim.injected_faults().values().sum::<u64>(), u64::from(what != "nothing"), "{what}");
    }
}

#[tokio::test]
async fn a_late_guest_is_readable_and_in_the_delta_before_it_is_writable() {
    let world = World::small().await;
    let hub = world.graph("hub").await;
    let delta = text(&hub.get("/users/delta?$deltatoken=latest").await.ok()["@odata.deltaLink"]);
    world.sim.set_fault_profile(always(InvitationFaults { late: 1.0, late_for: Span::milliseconds(1_000, 1_000), ..Default::default() }));
    let started = Instant::now();
    let id = text(&hub.post("/invitations", invitation("ana@emea.example")).await.ok()["invitedUser"]["id"]);
    let path = format!("/users/{id}");
    assert_eq!(hub.get(&delta).await.ok()["value"][0]["id"], *id);
    assert_eq!(hub.get(&path).await.status, 200);
    let refused = hub.patch(&path, json!({"userType": "Member"})).await;
    assert_eq!((refused.status, refused.code()), (404, "Directory_ObjectNotFound"));
    while hub.patch(&path, json!({"userType": "Member"})).await.status != 204 {
        assert!(started.elapsed() < DEADLINE);
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(world.sim.injected_faults()[&InjectedFault::GuestLate], 1);
}

#[tokio::test]
async fn the_same_seed_gives_the_same_encounters_in_the_same_order() {
    let mixed = InvitationFaults {
        vanishes: 0.1,
        late: 0.1,
        meets_guest: 0.1,
        meets_blocked: 0.1,
        meets_internal: 0.1,
        meets_soft_deleted: 0.1,
        meets_contact: 0.1,
        ..Default::default()
    };
    let mut seen = Vec::new();
    for _ in 0..2 {
        let world = World::small().await;
        let hub = world.graph("hub").await;
        world.sim.set_fault_profile(always(mixed.clone()));
        let mut statuses = Vec::new();
        for number in 0..40 {
            statuses.push(hub.post("/invitations", invitation(&format!("p{number}@emea.example"))).await.status);
        }
        seen.push((statuses, world.sim.injected_faults(), world.sim.tenant("hub").unwrap().user_count()));
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0].1.len(), 3, "some vanish, some are late, some addresses are taken");
}
