//! `xtsync run`, killed in the middle of the first synchronization: it goes on where it was, and nobody is there twice.
#![cfg(test)]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::net::TcpListener;
use xtsync_e2e::fleet::Plan;
use xtsync_e2e::oracle::{self, Source};
use xtsync_e2e::{configuration, graph};
use xtsync_harness::{Dir, Process, Signal, binary, free_port, wait_for};
use xtsync_tenant_sim::{EVERYBODY, Sim};

const SOON: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_run_goes_on_where_it_was() {
    play().await.unwrap();
}

async fn play() -> Result<()> {
    let folder = Dir::new()?;
    let sim = Sim::builder().tenant("emea", 400).tenant("hub", 0).allow("emea", "hub").seed(7).build()?;
    let address = serve(&sim).await?;
    let files = folder.join("configuration");
    configuration::write(&files, &address, &Plan::into_one(&["emea"], "hub"), None)?;

    let control = free_port();
    let mut run = start(&folder, control)?;
    wait_for(SOON, "the configuration to be taken", async || Ok(administer(&folder, control, &["apply", "-f"], Some(&files)).ok())).await?;
    let hub = sim.tenant("hub").context("hub")?;
    wait_for(SOON, "some people to be there", async || Ok((hub.user_count() > 50).then_some(()))).await?;
    run.signal(Signal::Kill)?;
    run.wait(SOON).await?;
    ensure!(hub.user_count() < 380, "it was killed too late to prove anything");

    let mut run = start(&folder, control)?;
    // What was being called when it was killed is left alone until the call must have ended.
    administer(&folder, control, &["status", "--wait=120s", "--fresh"], None)?;
    let source = Source { tenant: graph::Tenant::sign_in(&address, "emea").await?, group: EVERYBODY.to_owned() };
    let verdict = oracle::judge(&[source], &graph::Tenant::sign_in(&address, "hub").await?).await?;
    assert_eq!(verdict.wrong, Vec::<String>::new());
    assert!(verdict.present > 380, "{} people", verdict.present);
    let ended = run.end(Signal::Term, SOON).await?;
    ensure!(ended.success(), "it ended with {ended}\n{}", run.tail());
    Ok(())
}

async fn serve(sim: &Sim) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    let sim = sim.clone();
    tokio::spawn(async move { sim.serve(listener, std::future::pending()).await });
    Ok(address)
}

fn start(folder: &Dir, control: u16) -> Result<Process> {
    let mut command = Command::new(binary("xtsync")?);
    command.args(["run", "--poll", "250ms", "--admin-listen", "127.0.0.1:0", "--listen", &format!("127.0.0.1:{control}")]);
    command.arg("--data-dir").arg(folder.join("data"));
    Process::start("run", &command)
}

fn administer(folder: &Dir, control: u16, args: &[&str], file: Option<&Path>) -> Result<()> {
    let mut command = Command::new(binary("xtsync")?);
    command.args(args).args(file).args(["--server", &format!("http://127.0.0.1:{control}"), "--data-dir"]).arg(folder.join("data"));
    let output = command.output()?;
    ensure!(output.status.success(), "xtsync {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr));
    Ok(())
}
