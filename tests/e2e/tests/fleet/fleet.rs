//! A fleet: simulated tenants in this process, a real broker and database, and each role a process of its own.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::net::TcpListener;
use xtsync_e2e::oracle::{self, Source, Verdict};
use xtsync_e2e::{configuration, graph};
use xtsync_harness::{Dir, Kafka, KafkaOptions, Postgres, PostgresOptions, Process, Signal, binary, free_port};
use xtsync_tenant_sim::{EVERYBODY, Sim};

/// The roles, each a process.
pub(crate) const ROLES: [&str; 4] = ["control", "change-detector", "policy", "provisioner"];

/// How long a role may take to drain.
const DRAIN: Duration = Duration::from_secs(30);

pub(crate) struct Fleet {
    pub(crate) sim: Sim,
    pub(crate) kafka: Kafka,
    pub(crate) postgres: Postgres,
    folder: Dir,
    address: String,
    store: String,
    control: String,
    sources: Vec<String>,
    target: String,
    roles: Vec<Role>,
}

struct Role {
    name: &'static str,
    admin: String,
    process: Process,
}

impl Fleet {
    /// Starts the tenants, the broker and the database; no role yet.
    pub(crate) async fn new(sources: &[(&str, usize)], target: &str) -> Result<Self> {
        let described = sources.iter().fold(Sim::builder(), |builder, (name, users)| builder.tenant(name, *users));
        let described = sources.iter().fold(described.tenant(target, 0), |builder, (name, _)| builder.allow(name, target));
        let sim = described.seed(7).build()?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}", listener.local_addr()?);
        tokio::spawn({
            let sim = sim.clone();
            async move { sim.serve(listener, std::future::pending()).await }
        });
        let kafka = Kafka::start(KafkaOptions::default()).await?;
        let postgres = Postgres::start(PostgresOptions::default()).await?;
        let store = postgres.create_database("xtsync").await?;
        let control = format!("127.0.0.1:{}", free_port());
        let fleet = Self {
            sim,
            kafka,
            postgres,
            folder: Dir::new()?,
            address,
            store,
            control,
            sources: sources.iter().map(|(name, _)| (*name).to_owned()).collect(),
            target: target.to_owned(),
            roles: Vec::new(),
        };
        configuration::write(&fleet.configuration(), &fleet.address, &fleet.sources, target, EVERYBODY)?;
        Ok(fleet)
    }

    /// Makes the topics, starts every role, and applies the configuration.
    pub(crate) async fn start(&mut self) -> Result<()> {
        self.create_topics()?;
        for role in ROLES {
            self.start_role(role)?;
        }
        self.until_control_answers().await?;
        self.apply()
    }

    pub(crate) fn create_topics(&self) -> Result<()> {
        let folder = self.configuration().display().to_string();
        self.run(&["topics", "create", "-f", &folder, "--bus", &self.bus(), "--replication", "1", "--min-insync", "1"]).map(drop)
    }

    pub(crate) fn start_role(&mut self, name: &'static str) -> Result<()> {
        let admin = format!("127.0.0.1:{}", free_port());
        let data = self.folder.join(name);
        let mut command = Command::new(binary("xtsync")?);
        command.args(["run", "--role", name, "--bus", &self.bus(), "--store", &self.store, "--replica", &format!("{name}-0")]);
        command.args(["--admin-listen", &admin, "--listen", &self.control, "--poll", "250ms", "--lease-ttl", "5s"]);
        command.arg("--data-dir").arg(data);
        let process = Process::start(name, &command)?;
        self.roles.push(Role { name, admin: format!("http://{admin}"), process });
        Ok(())
    }

    /// Applies the folder of YAML.
    pub(crate) fn apply(&self) -> Result<()> {
        let folder = self.configuration().display().to_string();
        self.administer(&["apply", "-f", &folder]).map(drop)
    }

    pub(crate) async fn until_control_answers(&mut self) -> Result<()> {
        let url = self.admin("control")?;
        let role = self.roles.iter_mut().find(|role| role.name == "control").context("no control")?;
        role.process.until_ready(&format!("{url}/livez"), Duration::from_secs(60)).await
    }

    /// Waits until everything is settled.
    pub(crate) fn settle(&self, within: &str) -> Result<()> {
        self.administer(&["status", &format!("--wait={within}"), "--fresh"]).map(drop)
    }

    /// What a role's metrics or health say.
    pub(crate) async fn ask(&self, role: &str, path: &str) -> Result<(u16, String)> {
        let answer = reqwest::get(format!("{}{path}", self.admin(role)?)).await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    /// What is wrong in the target.
    pub(crate) async fn judge(&self) -> Result<Verdict> {
        let mut sources = Vec::new();
        for name in &self.sources {
            sources.push(Source { tenant: graph::Tenant::sign_in(&self.address, name).await?, group: EVERYBODY.to_owned() });
        }
        let target = graph::Tenant::sign_in(&self.address, &self.target).await?;
        oracle::judge(&sources, &target).await
    }

    /// Ends every role and says how each ended.
    pub(crate) async fn stop(&mut self) -> Result<()> {
        for mut role in std::mem::take(&mut self.roles) {
            let status = role.process.end(Signal::Term, DRAIN).await?;
            ensure!(status.success(), "{} ended with {status}\n{}", role.name, role.process.tail());
        }
        Ok(())
    }

    /// Everything that the roles have logged.
    pub(crate) fn logs(&self) -> String {
        self.roles.iter().map(|role| role.process.stderr()).collect()
    }

    fn admin(&self, role: &str) -> Result<String> {
        Ok(self.roles.iter().find(|found| found.name == role).with_context(|| format!("no {role} runs"))?.admin.clone())
    }

    fn bus(&self) -> String {
        format!("kafka://{}", self.kafka.bootstrap())
    }

    fn configuration(&self) -> PathBuf {
        self.folder.join("configuration")
    }

    /// Runs a command for the administrator of control.
    pub(crate) fn administer(&self, args: &[&str]) -> Result<String> {
        let token = self.folder.join("control").join("token").display().to_string();
        let server = format!("http://{}", self.control);
        self.run(&[args, &["--server", &server, "--token-file", &token]].concat()).with_context(|| self.tails())
    }

    /// The last words of every role.
    fn tails(&self) -> String {
        self.roles.iter().map(|role| format!("--- {}\n{}\n", role.name, role.process.tail())).collect()
    }

    fn run(&self, args: &[&str]) -> Result<String> {
        let Output { status, stdout, stderr } = Command::new(binary("xtsync")?).args(args).output()?;
        let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        ensure!(status.success(), "xtsync {}: {status}\n{stdout}\n{stderr}", args.join(" "));
        Ok(stdout.into_owned())
    }
}
