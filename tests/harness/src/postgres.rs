//! A real PostgreSQL server from the system's packages, on loopback, with its own data.

mod install;

use std::ops::{Deref, DerefMut};
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use tokio::sync::OnceCell;

use crate::{Dir, Process, Server, Signal, free_port, tool};
use install::{Install, User};

/// How long a server may take until it answers, recovery included.
const START_MAX: Duration = Duration::from_secs(60);

/// The role that owns everything.
const ROLE: &str = "xtsync";

/// What kind of server to start.
#[derive(Debug, Clone, Copy, Default)]
pub struct PostgresOptions {
    /// Give up durability for speed: no fsync. For tests that kill nothing.
    pub fast: bool,
}

/// A running server, killed on drop; what a test may do to any server is [`Server`]'s.
#[derive(Debug)]
pub struct Postgres {
    server: Server,
    install: Install,
    options: PostgresOptions,
    port: u16,
    password: String,
    dir: Dir,
}

impl Postgres {
    /// Makes a fresh data directory, starts a server on it and waits until it answers a query.
    ///
    /// # Errors
    /// If PostgreSQL is not installed, or does not come up: then with its log.
    pub async fn start(options: PostgresOptions) -> anyhow::Result<Self> {
        let install = Install::find()?;
        let dir = Dir::new()?;
        let password = format!("{:032x}", rand::random::<u128>());
        let mut postgres = Self { server: Server::new("postgres", Signal::Int), install, options, port: free_port(), password, dir };
        postgres.initialize().await?;
        postgres.resume().await?;
        Ok(postgres)
    }

    /// The server without fsync that all tests of this binary share; use databases named by [`crate::unique`].
    ///
    /// # Errors
    /// As [`Postgres::start`].
    pub async fn shared() -> anyhow::Result<&'static Self> {
        static SHARED: OnceCell<Postgres> = OnceCell::const_new();
        SHARED.get_or_try_init(|| Self::start(PostgresOptions { fast: true })).await
    }

    /// The URL of a database, password included.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{ROLE}:{}@127.0.0.1:{}/{database}", self.password, self.port)
    }

    /// Creates an empty database and returns its URL.
    ///
    /// # Errors
    /// If the name is taken or is not `[a-z0-9_]+`.
    pub async fn create_database(&self, name: &str) -> anyhow::Result<String> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        ensure!(!name.is_empty() && name.chars().all(plain), "{name:?} is no plain database name");
        self.sql("postgres", &format!("CREATE DATABASE {name}")).await?;
        Ok(self.url(name))
    }

    /// Runs SQL by `psql` and returns the rows, one a line, with columns separated by `|`.
    ///
    /// # Errors
    /// If the server refuses it or is unavailable.
    pub async fn sql(&self, database: &str, sql: &str) -> anyhow::Result<String> {
        let mut command = self.client("psql", database);
        command.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql]);
        Ok(tool::run("psql", command).await?.trim_end().to_owned())
    }

    /// How many statements the server has carried out since its start, of all databases and without its own of this kind.
    ///
    /// # Errors
    /// If the server lacks `pg_stat_statements`, or is unavailable.
    pub async fn statements(&self) -> anyhow::Result<u64> {
        const COUNT: &str = "SELECT sum(calls) FROM pg_stat_statements WHERE query NOT LIKE '%pg_stat_statements%'";
        self.sql("postgres", "CREATE EXTENSION IF NOT EXISTS pg_stat_statements").await?;
        self.sql("postgres", COUNT).await?.parse().context("no number of statements")
    }

    /// Writes a database to `file`, for [`Postgres::restore`].
    ///
    /// # Errors
    /// If the server is unavailable or the file cannot be written.
    pub async fn dump(&self, database: &str, file: &Path) -> anyhow::Result<()> {
        let mut command = self.client("pg_dump", database);
        command.args(["--format=custom", "--file"]).arg(file);
        tool::run("pg_dump", command).await.map(drop)
    }

    /// Restores a database from `file`, and ends open connections to it.
    ///
    /// # Errors
    /// If the server is unavailable or the file is no dump.
    pub async fn restore(&self, database: &str, file: &Path) -> anyhow::Result<()> {
        self.sql("postgres", &format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)")).await?;
        self.create_database(database).await?;
        let mut command = self.client("pg_restore", database);
        command.args(["--exit-on-error", "--single-transaction"]).arg(file);
        tool::run("pg_restore", command).await.map(drop)
    }

    /// Ends the server without a checkpoint, so that it must recover; port and data stay for [`Postgres::resume`].
    ///
    /// # Errors
    /// If it does not end in time; it is killed then.
    pub async fn crash(&mut self) -> anyhow::Result<()> {
        self.end(Signal::Quit).await
    }

    /// Starts a stopped or crashed server on the port and data it had.
    ///
    /// # Errors
    /// If it does not come up: then with its log.
    pub async fn resume(&mut self) -> anyhow::Result<()> {
        let mut command = Command::new(self.install.program("postgres"));
        command.arg("-D").arg(self.dir.join("data")).current_dir(self.dir.path());
        for setting in self.settings() {
            command.arg("-c").arg(setting);
        }
        // On a quit signal the server ends its workers and shared memory with it, which a plain kill would leave behind.
        let setpriv = self.install.user.as_ref().map(User::setpriv).unwrap_or_default();
        let mut process = Process::start_as("postgres", &command, &setpriv, Signal::Quit)?;
        process.until(START_MAX, "an answer to a query", async |_| self.sql("postgres", "SELECT 1").await.map(Some)).await?;
        self.set_process(process);
        Ok(())
    }

    /// Stops the server in order and starts it again on the same port and data.
    ///
    /// # Errors
    /// As [`Server::stop`] and [`Postgres::resume`].
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.stop().await?;
        self.resume().await
    }

    fn settings(&self) -> Vec<String> {
        let mut settings = vec![
            format!("port={}", self.port),
            "listen_addresses=127.0.0.1".to_owned(),
            format!("unix_socket_directories={}", self.dir.path().display()),
            "max_connections=200".to_owned(),
            "shared_preload_libraries=pg_stat_statements".to_owned(),
        ];
        if self.options.fast {
            settings.extend(["fsync=off", "synchronous_commit=off", "full_page_writes=off"].map(str::to_owned));
        }
        settings
    }

    /// `initdb`, as the user who will run the server: it refuses to be root.
    async fn initialize(&self) -> anyhow::Result<()> {
        let password = self.dir.join("password");
        std::fs::write(&password, &self.password).context("writing the password")?;
        let mut command = self.install.as_user("initdb");
        command.args(["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync", "--username", ROLE]);
        command.arg("--pwfile").arg(&password).arg("-D").arg(self.dir.join("data")).current_dir(self.dir.path());
        if let Some(User { uid, gid }) = self.install.user {
            for path in [self.dir.path(), &password] {
                chown(path, Some(uid), Some(gid)).context("giving the directory to the server's user")?;
            }
        }
        tool::run("initdb", command).await.map(drop)
    }

    /// A client program, connected to `database` by TCP and password as our services are.
    fn client(&self, program: &str, database: &str) -> Command {
        let mut command = Command::new(self.install.program(program));
        command.env("PGCONNECT_TIMEOUT", "10").env("PGPASSWORD", &self.password);
        command.args(["-w", "-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", ROLE, "-d", database]);
        command
    }
}

impl Deref for Postgres {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl DerefMut for Postgres {
    fn deref_mut(&mut self) -> &mut Server {
        &mut self.server
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let Some(process) = self.server.process() else {
            return;
        };
        // A quit signal lets the server clean up. If it hangs, the drop of the process kills it.
        if process.signal(Signal::Quit).is_ok() {
            process.wait_briefly();
        }
    }
}
