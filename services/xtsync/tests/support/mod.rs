//! Simulated tenants, their configuration, and waits on the state that control reports.

#![allow(dead_code, clippy::unwrap_used, reason = "tests: each binary uses a part, and a failure may panic")]

use std::path::Path;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};
use xtsync::client::Client;
use xtsync_contract::control::{ApplyRequest, Document, FleetStatus, GetStatusRequest};
use xtsync_tenant_sim::Sim;

/// The longest wait of a test.
const LIMIT: Duration = Duration::from_secs(60);

/// Serves a source of so many users and an empty target that allows it, whose secrets are below `dir`; returns the configuration that synchronizes them.
pub(crate) async fn tenants(users: usize, dir: &Path) -> (Sim, String) {
    // As the binary does first.
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let sim = Sim::builder().tenant("emea", users).tenant("hub", 0).allow("emea", "hub").build().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let serving = sim.clone();
    tokio::spawn(async move { serving.serve(listener, std::future::pending()).await.unwrap() });
    for tenant in ["emea", "hub"] {
        std::fs::create_dir_all(dir.join("secrets").join(tenant)).unwrap();
        std::fs::write(dir.join("secrets").join(tenant).join("secret"), "secret").unwrap();
    }
    let client = "{clientId: app, clientSecret: {file: secret}}";
    (sim, include_str!("tenants.yaml").replace("ADDRESS", &address).replace("CLIENT", client))
}

/// Waits until a condition holds.
pub(crate) async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !is_so().await {
        assert!(Instant::now() < deadline, "not in time: {what}");
        sleep(Duration::from_millis(50)).await;
    }
}

/// Applies one file; control may still be starting.
pub(crate) async fn apply(client: &Client, yaml: &str) {
    let documents = vec![Document { name: "tenants.yaml".into(), yaml: yaml.into() }];
    let request = ApplyRequest { documents, actor: "test".into(), refresh_names: false };
    until("applied", async || client.clone().apply(request.clone()).await.is_ok()).await;
}

/// Waits until everything is converged, and returns the status.
pub(crate) async fn converged(client: &Client) -> FleetStatus {
    until("converged", async || status(client).await.converged).await;
    status(client).await
}

pub(crate) async fn status(client: &Client) -> FleetStatus {
    let answer = client.clone().get_status(GetStatusRequest {}).await;
    answer.map(|answer| answer.into_inner().status.unwrap()).unwrap_or_default()
}
