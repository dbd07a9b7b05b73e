//! A full disk under the embedded bus and the stores: the process is not ready, loses nothing, and resumes once there is space.
//!
//! A limit on file sizes simulates the full disk. It needs no privileges, and it makes every write fail, including those of the log.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use xtsync_e2e::workload::Workload;
use xtsync_harness::{Process, Signal};

use crate::{Instance, SOON};

const CHANGES: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_stops_work_and_loses_nothing() {
    play().await.unwrap();
}

async fn play() -> Result<()> {
    let instance = Instance::new(200).await?;
    let mut workload = Workload::new(&instance.sim, &["emea"], 7)?;
    let mut run = start(&instance)?;
    instance.configure().await?;
    instance.converge()?;

    fill(&run)?;
    change(&mut workload)?;
    run.until(SOON, "word of what is full", async |_| {
        let response = ready(&instance).await?;
        let full = ["[-]store/change-detector", "[-]store/provisioner", "[-]bus "].iter().all(|part| response.contains(part));
        ensure!(full, "{response}");
        Ok(Some(()))
    })
    .await?;
    make_room(&run)?;
    run.until(SOON, "readiness", async |_| {
        let response = ready(&instance).await?;
        ensure!(!response.contains("[-]"), "{response}");
        Ok(Some(()))
    })
    .await?;
    converged(&instance).await?;

    // A process that was killed on a full disk resumes.
    fill(&run)?;
    change(&mut workload)?;
    run.until(SOON, "notice", async |_| Ok(ready(&instance).await?.contains("[-]bus ").then_some(()))).await?;
    run.signal(Signal::Kill)?;
    run.wait(SOON).await?;
    let mut run = start(&instance)?;
    converged(&instance).await?;
    let ended = run.end(Signal::Term, SOON).await?;
    ensure!(ended.success(), "it ended with {ended}\n{}", run.tail());
    Ok(())
}

/// A process whose writes fail at the limit, instead of ending by SIGXFSZ.
fn start(instance: &Instance) -> Result<Process> {
    let run = instance.command()?;
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(run.get_program()).args(run.get_args());
    Process::start("run", &command)
}

fn fill(run: &Process) -> Result<()> {
    limit(run, "1")
}

fn make_room(run: &Process) -> Result<()> {
    limit(run, "unlimited")
}

/// Only the limit that a process may raise again by itself.
fn limit(run: &Process, bytes: &str) -> Result<()> {
    let limited = Command::new("prlimit").args(["--pid", &run.pid().to_string(), &format!("--fsize={bytes}:")]).status();
    ensure!(limited.context("prlimit, which Debian's package util-linux has")?.success(), "prlimit fails");
    Ok(())
}

fn change(workload: &mut Workload) -> Result<()> {
    (0..CHANGES).try_for_each(|_| workload.apply_change())
}

async fn ready(instance: &Instance) -> Result<String> {
    Ok(reqwest::get(format!("http://127.0.0.1:{}/readyz", instance.admin)).await?.text().await?)
}

async fn converged(instance: &Instance) -> Result<()> {
    instance.converge()?;
    let verdict = instance.verify().await?;
    assert_eq!(verdict.wrong, Vec::<String>::new());
    ensure!(verdict.present > 150, "{} people", verdict.present);
    Ok(())
}
