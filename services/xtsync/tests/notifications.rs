//! Sources that send change notifications, to all roles in this process.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod support;

use std::time::Duration;

use serde_json::json;
use support::{apply, converged, tenants, until};
use xtsync::run::{Options, Running, start};
use xtsync_harness::Dir;
use xtsync_tenant_sim::{Delivery, LifecycleEvent, Sim, TenantHandle};

const DRAIN: Duration = Duration::from_secs(30);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How often the source is polled, and read from the beginning.
fn every(poll: Duration, full_cycle: Duration) -> impl FnOnce(Options) -> Options {
    move |options| Options { poll, full_cycle, ..options }
}

/// A small source that sends change notifications, synchronized and converged.
async fn start_notified(dir: &Dir, options: impl FnOnce(Options) -> Options, delivery: Delivery) -> (Sim, Running) {
    let (sim, yaml) = tenants(5, dir.path()).await;
    sim.set_delivery(delivery);
    let here = "127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap();
    let running =
        start(Options { notify: Some(here.into()), secrets_dir: dir.join("secrets"), ..options(Options::embedded(&dir.join("data"))) })
            .await
            .unwrap();
    let url = format!("notifications: {{url: 'http://{}'}}, reader", running.notify.unwrap());
    let client = running.client().await.unwrap();
    apply(&client, &yaml.replacen("reader", &url, 1)).await;
    until("there is a first one", async || sim.tenant("hub").unwrap().user_count() > 0).await;
    converged(&client).await;
    (sim, running)
}

/// Waits until a change of a user is in the target.
async fn propagates(sim: &Sim, department: &str) {
    let (emea, hub): (TenantHandle, TenantHandle) = (sim.tenant("emea").unwrap(), sim.tenant("hub").unwrap());
    let members = emea.members(emea.groups("GlobalEmployees")[0]);
    emea.patch_user(members[0], &json!({"department": department})).unwrap();
    until(department, async || !hub.find_users("department", department).is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notified_change_propagates_at_once_though_the_source_is_polled_hourly() {
    let dir = Dir::new().unwrap();
    let (sim, running) = start_notified(&dir, every(Duration::from_secs(3_600), DAY), Delivery::default()).await;
    propagates(&sim, "Legal").await;
    propagates(&sim, "Sales").await;
    sim.tenant("emea").unwrap().send_lifecycle_event(LifecycleEvent::SubscriptionRemoved);
    propagates(&sim, "Removed").await;
    sim.tenant("emea").unwrap().send_lifecycle_event(LifecycleEvent::ReauthorizationRequired);
    propagates(&sim, "Challenged").await;
    running.stop(DRAIN).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_missed_by_delta_queries_is_found_by_a_full_cycle() {
    let dir = Dir::new().unwrap();
    let (sim, running) = start_notified(&dir, every(Duration::from_millis(500), Duration::from_secs(5)), Delivery::default()).await;
    sim.tenant("emea").unwrap().lose_changes(1);
    propagates(&sim, "Lost").await;
    running.stop(DRAIN).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_without_notification_is_found_at_the_next_poll() {
    let dir = Dir::new().unwrap();
    let lost = Delivery { attempts_max: 0, ..Delivery::default() };
    let (sim, running) = start_notified(&dir, every(Duration::from_millis(500), DAY), lost).await;
    propagates(&sim, "Legal").await;
    running.stop(DRAIN).await.unwrap();
}
