//! All roles in this process on an embedded bus and store, with simulated tenants.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod support;

use std::time::Duration;

use support::{apply, converged, status, tenants, until};
use xtsync::run::{Options, start};
use xtsync_harness::Dir;

const DRAIN: Duration = Duration::from_secs(30);

fn options(dir: &Dir) -> Options {
    Options { poll: Duration::from_millis(100), secrets_dir: dir.join("secrets"), ..Options::embedded(&dir.join("data")) }
}

#[tokio::test(flavor = "multi_thread")]
async fn users_in_scope_appear_in_the_target_and_a_restart_resumes() {
    let dir = Dir::new().unwrap();
    let (sim, yaml) = tenants(40, dir.path()).await;
    let (emea, hub) = (sim.tenant("emea").unwrap(), sim.tenant("hub").unwrap());
    let mut in_scope = emea.members(emea.groups("GlobalEmployees")[0]);
    in_scope.retain(|member| emea.users().contains(member));
    let running = start(options(&dir)).await.unwrap();
    let client = running.client().await.unwrap();
    apply(&client, &yaml).await;
    until("the first are there", async || status(&client).await.synchronizations.iter().any(|one| one.present > 0)).await;
    let before = converged(&client).await;
    let counts = before.synchronizations[0].counts.unwrap();
    assert_eq!((before.synchronizations[0].present, counts.created), (in_scope.len() as u64, in_scope.len() as u64));
    assert_eq!(hub.user_count(), in_scope.len());
    assert!(running.ready_within(Duration::from_secs(60)).await, "{:?}", running.health);
    running.stop(DRAIN).await.unwrap();

    let written = hub.journal_len();
    let running = start(options(&dir)).await.unwrap();
    let client = running.client().await.unwrap();
    until("converged again", async || status(&client).await.converged).await;
    assert_eq!(hub.journal_len(), written, "nothing is done twice");
    emea.patch_user(in_scope[0], &serde_json::json!({"department": "Legal"})).unwrap();
    until("the change is there", async || !hub.find_users("department", "Legal").is_empty()).await;
    until("it is counted", async || status(&client).await.synchronizations[0].counts.unwrap().updated == 1).await;
    assert_eq!(converged(&client).await.synchronizations[0].counts.unwrap().created, counts.created);
    running.stop(DRAIN).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_directory_in_use_and_an_address_beyond_loopback_are_refused() {
    let dir = Dir::new().unwrap();
    let running = start(options(&dir)).await.unwrap();
    let refused = start(options(&dir)).await.err().unwrap().to_string();
    assert!(refused.contains("another process has this log open"), "{refused}");
    for (name, mode) in [("open", 0o755), ("group", 0o750)] {
        std::fs::create_dir(dir.join(name)).unwrap();
        std::fs::set_permissions(dir.join(name), std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        let refused = format!("{:#}", start(Options::embedded(&dir.join(name))).await.err().unwrap());
        assert!(refused.contains(&format!("may be used by others (mode {mode:o}): chmod 700 it")), "{refused}");
    }
    for file in std::fs::read_dir(dir.join("data")).unwrap() {
        let file = file.unwrap();
        let mode = std::os::unix::fs::PermissionsExt::mode(&file.metadata().unwrap().permissions()) & 0o777;
        assert_eq!(mode, 0o600, "{}", file.path().display());
    }
    let open = Options { listen: "0.0.0.0:0".parse().unwrap(), ..options(&dir) };
    let refused = start(open).await.err().unwrap().to_string();
    assert_eq!(refused, "the control API listens on loopback only for now, not on 0.0.0.0:0");
    running.stop(DRAIN).await.unwrap();
}
