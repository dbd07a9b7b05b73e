//! `xtsync topics`: an administrator creates and lists the topics of a configuration. No other program creates one.

mod tenants;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::anyhow;
use serde_json::{Value, json};
use xtsync_bus::{self as bus, Bus, CreateOptions, Topic};
use xtsync_contract::topic;
use xtsync_control::folder;
use xtsync_control::manifest;
use xtsync_domain::TenantName;
use xtsync_runtime::clock::SystemClock;

use crate::exit;
use crate::output::{self, Format, FormatArgs};

/// The topics on Kafka.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Create the missing topics of a configuration's tenants
    #[command(after_help = "Example:\n  xtsync topics create --file config/ --bus kafka://broker:9092")]
    Create(Create),
    /// List the topics, and whether they exist
    #[command(after_help = "Example:\n  xtsync topics list --file config/ --tenant emea")]
    List(Which),
}

/// The selected topics, and the broker.
#[derive(Debug, clap::Args)]
pub struct Which {
    /// File or folder of resources: the topics of its tenants
    #[arg(long = "file", short, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// A tenant by name, beside those of the files; may be repeated
    #[arg(long, value_name = "NAME")]
    tenant: Vec<TenantName>,

    /// Where Kafka is: kafka://host:port[,host:port]
    #[arg(long, value_name = "URL", default_value = "kafka://127.0.0.1:9092", env = "XTSYNC__BUS")]
    bus: String,

    #[command(flatten)]
    format: FormatArgs,
}

/// How to create them.
#[derive(Debug, clap::Args)]
pub struct Create {
    #[command(flatten)]
    which: Which,

    /// Copies of each partition [default: 3, or as many as the cluster has brokers]
    #[arg(long)]
    replication: Option<NonZeroU16>,

    /// Copies that must have a record before it counts as durable [default: 2, or 1 where there is one copy]
    #[arg(long)]
    min_insync: Option<NonZeroU16>,
}

/// Creates or lists topics.
///
/// # Errors
/// When the files are invalid, or Kafka is unavailable or refuses.
pub async fn run(command: Command) -> exit::Result {
    match command {
        Command::Create(args) => create(args).await,
        Command::List(which) => list(which).await,
    }
}

async fn create(args: Create) -> exit::Result {
    let written = (args.replication.map(NonZeroU16::get), args.min_insync.map(NonZeroU16::get));
    if written.1 > written.0.or(Some(DURABLE.replication)) {
        return Err(exit::Code::Usage.because(anyhow!("--min-insync may not exceed --replication")));
    }
    let (bus, topics) = connect(&args.which).await?;
    let brokers = bus.brokers().await?;
    let options = options(written, brokers);
    if options.replication < DURABLE.replication && written.0.is_none() {
        let copies = options.replication;
        output::note(&format!(
            "the cluster has {brokers} of the {} brokers that keep records safe: {copies} copies of each",
            DURABLE.replication
        ));
    }
    let created: BTreeSet<Topic> = bus.create(&topics, options).await?.into_iter().collect();
    let found = bus.partitions(&topics).await?;
    Ok(print(&topics, &found, |topic| if created.contains(topic) { "created" } else { "exists" }, args.which.format.get())?)
}

/// Replication that keeps records durable while one broker is unavailable.
const DURABLE: CreateOptions = CreateOptions { replication: 3, min_insync: 2 };

/// The options for topics in a cluster of that many brokers; flags override them.
fn options((replication, min_insync): (Option<u16>, Option<u16>), brokers: usize) -> CreateOptions {
    let possible = u16::try_from(brokers).unwrap_or(u16::MAX).max(1);
    let replication = replication.unwrap_or(DURABLE.replication.min(possible));
    CreateOptions { replication, min_insync: min_insync.unwrap_or(DURABLE.min_insync).min(replication) }
}

async fn list(which: Which) -> exit::Result {
    let (bus, topics) = connect(&which).await?;
    let found = bus.partitions(&topics).await?;
    Ok(print(&topics, &found, |topic| if found.contains_key(topic) { "exists" } else { "missing" }, which.format.get())?)
}

/// Prints the topics with the partitions that they have, or would get. A topic keeps the number that it was created with, also where its
/// Tenant says another.
fn print(topics: &[Topic], found: &BTreeMap<Topic, u32>, state: impl Fn(&Topic) -> &'static str, format: Format) -> std::io::Result<()> {
    let configured = |topic: &Topic| topic.initial_partitions();
    let partitions = |topic: &Topic| found.get(topic).copied().unwrap_or(configured(topic));
    let others = topics.iter().filter(|topic| partitions(topic) != configured(topic)).count();
    if others > 0 {
        output::note(&format!(
            "{others} topics have another number of partitions than is configured, and keep it: docs/partitions.md says how to change it"
        ));
    }
    match format {
        Format::Json => {
            let topic = |topic: &Topic| {
                let (partitions, configured) = (partitions(topic), configured(topic));
                json!({"topic": topic.to_string(), "partitions": partitions, "configured": configured, "state": state(topic)})
            };
            output::json(&topics.iter().map(topic).collect::<Value>())
        }
        Format::Text => {
            let shown = |topic: &Topic| match (partitions(topic), configured(topic)) {
                (partitions, configured) if partitions == configured => partitions.to_string(),
                (partitions, configured) => format!("{partitions}, not {configured}"),
            };
            let row = |topic: &Topic| vec![topic.to_string(), shown(topic), state(topic).to_owned()];
            output::print(&output::table(&["TOPIC", "PARTITIONS", "STATE"], topics.iter().map(row)))
        }
    }
}

/// The bus; the shared topics, and those of every tenant named.
async fn connect(which: &Which) -> anyhow::Result<(Bus, Vec<Topic>)> {
    let named = named(which)?;
    let bus = bus::connect(&which.bus, Arc::new(SystemClock)).await?;
    let keys = tenants::keys(&bus, &named).await?;
    Ok((bus, topic::shared().chain(keys.iter().flat_map(|(key, partitions)| topic::to_create(key, *partitions))).collect()))
}

/// The tenants named by file or flag, and how many partitions a file says.
fn named(which: &Which) -> anyhow::Result<BTreeMap<TenantName, Option<u32>>> {
    let mut named: BTreeMap<TenantName, Option<u32>> = which.tenant.iter().map(|name| (name.clone(), None)).collect();
    for path in &which.files {
        let written = manifest::read(&folder::read(path)?);
        let written = written.map_err(|problems| anyhow!("{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))?;
        named.extend(written.into_iter().filter_map(|resource| {
            let partitions = resource.spec.tenant()?.partitions();
            Some((resource.id.tenant?, Some(partitions)))
        }));
    }
    if named.is_empty() {
        return Err(anyhow!("no tenant is named: use --file or --tenant"));
    }
    Ok(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_replicated_by_broker_count_up_to_three() {
        for (written, brokers, want) in [
            ((None, None), 1, (1, 1)),
            ((None, None), 2, (2, 2)),
            ((None, None), 3, (3, 2)),
            ((None, None), 9, (3, 2)),
            ((Some(5), None), 9, (5, 2)),
            ((Some(1), None), 9, (1, 1)),
            ((Some(3), Some(3)), 3, (3, 3)),
            ((None, Some(1)), 3, (3, 1)),
        ] {
            let CreateOptions { replication, min_insync } = options(written, brokers);
            assert_eq!((replication, min_insync), want, "{written:?} of {brokers}");
        }
    }
}
