//! A real Apache Kafka broker: one node that is its own controller, on loopback, with its own data.

mod answer;
mod jars;
mod properties;
mod secrets;

use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::OnceCell;

use crate::{Dir, Process, Server, Signal, free_port, tool};
pub use secrets::Credentials;

/// How long a broker may take until it answers; three seconds on an idle machine.
const START_MAX: Duration = Duration::from_secs(90);

/// The cluster's id. Any will do; one for all makes the logs alike.
const CLUSTER: &str = "4L6g3nShT-eMCtK--X86sw";

/// What kind of broker to start.
#[derive(Debug, Clone, Default)]
pub struct KafkaOptions {
    /// Clients must speak TLS and prove who they are by SASL SCRAM-SHA-512; see [`Kafka::credentials`].
    pub secured: bool,
    /// Segments roll after a second and are compacted at once, so that a test sees it. For small topics only.
    pub compact_soon: bool,
    /// Further broker properties; they win over ours.
    pub properties: Vec<(String, String)>,
}

/// A running broker, killed on drop; what a test may do to any server is [`Server`]'s.
#[derive(Debug)]
pub struct Kafka {
    server: Server,
    ports: Ports,
    credentials: Option<Credentials>,
    dir: Dir,
}

/// Where the broker listens on 127.0.0.1.
#[derive(Debug, Clone, Copy)]
struct Ports {
    client: u16,
    internal: u16,
    controller: u16,
}

impl Kafka {
    /// Formats a fresh data directory, starts a broker on it and waits until it answers.
    ///
    /// # Errors
    /// If the jars are missing (`make kafka` brings them), Java is, or the broker does not come up: then with its log.
    pub async fn start(options: KafkaOptions) -> anyhow::Result<Self> {
        jars::directory()?;
        let dir = Dir::new()?;
        let ports = Ports { client: free_port(), internal: free_port(), controller: free_port() };
        let credentials = match options.secured {
            true => Some(Credentials::create(&dir).await?),
            false => None,
        };
        let text = properties::broker(&ports, &dir.join("data"), &options, credentials.as_ref());
        std::fs::write(dir.join("server.properties"), text).context("writing server.properties")?;
        let mut kafka = Self { server: Server::new("kafka", Signal::Term), ports, credentials, dir };
        kafka.format().await?;
        kafka.resume().await?;
        Ok(kafka)
    }

    /// The plain broker that all tests of this binary share; use topics and groups named by [`crate::unique`].
    ///
    /// # Errors
    /// As [`Kafka::start`].
    pub async fn shared() -> anyhow::Result<&'static Self> {
        static SHARED: OnceCell<Kafka> = OnceCell::const_new();
        SHARED.get_or_try_init(|| Self::start(KafkaOptions::default())).await
    }

    /// What clients are given as `bootstrap.servers`.
    #[must_use]
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.ports.client)
    }

    /// A listener that is plain also on a secured broker, for a test that has to look behind the lock.
    #[must_use]
    pub fn plain_bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.ports.internal)
    }

    /// What a client needs on a secured broker.
    #[must_use]
    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// Kills the broker as a power cut would; ports and data stay for [`Kafka::resume`].
    pub fn kill(&mut self) {
        self.drop_process();
    }

    /// Starts a stopped or killed broker on the ports and data it had.
    ///
    /// # Errors
    /// If it does not come up: then with its log.
    pub async fn resume(&mut self) -> anyhow::Result<()> {
        let mut command = java("kafka.Kafka")?;
        command.arg(self.dir.join("server.properties"));
        let mut process = Process::start("kafka", &command)?;
        let port = self.ports.internal;
        process.until(START_MAX, "an answer that names the broker", async |_| answer::broker_listed(port).await).await?;
        self.set_process(process);
        Ok(())
    }

    /// Stops the broker in order and starts it again on the same ports and data.
    ///
    /// # Errors
    /// As [`Server::stop`] and [`Kafka::resume`].
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.stop().await?;
        self.resume().await
    }

    async fn format(&self) -> anyhow::Result<()> {
        let mut command = java("kafka.tools.StorageTool")?;
        command.args(["format", "--standalone", "--cluster-id", CLUSTER, "--config"]);
        command.arg(self.dir.join("server.properties"));
        if let Some(credentials) = &self.credentials {
            command.args(["--add-scram", &credentials.scram()?]);
        }
        tool::run("formatting Kafka's storage", command).await.map(drop)
    }
}

impl Deref for Kafka {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl DerefMut for Kafka {
    fn deref_mut(&mut self) -> &mut Server {
        &mut self.server
    }
}

/// `java` with the broker's jars, small, and quick to start.
fn java(class: &str) -> anyhow::Result<Command> {
    let java = std::env::var_os("JAVA_HOME").map_or_else(|| PathBuf::from("java"), |home| PathBuf::from(home).join("bin/java"));
    let mut command = Command::new(java);
    command.args(["-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true", "-cp"]);
    command.arg(jars::directory()?.join("*")).arg(class);
    Ok(command)
}
