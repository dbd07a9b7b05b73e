//! One process under test: started, watched, signalled, and killed when dropped.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::{Dir, child_guard, wait_for};

/// How many of a process's last lines an error shows.
const TAIL_LINES: usize = 40;

/// How long a dropped process may take to clean up before it is killed.
const EXIT_TIMEOUT: Duration = Duration::from_secs(5);

/// How much of an HTTP answer is read: its status line is all that counts.
const ANSWER_MAX: u64 = 1024;

/// The signals that tests send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Continue after [`Signal::Stop`].
    Cont,
    /// Stop as from the keyboard.
    Int,
    /// End at once, without a chance to clean up.
    Kill,
    /// End; to PostgreSQL: without a checkpoint.
    Quit,
    /// Freeze: connections stay open without an answer.
    Stop,
    /// Drain and end.
    Term,
}

impl Signal {
    fn name(self) -> &'static str {
        match self {
            Self::Cont => "CONT",
            Self::Int => "INT",
            Self::Kill => "KILL",
            Self::Quit => "QUIT",
            Self::Stop => "STOP",
            Self::Term => "TERM",
        }
    }
}

/// A running process whose output goes to files. Killed on drop, and by the kernel when the test binary ends.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    exit: Option<ExitStatus>,
    output: Dir,
}

impl Process {
    /// Starts `command` with no input and its output captured; `name` is what errors call it.
    ///
    /// Program, arguments, environment and working directory of `command` count; its standard streams do not.
    ///
    /// # Errors
    /// If it, or `setpriv` of util-linux, cannot be started.
    pub fn start(name: &str, command: &Command) -> anyhow::Result<Self> {
        Self::start_as(name, command, &[], Signal::Kill)
    }

    /// As [`Process::start`], with options to `setpriv` and with the signal it gets should this process die first.
    pub(crate) fn start_as(name: &str, command: &Command, setpriv: &[String], orphaned: Signal) -> anyhow::Result<Self> {
        let output = Dir::new()?;
        let file = |stream: &str| File::create(output.join(stream)).context("capturing output");
        let mut wrapped = Command::new("setpriv");
        wrapped.args(["--pdeathsig", orphaned.name()]).args(setpriv).arg("--");
        wrapped.arg(command.get_program()).args(command.get_args());
        for (key, value) in command.get_envs() {
            match value {
                Some(value) => wrapped.env(key, value),
                None => wrapped.env_remove(key),
            };
        }
        if let Some(dir) = command.get_current_dir() {
            wrapped.current_dir(dir);
        }
        wrapped.stdin(Stdio::null()).stdout(file("stdout")?).stderr(file("stderr")?);
        let child =
            child_guard::spawn(wrapped).with_context(|| format!("starting {name} by setpriv, which Debian's package util-linux has"))?;
        Ok(Self { name: name.to_owned(), child, exit: None, output })
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote to standard output so far.
    #[must_use]
    pub fn stdout(&self) -> String {
        self.written("stdout")
    }

    /// What it wrote to standard error so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.written("stderr")
    }

    /// Where standard error is captured, for a test that follows it.
    #[must_use]
    pub fn stderr_path(&self) -> PathBuf {
        self.output.join("stderr")
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// If the process has ended and its status was read.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        // Until its status is read the dead process keeps its number, so no stranger can be hit.
        ensure!(self.exit.is_none(), "{} has ended, it gets no signal {}", self.name, signal.name());
        let pid = self.pid().to_string();
        let sent = Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", signal.name(), &pid]).status();
        ensure!(sent?.success(), "cannot send {} to {} ({pid})", signal.name(), self.name);
        Ok(())
    }

    /// Its exit status, if it has ended.
    ///
    /// # Errors
    /// If the system does not say.
    pub fn exit_status(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        if self.exit.is_none() {
            self.exit = self.child.try_wait()?;
        }
        Ok(self.exit)
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    /// If it still runs after `limit`, with its last lines.
    pub async fn wait(&mut self, limit: Duration) -> anyhow::Result<ExitStatus> {
        let what = format!("{} to end", self.name);
        let ended = wait_for(limit, &what, async || self.exit_status()).await;
        ended.with_context(|| self.tail())
    }

    /// Sends `signal` and waits for the end.
    ///
    /// # Errors
    /// If it still runs after `limit`, with its last lines.
    pub async fn end(&mut self, signal: Signal, limit: Duration) -> anyhow::Result<ExitStatus> {
        if let Some(status) = self.exit_status()? {
            return Ok(status);
        }
        self.signal(signal)?;
        self.wait(limit).await
    }

    /// Waits until `look` returns `Some`, and gives up at once when the process ends.
    ///
    /// # Errors
    /// If the process ends or `limit` passes first, with what was waited for and its last lines.
    pub async fn until<T>(
        &mut self,
        limit: Duration,
        what: &str,
        mut check: impl AsyncFnMut(&Self) -> anyhow::Result<Option<T>>,
    ) -> anyhow::Result<T> {
        let what = format!("{what} of {}", self.name);
        let answer = wait_for(limit, &what, async || {
            if let Some(status) = self.exit_status()? {
                return Ok(Some(Err(anyhow!("{} ended ({status}) while its test waited for {what}", self.name))));
            }
            Ok(check(self).await?.map(Ok))
        });
        answer.await.and_then(|found| found).with_context(|| self.tail())
    }

    /// Waits until a GET of `url` (plain http) is answered with status 200.
    ///
    /// # Errors
    /// As [`Process::until`].
    pub async fn until_ready(&mut self, url: &str, limit: Duration) -> anyhow::Result<()> {
        self.until(limit, &format!("200 at {url}"), async |_| {
            let line = status_line(url).await?;
            ensure!(line.contains(" 200 "), "it answers {line}");
            Ok(Some(()))
        })
        .await
    }

    /// The last lines of both streams, as text to put into an error.
    #[must_use]
    pub fn tail(&self) -> String {
        let last = |text: String| {
            let lines: Vec<&str> = text.lines().collect();
            lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
        };
        let (stdout, stderr) = (last(self.stdout()), last(self.stderr()));
        format!("last lines of {}\n--- stdout\n{stdout}\n--- stderr\n{stderr}\n---", self.name)
    }

    /// Waits for the end on this thread, for a `drop` that has sent a signal and gives it a chance.
    pub(crate) fn wait_briefly(&mut self) {
        let deadline = Instant::now() + EXIT_TIMEOUT;
        while matches!(self.exit_status(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn written(&self, stream: &str) -> String {
        let bytes = std::fs::read(self.output.join(stream)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A failure cannot be reported in drop; the kernel kills the process in the end.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

async fn status_line(url: &str) -> anyhow::Result<String> {
    let rest = url.strip_prefix("http://").with_context(|| format!("{url} is not plain http"))?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = TcpStream::connect(host).await?;
    let request = format!("GET /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(ANSWER_MAX).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned())
}
