//! A fleet: simulated tenants in this process, a real broker and database, and each replica of each role a process of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, MutexGuard};
use xtsync_harness::{Dir, Kafka, KafkaOptions, Postgres, PostgresOptions, Process, Signal, binary, free_port, wait_for};
use xtsync_tenant_sim::{ALL_USERS, Sim};

use crate::oracle::{self, Source, Verdict};
use crate::{configuration, graph};

/// The roles.
pub const ROLES: [&str; 4] = ["control", "change-detector", "policy", "provisioner"];

/// The longest wait for a role to drain.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);

/// The longest wait for a killed or stopped process to end.
const KILL_TIMEOUT: Duration = Duration::from_secs(10);

/// How many ended spans a process keeps until it has exported them, how often it does, and how long an export may take, in milliseconds:
/// further spans would be lost.
const EXPORT: [(&str, &str); 3] =
    [("OTEL_BSP_MAX_QUEUE_SIZE", "65536"), ("OTEL_BSP_SCHEDULE_DELAY", "500"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "60000")];

/// One fleet at a time: two compete for the processors, and time out.
static SERIAL: Mutex<()> = Mutex::const_new(());

/// The plan of a fleet.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Pairs of source and target tenant; all of them are in the simulator.
    pub pairs: Vec<(String, String)>,
    /// The scope groups of each source; everyone if there are none.
    pub scope: Vec<String>,
    /// The grace period of a lost scope.
    pub grace: Duration,
    /// Processes of each role.
    pub replicas: usize,
    /// The poll interval of a source.
    pub poll: Duration,
    /// The lifetime of a lease without renewal.
    pub lease_ttl: Duration,
    /// Whether the sources send change notifications, to the first change-detector.
    pub notified: bool,
    /// The limits of each synchronization, as the members of its YAML.
    pub limits: String,
    /// The mappings of each synchronization beside the default ones, as the members of its YAML.
    pub mappings: String,
    /// Where the processes export their spans to by OTLP, if anywhere.
    pub collector: Option<String>,
    /// Tenants that are configured and in no pair.
    pub idle: Vec<String>,
    /// How many partitions the topics of each tenant get.
    pub partitions: u32,
}

impl Plan {
    /// Every source into one target, one process a role.
    #[must_use]
    pub fn into_one(sources: &[&str], target: &str) -> Self {
        Self {
            pairs: sources.iter().map(|source| ((*source).to_owned(), target.to_owned())).collect(),
            scope: vec![ALL_USERS.to_owned()],
            grace: Duration::from_secs(1),
            replicas: 1,
            poll: Duration::from_millis(250),
            lease_ttl: Duration::from_secs(5),
            notified: false,
            limits: String::new(),
            mappings: String::new(),
            collector: None,
            idle: Vec::new(),
            partitions: 1,
        }
    }
}

/// A running fleet. Everything it started ends when it is dropped.
pub struct Fleet {
    /// The tenants.
    pub sim: Sim,
    /// The broker.
    pub kafka: Kafka,
    /// The database.
    pub postgres: Postgres,
    plan: Plan,
    folder: Dir,
    address: String,
    /// The address at which the first change-detector receives notifications.
    notified: String,
    members: Vec<Member>,
    _serial_guard: MutexGuard<'static, ()>,
}

/// One process.
struct Member {
    role: &'static str,
    index: usize,
    /// The address of its probes and metrics.
    admin: String,
    /// The address of the control API, if it runs control.
    control: String,
    process: Process,
}

impl Fleet {
    /// Waits until no other fleet of this program runs, serves the tenants, and starts the broker and the database, but no role.
    ///
    /// # Errors
    /// If one of them does not start.
    pub async fn new(sim: Sim, plan: Plan) -> Result<Self> {
        let serial_guard = SERIAL.lock().await;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}", listener.local_addr()?);
        tokio::spawn({
            let sim = sim.clone();
            async move { sim.serve(listener, std::future::pending()).await }
        });
        let kafka = Kafka::start(KafkaOptions::default()).await?;
        let postgres = Postgres::start(PostgresOptions::default()).await?;
        for role in ROLES {
            postgres.create_database(&database(role)).await?;
        }
        let notified = format!("127.0.0.1:{}", free_port());
        let fleet =
            Self { sim, kafka, postgres, plan, folder: Dir::new()?, address, notified, members: Vec::new(), _serial_guard: serial_guard };
        fleet.configure()?;
        Ok(fleet)
    }

    /// Changes the pairs and the grace period, and applies the configuration.
    ///
    /// # Errors
    /// If the broker or control refuses.
    pub fn reconfigure(&mut self, pairs: Vec<(String, String)>, grace: Duration) -> Result<()> {
        (self.plan.pairs, self.plan.grace) = (pairs, grace);
        self.configure()?;
        self.create_topics()?;
        self.apply()
    }

    /// Writes another number of partitions into the configuration, and does not apply it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn set_partitions(&mut self, partitions: u32) -> Result<()> {
        self.plan.partitions = partitions;
        self.configure()
    }

    fn configure(&self) -> Result<()> {
        let url = self.plan.notified.then(|| format!("http://{}", self.notified));
        configuration::write(&self.configuration(), &self.address, &self.plan, url.as_deref())
    }

    /// The address of the tenants.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Creates the topics, starts every process, and applies the configuration.
    ///
    /// # Errors
    /// If any of that fails.
    pub async fn start(&mut self) -> Result<()> {
        self.start_unconfigured().await?;
        self.apply()
    }

    /// Creates the topics and starts every process, which then wait for a configuration.
    ///
    /// # Errors
    /// If any of that fails.
    pub async fn start_unconfigured(&mut self) -> Result<()> {
        self.create_topics()?;
        for role in ROLES {
            for index in 0..self.plan.replicas {
                self.start_replica(role, index)?;
            }
        }
        self.until_control_answers().await
    }

    /// Creates the topics that the configuration needs.
    ///
    /// # Errors
    /// If the broker refuses.
    pub fn create_topics(&self) -> Result<()> {
        let folder = self.configuration().display().to_string();
        self.run(&["topics", "create", "-f", &folder, "--bus", &self.bus(), "--replication", "1", "--min-insync", "1"]).map(drop)
    }

    /// Lists the topics that the configuration needs, as JSON.
    ///
    /// # Errors
    /// If the broker is unavailable.
    pub fn list_topics(&self) -> Result<String> {
        self.run(&["topics", "list", "-f", &self.configuration().display().to_string(), "--bus", &self.bus(), "--json"])
    }

    /// Starts a replica of a role.
    ///
    /// # Errors
    /// If the program is missing.
    pub fn start_replica(&mut self, role: &'static str, index: usize) -> Result<()> {
        let (admin, control) = (format!("127.0.0.1:{}", free_port()), format!("127.0.0.1:{}", free_port()));
        let name = format!("{role}-{index}");
        let mut command = Command::new(binary("xtsync")?);
        command.args(["run", "--role", role, "--bus", &self.bus(), "--store", &self.postgres.url(&database(role)), "--replica", &name]);
        command.args(["--admin-listen", &admin, "--listen", &control, "--token-file", &self.token()]);
        command.args(["--poll", &milliseconds(self.plan.poll), "--lease-ttl", &milliseconds(self.plan.lease_ttl)]);
        command.arg("--data-dir").arg(self.folder.join(&name));
        command.arg("--secrets-dir").arg(configuration::secrets(&self.configuration()));
        if self.plan.notified && (role, index) == ("change-detector", 0) {
            command.args(["--notify-listen", &self.notified]);
        }
        if let Some(collector) = &self.plan.collector {
            command.env("OTEL_EXPORTER_OTLP_ENDPOINT", collector).envs(EXPORT);
        }
        let process = Process::start(&name, &command)?;
        self.members.push(Member { role, index, admin: format!("http://{admin}"), control: format!("http://{control}"), process });
        Ok(())
    }

    /// Kills a replica with SIGKILL.
    ///
    /// # Errors
    /// If it does not run.
    pub async fn kill(&mut self, role: &str, index: usize) -> Result<()> {
        let mut member = self.take(role, index)?;
        member.process.end(Signal::Kill, KILL_TIMEOUT).await.map(drop)
    }

    /// Stops a replica, and waits until it has drained.
    ///
    /// # Errors
    /// If it does not run or does not drain.
    pub async fn stop_replica(&mut self, role: &str, index: usize) -> Result<()> {
        let mut member = self.take(role, index)?;
        let status = member.process.end(Signal::Term, DRAIN_TIMEOUT).await?;
        ensure!(status.success(), "{role}-{index} ended with {status}\n{}", member.process.tail());
        Ok(())
    }

    /// Dumps the database of a role to a file.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn dump(&self, role: &str, file: &Path) -> Result<()> {
        self.postgres.dump(&database(role), file).await
    }

    /// Restores the database of a role from a dump.
    ///
    /// # Errors
    /// If the database is unavailable or the file is no dump.
    pub async fn restore(&self, role: &str, file: &Path) -> Result<()> {
        self.postgres.restore(&database(role), file).await
    }

    /// The index of the provisioner replica that owns a target.
    ///
    /// # Errors
    /// If none does.
    pub async fn owner(&self, target: &str) -> Result<usize> {
        self.holder("provisioner", &format!("target/{target}")).await
    }

    /// The index of the replica that holds a lease of a role.
    ///
    /// # Errors
    /// If none does.
    pub async fn holder(&self, role: &str, lease: &str) -> Result<usize> {
        let database = database(role);
        let owner = self.postgres.sql(&database, &format!("SELECT owner FROM {database}.lease WHERE name = '{lease}'")).await?;
        owner.rsplit('-').next().and_then(|index| index.parse().ok()).with_context(|| format!("no replica holds {lease}"))
    }

    /// Sends a replica a signal that does not end it.
    ///
    /// # Errors
    /// If it does not run.
    pub fn signal(&self, role: &str, index: usize, signal: Signal) -> Result<()> {
        self.member(role, index)?.process.signal(signal)
    }

    /// The process id of a replica.
    ///
    /// # Errors
    /// If it does not run.
    pub fn pid(&self, role: &str, index: usize) -> Result<u32> {
        Ok(self.member(role, index)?.process.pid())
    }

    /// Applies the folder of YAML.
    ///
    /// # Errors
    /// If control refuses it.
    pub fn apply(&self) -> Result<()> {
        let folder = self.configuration().display().to_string();
        self.administer(&["apply", "-f", &folder]).map(drop)
    }

    /// Waits until one process of control is there.
    ///
    /// # Errors
    /// If none comes up.
    pub async fn until_control_answers(&mut self) -> Result<()> {
        wait_for(Duration::from_secs(60), "control to answer", async || Ok(self.administer(&["status"]).is_ok().then_some(()))).await
    }

    /// Waits until everything is converged.
    ///
    /// # Errors
    /// If it is not in time.
    pub fn converge(&self, within: &str) -> Result<()> {
        self.administer(&["status", &format!("--wait={within}"), "--fresh"]).map(drop)
    }

    /// Waits until the newest configuration is carried out. No source need be read again: where they are polled rarely, that would take as long
    /// as two polls.
    ///
    /// # Errors
    /// If it is not in time.
    pub fn carry_out(&self, within: &str) -> Result<()> {
        self.administer(&["status", &format!("--wait={within}")]).map(drop)
    }

    /// The stored rows of links that control reports as not converged, for the diagnosis of a failed test.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn unconverged(&self) -> Result<String> {
        const SEEN: &str = "SELECT user_id, status, code, due, md5(record) FROM control.view_link WHERE status <> 'done'";
        const HELD: &str =
            "SELECT link.user_id, link_version, unpublished.version, row_version, md5(state), class, due, condition, code, intent.until
            FROM provisioner.link LEFT JOIN provisioner.work USING (target, source, user_id)
            LEFT JOIN provisioner.intent USING (target, source, user_id)
            LEFT JOIN provisioner.unpublished USING (target, source, user_id)";
        let seen = self.postgres.sql(&database("control"), SEEN).await?;
        let held = self.postgres.sql(&database("provisioner"), HELD).await?;
        let of = |line: &&str| line.split('|').next().is_some_and(|user| seen.contains(user));
        let held: Vec<&str> = held.lines().filter(of).collect();
        let now = self.postgres.sql("postgres", "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)").await?;
        Ok(format!("now {now}\ncontrol has seen\n{seen}\nthe provisioner has\n{}", held.join("\n")))
    }

    /// What the change-detector and the provisioner have stored of the users that these lines name, for the diagnosis of a failed test.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn stored(&self, wrong: &[String]) -> Result<String> {
        const USERS: &str = "SELECT id, gone, dirty, full_cycle, version, published_version FROM change_detector.user_";
        const MEMBERS: &str = "SELECT child_id, group_id, full_cycle, seen_at, unreported FROM change_detector.member";
        const LINKS: &str = "SELECT user_id, live, link_version, row_version FROM provisioner.link";
        let mut lines = Vec::new();
        for (role, sql) in [("change-detector", USERS), ("change-detector", MEMBERS), ("provisioner", LINKS)] {
            let rows = self.postgres.sql(&database(role), sql).await?;
            let is_wrong = |row: &&str| row.split('|').next().is_some_and(|user| wrong.iter().any(|line| line.contains(user)));
            lines.extend(rows.lines().filter(is_wrong).map(|row| format!("{role}: {row}")));
        }
        Ok(lines.join("\n"))
    }

    /// The metrics or health of a role's first replica.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn ask(&self, role: &str, path: &str) -> Result<(u16, String)> {
        let answer = reqwest::get(format!("{}{path}", self.member(role, 0)?.admin)).await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    /// The differences that the oracle finds in a target.
    ///
    /// # Errors
    /// If a tenant cannot be read.
    pub async fn verify(&self, target: &str) -> Result<Verdict> {
        let mut sources = Vec::new();
        for (name, _) in self.plan.pairs.iter().filter(|(_, into)| into == target) {
            sources.push(Source { tenant: graph::Tenant::sign_in(&self.address, name).await?, group: ALL_USERS.to_owned() });
        }
        oracle::verify(&sources, &graph::Tenant::sign_in(&self.address, target).await?).await
    }

    /// Stops every process and returns the exit status of each.
    ///
    /// # Errors
    /// If one does not drain.
    pub async fn stop(&mut self) -> Result<()> {
        for (role, index) in self.members.iter().map(|member| (member.role, member.index)).collect::<Vec<_>>() {
            self.stop_replica(role, index).await?;
        }
        Ok(())
    }

    /// The logs of all running processes.
    #[must_use]
    pub fn logs(&self) -> String {
        self.members.iter().map(|member| member.process.stderr()).collect()
    }

    /// Runs a command against any replica of control.
    ///
    /// # Errors
    /// If no replica accepts it: with the last answer, and the last log lines of all processes.
    pub fn administer(&self, args: &[&str]) -> Result<String> {
        let token = self.token();
        let mut last = None;
        for member in self.members.iter().filter(|member| member.role == "control") {
            match self.run(&[args, &["--server", &member.control, "--token-file", &token]].concat()) {
                Ok(answer) => return Ok(answer),
                Err(error) => last = Some(error),
            }
        }
        Err(last.context("no control runs")?.context(self.tails()))
    }

    fn member(&self, role: &str, index: usize) -> Result<&Member> {
        self.members.iter().find(|member| (member.role, member.index) == (role, index)).with_context(|| format!("no {role}-{index} runs"))
    }

    fn take(&mut self, role: &str, index: usize) -> Result<Member> {
        let Some(at) = self.members.iter().position(|member| (member.role, member.index) == (role, index)) else {
            bail!("no {role}-{index} runs");
        };
        Ok(self.members.remove(at))
    }

    fn bus(&self) -> String {
        format!("kafka://{}", self.kafka.bootstrap())
    }

    fn configuration(&self) -> PathBuf {
        self.folder.join("configuration")
    }

    fn token(&self) -> String {
        self.folder.join("token").display().to_string()
    }

    /// The last log lines of every process.
    fn tails(&self) -> String {
        self.members.iter().map(|member| format!("--- {}-{}\n{}\n", member.role, member.index, member.process.tail())).collect()
    }

    fn run(&self, args: &[&str]) -> Result<String> {
        let Output { status, stdout, stderr } = Command::new(binary("xtsync")?).args(args).output()?;
        let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        ensure!(status.success(), "xtsync {}: {status}\n{stdout}\n{stderr}", args.join(" "));
        Ok(stdout.into_owned())
    }
}

/// The database of a role; each role has its own.
fn database(role: &str) -> String {
    role.replace('-', "_")
}

fn milliseconds(time: Duration) -> String {
    format!("{}ms", time.as_millis())
}
