//! The broker's `server.properties`.

use std::path::Path;

use super::{Credentials, KafkaOptions, Ports};

/// What every broker of ours has: one node, so one replica of everything; quick; small; nothing created by chance.
const ALWAYS: &[(&str, &str)] = &[
    ("process.roles", "broker,controller"),
    ("node.id", "1"),
    ("controller.listener.names", "CONTROLLER"),
    ("inter.broker.listener.name", "INTERNAL"),
    ("auto.create.topics.enable", "false"),
    ("group.initial.rebalance.delay.ms", "0"),
    ("group.min.session.timeout.ms", "1000"),
    ("offsets.topic.num.partitions", "3"),
    ("offsets.topic.replication.factor", "1"),
    ("transaction.state.log.num.partitions", "1"),
    ("transaction.state.log.replication.factor", "1"),
    ("transaction.state.log.min.isr", "1"),
    ("share.coordinator.state.topic.num.partitions", "1"),
    ("share.coordinator.state.topic.replication.factor", "1"),
    ("share.coordinator.state.topic.min.isr", "1"),
    ("log.cleaner.backoff.ms", "200"),
    // The default of 128 MiB would be a third of the heap; this holds some 300,000 keys.
    ("log.cleaner.dedupe.buffer.size", "8388608"),
    ("num.network.threads", "2"),
    ("num.io.threads", "2"),
    // A broker that comes back waits until its old session has run out; by default that is nine seconds.
    ("broker.session.timeout.ms", "3000"),
    ("broker.heartbeat.interval.ms", "500"),
];

const COMPACT_SOON: &[(&str, &str)] =
    &[("log.roll.ms", "1000"), ("log.cleaner.min.cleanable.ratio", "0.01"), ("log.cleaner.delete.retention.ms", "100")];

/// The text of the file.
pub(super) fn broker(ports: &Ports, data: &Path, options: &KafkaOptions, credentials: Option<&Credentials>) -> String {
    let Ports { client, internal, controller } = ports;
    let addresses = format!("CLIENT://127.0.0.1:{client},INTERNAL://127.0.0.1:{internal}");
    let protocol = if credentials.is_some() { "SASL_SSL" } else { "PLAINTEXT" };
    let mut lines = vec![
        format!("listeners={addresses},CONTROLLER://127.0.0.1:{controller}"),
        format!("advertised.listeners={addresses},CONTROLLER://127.0.0.1:{controller}"),
        format!("listener.security.protocol.map=CLIENT:{protocol},INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT"),
        format!("controller.quorum.bootstrap.servers=127.0.0.1:{controller}"),
        format!("log.dirs={}", data.display()),
    ];
    let set = |pairs: &[(&str, &str)]| pairs.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>();
    lines.extend(set(ALWAYS));
    if options.compact_soon {
        lines.extend(set(COMPACT_SOON));
    }
    lines.extend(credentials.map(Credentials::properties).unwrap_or_default());
    lines.extend(options.properties.iter().map(|(key, value)| format!("{key}={value}")));
    lines.join("\n") + "\n"
}
