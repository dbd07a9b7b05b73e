//! Proves how processes are started, watched and ended, and that none is left behind.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use xtsync_harness::{Process, Signal, binary, free_port, wait_for};

const LIMIT: Duration = Duration::from_secs(20);

fn shell(script: &str) -> Process {
    Process::start("shell", Command::new("sh").args(["-c", script])).expect("sh can be started")
}

#[tokio::test]
async fn output_and_exit_status_are_captured() {
    let mut process = shell("echo out; echo err >&2; exit 3");
    assert_eq!(process.wait(LIMIT).await.unwrap().code(), Some(3));
    assert_eq!((process.stdout().as_str(), process.stderr().as_str()), ("out\n", "err\n"));
    assert!(process.signal(Signal::Term).is_err(), "a process that has ended gets no signal");
}

#[tokio::test]
async fn environment_and_working_directory_of_the_command_count() {
    let mut command = Command::new("sh");
    command.args(["-c", "echo $GREETING; pwd"]).env("GREETING", "hello").current_dir("/");
    let mut process = Process::start("shell", &command).unwrap();
    process.wait(LIMIT).await.unwrap();
    assert_eq!(process.stdout(), "hello\n/\n");
}

#[tokio::test]
async fn a_process_ends_on_term_or_kill() {
    let trap = "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done";
    for (signal, code, last) in [(Signal::Term, Some(0), "up\nbye\n"), (Signal::Kill, None, "up\n")] {
        let mut process = shell(trap);
        let up = process.until(LIMIT, "its first line", async |it| Ok(it.stdout().contains("up").then_some(())));
        up.await.unwrap();
        assert_eq!(process.end(signal, LIMIT).await.unwrap().code(), code, "{signal:?}");
        assert_eq!(process.stdout(), last, "{signal:?}");
    }
}

#[tokio::test]
async fn a_stopped_process_continues_on_cont() {
    let process = shell("while :; do sleep 0.05; done");
    for (signal, frozen) in [(Signal::Stop, true), (Signal::Cont, false)] {
        process.signal(signal).unwrap();
        let state = wait_for(LIMIT, "the process's state", async || {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.pid()))?;
            Ok((stat.contains(") T ") == frozen).then_some(()))
        });
        state.await.unwrap();
    }
}

#[tokio::test]
async fn readiness_is_a_200_and_an_early_exit_fails_at_once_with_the_last_lines() {
    let url = format!("http://127.0.0.1:{}/", free_port());
    let script = format!("python3 -m http.server --bind 127.0.0.1 {}", url[17..].trim_end_matches('/'));
    shell(&format!("exec {script}")).until_ready(&url, LIMIT).await.unwrap();

    let hour = Duration::from_secs(3600);
    let error = shell("echo no such file >&2; exit 7").until_ready(&url, hour).await.unwrap_err();
    let message = format!("{error:#}");
    assert!(message.contains("no such file") && message.contains("exit status: 7") && message.contains(&url), "{message}");
}

#[test]
fn a_program_that_was_not_built_is_named() {
    let message = binary("xtsync-nothing").unwrap_err().to_string();
    assert_eq!(message, "xtsync-nothing was not built: run `cargo build -p xtsync-nothing`, or `make test`, which does");
}

#[tokio::test]
async fn a_dropped_process_is_killed() {
    let process = shell("while :; do sleep 0.05; done");
    let pid = process.pid();
    drop(process);
    assert!(!alive(pid));
}

#[tokio::test]
async fn a_process_outlives_the_thread_that_started_it() {
    // The kernel ends it with the thread that forked it, so that must not be the thread of one test.
    let start = || {
        let mut process = shell("while :; do echo tick; sleep 0.05; done");
        let ticks = process.until(LIMIT, "output", async |it| Ok(it.stdout().contains("tick").then_some(())));
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(ticks).unwrap();
        process
    };
    let mut process = std::thread::spawn(start).join().unwrap();
    let before = process.stdout().len();
    let more = process.until(LIMIT, "further output", async |it| Ok((it.stdout().len() > before + 50).then_some(())));
    more.await.unwrap();
}

#[tokio::test]
async fn no_server_is_left_behind_by_a_binary_that_is_killed_or_ends() {
    for signal in [Signal::Kill, Signal::Term, Signal::Int] {
        let mut command = Command::new(binary("xtsync-harness").unwrap());
        let mut binary = Process::start("binary", command.args(["kafka", "postgres"])).unwrap();
        let ready =
            binary.until(Duration::from_secs(120), "its servers", async |it| Ok(it.stdout().contains("ready").then(|| it.stdout())));
        let pids = pids(&ready.await.unwrap());
        assert!(pids.len() == 2 && pids.iter().all(|pid| alive(*pid)), "{pids:?}");
        binary.end(signal, LIMIT).await.unwrap();
        let gone = wait_for(LIMIT, "the servers to be gone", async || Ok((!pids.iter().any(|pid| alive(*pid))).then_some(())));
        gone.await.unwrap();
    }
}

fn pids(output: &str) -> Vec<u32> {
    output.lines().filter_map(|line| line.split_once("# process ")?.1.parse().ok()).collect()
}

/// A zombie that was not waited for yet counts as gone.
fn alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}
