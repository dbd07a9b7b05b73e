//! Serves simulated tenants from the command line, as `xtsync tenant-sim` does.

use clap::Parser;
use xtsync_tenant_sim::Args;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    args: Args,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let bound = Cli::parse().args.bind().await?;
    announce(&format!("listening on {}", bound.url()?));
    bound.serve(async { drop(tokio::signal::ctrl_c().await) }).await?;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the caller waits for this line")]
fn announce(line: &str) {
    println!("{line}");
}
