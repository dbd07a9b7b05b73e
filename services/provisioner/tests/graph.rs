//! A user's life through the Graph connector in a simulated tenant: what stands there afterwards, read as Graph shows it.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod fixture;

use std::time::Duration;

use fixture::graph::hub;
use fixture::{Fixture, not_wanted, wanted};
use serde_json::Value as Json;
use xtsync_tenant_sim::{Rule, Sim};

/// The one object of the tenant that the link owns, as Graph shows it.
async fn ana(sim: &Sim, fixture: &Fixture) -> Option<Json> {
    let id = fixture.links().await[0].link.shadow.id()?.as_str().parse().unwrap();
    sim.tenant("hub").unwrap().user(id)
}

#[tokio::test]
async fn a_life_in_a_graph_tenant() {
    let (sim, fixture, _secrets) = hub().await;
    fixture.decide("ana", wanted("ana", "Paris", true)).await;
    fixture.converge().await;
    let created = ana(&sim, &fixture).await.unwrap();
    assert_eq!((created["city"].as_str(), created["userType"].as_str()), (Some("Paris"), Some("Member")));
    assert_eq!(fixture.outcomes().await, ["create ana [city,displayName,userType]"]);

    fixture.decide("ana", wanted("ana", "Rome", false)).await;
    fixture.converge().await;
    let disabled = ana(&sim, &fixture).await.unwrap();
    assert_eq!((disabled["accountEnabled"].as_bool(), disabled["city"].as_str()), (Some(false), Some("Rome")));

    fixture.decide("ana", not_wanted()).await;
    fixture.converge().await;
    assert!(ana(&sim, &fixture).await.is_none_or(|ana| !ana["deletedDateTime"].is_null()), "the user is soft-deleted");

    fixture.decide("ana", wanted("ana", "Oslo", true)).await;
    fixture.converge().await;
    let restored = ana(&sim, &fixture).await.unwrap();
    assert_eq!((restored["id"].as_str(), restored["city"].as_str()), (created["id"].as_str(), Some("Oslo")));
    assert_eq!(restored["accountEnabled"].as_bool(), Some(true));
    assert_eq!(sim.tenant("hub").unwrap().messages_sent(), 0);
    let journal = sim.journal_len("hub");
    fixture.decide("ana", wanted("ana", "Oslo", true)).await;
    fixture.converge().await;
    assert_eq!(sim.journal_len("hub"), journal, "what is so already is not written again");
}

#[tokio::test]
async fn a_server_error_in_any_write_leaves_one_user_as_desired() {
    for (method, path) in [("POST", "/invitations"), ("PATCH", "/users/*")] {
        let (sim, fixture, _secrets) = hub().await;
        sim.script().install(Rule::on(method, path).times(1).fail(500)).unwrap();
        fixture.decide("ana", wanted("ana", "Paris", true)).await;
        fixture.advance_and_converge(Duration::from_secs(120)).await;
        assert_eq!(ana(&sim, &fixture).await.unwrap()["city"].as_str(), Some("Paris"), "{method} {path}");
        assert_eq!(sim.tenant("hub").unwrap().user_count(), 1, "{method} {path}");
    }
}
