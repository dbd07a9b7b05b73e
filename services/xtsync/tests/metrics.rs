//! `/metrics`: checked by promtool, and the series that dashboards use.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod support;

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use support::tenants;
use xtsync_harness::{Dir, Process, Signal, free_port};

const LIMIT: Duration = Duration::from_secs(60);

/// The findings of promtool about metrics; empty when there are none.
fn lint(metrics: &str) -> String {
    let promtool = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/promtool/promtool");
    assert!(promtool.exists(), "promtool is missing: run `make promtool`");
    let mut check = Command::new(promtool);
    check.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut check = check.spawn().unwrap();
    check.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
    let output = check.wait_with_output().unwrap();
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_keep_prometheus_conventions_and_calls_are_counted_in_seconds() {
    let dir = Dir::new().unwrap();
    let (_sim, yaml) = tenants(20, dir.path()).await;
    std::fs::write(dir.join("tenants.yaml"), yaml).unwrap();
    let [control, admin] = [(); 2].map(|()| format!("127.0.0.1:{}", free_port()));
    let mut run = Command::new(env!("CARGO_BIN_EXE_xtsync"));
    run.current_dir(dir.path()).args(["run", "--listen", &control, "--admin-listen", &admin]);
    let mut process = Process::start("xtsync", &run).unwrap();
    for arguments in [vec!["apply", "-f", "tenants.yaml"], vec!["status", "--wait=60s"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtsync"));
        command.current_dir(dir.path()).args(&arguments).args(["--server", &format!("http://{control}")]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}\n{}", String::from_utf8_lossy(&output.stderr), process.stderr());
    }
    let metrics = reqwest::get(format!("http://{admin}/metrics")).await.unwrap().text().await.unwrap();
    assert_eq!(lint(&metrics), "", "{metrics}");
    // Those that every first synchronization shows; more appear when something else happens.
    for line in include_str!("snapshots/metrics.txt").lines() {
        assert!(metrics.lines().any(|shown| shown == line), "{line} is missing in\n{metrics}");
    }
    for (name, labels) in [
        ("xtsync_provisioner_call_seconds_bucket", r#"le="0.005""#),
        ("xtsync_change_to_target_seconds_bucket", r#"le="0.5""#),
        ("xtsync_provisioner_outcomes_total", r#"verb="create""#),
    ] {
        assert!(metrics.lines().any(|line| line.starts_with(name) && line.contains(labels)), "{name} {labels} in\n{metrics}");
    }
    assert!(process.end(Signal::Term, LIMIT).await.unwrap().success());
}
