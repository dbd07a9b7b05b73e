//! The topics of the embedded bus get another number of partitions, by the steps of docs/partitions.md, while a user leaves.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use xtsync_harness::{Process, Signal, binary};

use crate::{Instance, SOON};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_is_made_anew_with_more_partitions_and_no_user_is_lost() {
    play().await.unwrap();
}

async fn play() -> Result<()> {
    let instance = Instance::new(60).await?;
    let mut run = instance.start()?;
    instance.configure().await?;
    instance.converge()?;
    let files = instance.write(3)?;
    let apply = ["apply", "-f", &files.to_string_lossy()];
    let refused = instance.administer(&apply).err().context("the topics have another number")?.to_string();
    ensure!(refused.contains("docs/partitions.md"), "{refused}");
    stop(&mut run).await?;

    let home = instance.sim.tenant("emea").context("emea")?;
    let leaver = *home.users().first().context("a user")?;
    home.delete_user(leaver)?;
    let data = instance.folder.join("data");
    for file in std::fs::read_dir(&data)?.collect::<Result<Vec<_>, _>>()? {
        if file.file_name().to_string_lossy().starts_with("bus.sqlite") {
            std::fs::remove_file(file.path())?;
        }
    }
    let bus = format!("embedded:{}", data.join("bus.sqlite").display());
    let created = Command::new(binary("xtsync")?).args(["topics", "create", "-f", &files.to_string_lossy(), "--bus", &bus]).output()?;
    ensure!(created.status.success(), "{}", String::from_utf8_lossy(&created.stderr));
    let mut run = instance.start()?;
    instance.apply(&files).await?;
    instance.administer(&["republish"])?;
    instance.converge()?;
    assert_eq!(instance.verify().await?.wrong, Vec::<String>::new());
    stop(&mut run).await
}

async fn stop(run: &mut Process) -> Result<()> {
    let ended = run.end(Signal::Term, SOON).await?;
    ensure!(ended.success(), "it ended with {ended}\n{}", run.tail());
    Ok(())
}
