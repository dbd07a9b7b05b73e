//! The counterparts by hand: `cargo run -p xtsync-harness -- kafka postgres` starts them, prints where they are as lines for a shell, and
//! stops them at Ctrl-C.
#![expect(clippy::print_stdout, reason = "it is the output of a command")]

use anyhow::bail;
use xtsync_harness::{Kafka, KafkaOptions, Postgres, PostgresOptions};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut brokers = Vec::new();
    let mut databases = Vec::new();
    for wanted in std::env::args().skip(1) {
        match wanted.as_str() {
            "kafka" => {
                let kafka = Kafka::start(KafkaOptions::default()).await?;
                println!("bus='kafka://{}'      # process {}", kafka.bootstrap(), kafka.pid().unwrap_or_default());
                brokers.push(kafka);
            }
            "postgres" => {
                let postgres = Postgres::start(PostgresOptions::default()).await?;
                let url = postgres.create_database("xtsync").await?;
                println!("store='{url}'      # process {}", postgres.pid().unwrap_or_default());
                databases.push(postgres);
            }
            other => bail!("{other:?} is neither kafka nor postgres"),
        }
    }
    println!("ready; Ctrl-C stops what was started");
    tokio::signal::ctrl_c().await?;
    Ok(())
}
