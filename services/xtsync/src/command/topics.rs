//! `xtsync topics`: the topics of a configuration, made and listed by an administrator; no client makes one silently.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::anyhow;
use serde_json::{Value, json};
use xtsync_control::folder;
use xtsync_control::manifest;
use xtsync_domain::TenantName;
use xtsync_domain::resource::Kind;
use xtsync_platform::bus::{self, CreateOptions};
use xtsync_platform::clock::SystemClock;
use xtsync_proto::topic::Topic;

use crate::exit;
use crate::output::{self, Format};

/// The topics on Kafka.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Create the topics that the tenants of a configuration need, as far as they are missing
    Create(Create),
    /// List them, and whether they exist
    List(Which),
}

/// Which topics, and where.
#[derive(Debug, clap::Args)]
pub struct Which {
    /// File or folder of resources: the topics of its tenants
    #[arg(long = "file", short, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// A tenant by name, beside those of the files; may be repeated
    #[arg(long, value_name = "NAME")]
    tenant: Vec<TenantName>,

    /// Where Kafka is: kafka://host:port[,host:port]
    #[arg(long, value_name = "URL", default_value = "kafka://127.0.0.1:9092", env = "XTSYNC_BUS")]
    bus: String,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// How to create them.
#[derive(Debug, clap::Args)]
pub struct Create {
    #[command(flatten)]
    which: Which,

    /// Copies of each partition
    #[arg(long, default_value_t = 3)]
    replication: u16,

    /// Copies that must have a record before it counts as durable
    #[arg(long, default_value_t = 2)]
    min_insync: u16,
}

/// Creates or lists topics.
///
/// # Errors
/// When the files are wrong, or Kafka is away or refuses.
pub async fn run(command: Command) -> exit::Result {
    match command {
        Command::Create(args) => create(args).await,
        Command::List(which) => list(which).await,
    }
}

async fn create(args: Create) -> exit::Result {
    if args.min_insync > args.replication {
        return Err(exit::Code::Usage.because(anyhow!("--min-insync may not exceed --replication")));
    }
    let topics = topics(&args.which)?;
    let bus = bus::connect(&args.which.bus, Arc::new(SystemClock)).await?;
    let options = CreateOptions { replication: args.replication, min_insync: args.min_insync };
    let created: BTreeSet<Topic> = bus.create(&topics, options).await?.into_iter().collect();
    Ok(print(&topics, |topic| if created.contains(topic) { "created" } else { "exists" }, args.which.json)?)
}

async fn list(which: Which) -> exit::Result {
    let topics = topics(&which)?;
    let bus = bus::connect(&which.bus, Arc::new(SystemClock)).await?;
    let missing: BTreeSet<Topic> = bus.missing(&topics).await?.into_iter().collect();
    Ok(print(&topics, |topic| if missing.contains(topic) { "missing" } else { "exists" }, which.json)?)
}

fn print(topics: &[Topic], state: impl Fn(&Topic) -> &'static str, json: bool) -> std::io::Result<()> {
    match Format::of(json) {
        Format::Json => {
            let topic = |topic: &Topic| json!({"topic": topic.to_string(), "partitions": topic.partitions(), "state": state(topic)});
            output::json(&topics.iter().map(topic).collect::<Value>())
        }
        Format::Text => {
            let row = |topic: &Topic| vec![topic.to_string(), topic.partitions().to_string(), state(topic).to_owned()];
            output::print(&output::table(&["TOPIC", "PARTITIONS", "STATE"], topics.iter().map(row)))
        }
    }
}

/// The shared topics, and those of every tenant named.
fn topics(which: &Which) -> anyhow::Result<Vec<Topic>> {
    let mut tenants: BTreeSet<TenantName> = which.tenant.iter().cloned().collect();
    for path in &which.files {
        let written = manifest::read(&folder::read(path)?);
        let written = written.map_err(|problems| anyhow!("{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))?;
        tenants.extend(written.into_iter().filter(|resource| resource.id.kind == Kind::Tenant).filter_map(|resource| resource.id.tenant));
    }
    if tenants.is_empty() {
        return Err(anyhow!("no tenant is named: use --file or --tenant"));
    }
    Ok(Topic::shared().into_iter().chain(tenants.iter().flat_map(Topic::of_tenant)).collect())
}
