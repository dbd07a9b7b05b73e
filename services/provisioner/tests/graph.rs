//! A person's life through the Graph connector in a simulated tenant: what stands there afterwards, read as Graph shows it.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod bed;

use std::sync::Arc;
use std::time::Duration;

use bed::{Bed, gone, present};
use serde_json::Value as Json;
use tokio::net::TcpListener;
use xtsync_connector_graph::{Client, Graph};
use xtsync_connector_graph::{Options, Writer};
use xtsync_domain::TenantName;
use xtsync_domain::resource::SecretRef;
use xtsync_harness::Dir;
use xtsync_secrets::SecretsDir;
use xtsync_tenant_sim::{Rule, Sim};

/// The simulator, and a bed that writes its tenant `hub`.
async fn hub() -> (Sim, Bed, Dir) {
    let sim = Sim::builder().tenant("emea", 0).tenant("hub", 0).seed(7).allow("emea", "hub").build().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: url::Url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let serving = sim.clone();
    tokio::spawn(async move { serving.serve(listener, std::future::pending()).await });
    let secrets = Dir::new().unwrap();
    std::fs::create_dir(secrets.join("hub")).unwrap();
    std::fs::write(secrets.join("hub/secret"), "secret").unwrap();
    let client = || Client { client_id: "app".to_owned(), client_secret: SecretRef { file: "secret".into() } };
    let (reader, writer) = (client(), Some(client()));
    let graph = Graph { domain: "hub".into(), endpoint: url.clone(), authority: url, reader, writer, notifications: None };
    let options = Options { secrets: SecretsDir::new(secrets.path()).of(&TenantName::new("hub").unwrap()), ..Options::default() };
    let writer = Writer::new(&graph, options).unwrap();
    let bed = Bed::through(Arc::new(writer)).await;
    (sim, bed, secrets)
}

/// The one object of the tenant that the link owns, as Graph shows it.
async fn ana(sim: &Sim, bed: &Bed) -> Option<Json> {
    let id = bed.links().await[0].link.shadow.id()?.as_str().parse().unwrap();
    sim.tenant("hub").unwrap().user(id)
}

#[tokio::test]
async fn a_life_in_a_graph_tenant() {
    let (sim, bed, _secrets) = hub().await;
    bed.decide("ana", present("ana", "Paris", true)).await;
    bed.settle().await;
    let created = ana(&sim, &bed).await.unwrap();
    assert_eq!((created["city"].as_str(), created["userType"].as_str()), (Some("Paris"), Some("Member")));
    assert_eq!(bed.outcomes().await, ["create ana [city,displayName,userType]"]);

    bed.decide("ana", present("ana", "Rome", false)).await;
    bed.settle().await;
    let disabled = ana(&sim, &bed).await.unwrap();
    assert_eq!((disabled["accountEnabled"].as_bool(), disabled["city"].as_str()), (Some(false), Some("Rome")));

    bed.decide("ana", gone()).await;
    bed.settle().await;
    assert!(ana(&sim, &bed).await.is_none_or(|ana| !ana["deletedDateTime"].is_null()), "she is in the bin");

    bed.decide("ana", present("ana", "Oslo", true)).await;
    bed.settle().await;
    let restored = ana(&sim, &bed).await.unwrap();
    assert_eq!((restored["id"].as_str(), restored["city"].as_str()), (created["id"].as_str(), Some("Oslo")));
    assert_eq!(restored["accountEnabled"].as_bool(), Some(true));
    assert_eq!(sim.tenant("hub").unwrap().messages_sent(), 0);
    let journal = sim.journal_len("hub");
    bed.decide("ana", present("ana", "Oslo", true)).await;
    bed.settle().await;
    assert_eq!(sim.journal_len("hub"), journal, "what is so already is not written again");
}

#[tokio::test]
async fn a_server_error_in_any_write_leaves_one_person_as_desired() {
    for (method, path) in [("POST", "/invitations"), ("PATCH", "/users/*")] {
        let (sim, bed, _secrets) = hub().await;
        sim.script().install(Rule::on(method, path).times(1).fail(500)).unwrap();
        bed.decide("ana", present("ana", "Paris", true)).await;
        bed.outlast(Duration::from_secs(120)).await;
        assert_eq!(ana(&sim, &bed).await.unwrap()["city"].as_str(), Some("Paris"), "{method} {path}");
        assert_eq!(sim.tenant("hub").unwrap().user_count(), 1, "{method} {path}");
    }
}
