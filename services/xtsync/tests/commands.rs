//! The output and the exit codes of the binary.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use xtsync_harness::{Dir, Process, Signal, free_port};

const LIMIT: Duration = Duration::from_secs(30);

fn xtsync(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtsync"));
    command
        .current_dir(dir)
        .env_remove("XTSYNC_SERVER")
        .env_remove("XTSYNC__DATA_DIR")
        .env_remove("XTSYNC__BUS")
        .env_remove("RUST_LOG")
        .env("NO_COLOR", "1");
    command
}

fn done(dir: &Path, arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = xtsync(dir).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

/// A process that runs roles, with the ports of control and of the probes.
struct Served {
    process: Process,
    control: String,
    admin: String,
}

fn serve(dir: &Path, arguments: &[&str]) -> Served {
    let (control, admin) = (format!("127.0.0.1:{}", free_port()), format!("127.0.0.1:{}", free_port()));
    let mut command = xtsync(dir);
    command.args(["run", "--listen", &control, "--admin-listen", &admin]).args(arguments);
    let process = Process::start("xtsync", &command).unwrap();
    Served { process, control: format!("http://{control}"), admin: format!("http://{admin}") }
}

async fn ask(url: &str) -> Option<(u16, String)> {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let answer = reqwest::get(url).await.ok()?;
    Some((answer.status().as_u16(), answer.text().await.ok()?))
}

/// The Tenant, whose topics get so many partitions.
fn tenant_with(dir: &Path, partitions: u32) {
    let tenant = format!(
        "apiVersion: xtsync.dev/v1\nkind: Tenant\nmetadata: {{name: emea}}\nspec:\n  organization: o\n  partitions: {partitions}\n  graph: {{domain: d.example}}\n"
    );
    std::fs::write(dir.join("emea.yaml"), tenant).unwrap();
}

#[test]
fn topics_keep_the_number_of_partitions_that_they_were_created_with_and_a_difference_is_shown() {
    let dir = Dir::new().unwrap();
    let bus = "embedded:bus.sqlite";
    let row = |out: &str, topic: &str| {
        let line = out.lines().find(|line| line.starts_with(topic)).unwrap_or_else(|| panic!("no {topic} in {out}"));
        line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
    };
    for (partitions, command, of_links, noted) in [
        (3, "list", "3 missing", false),
        (3, "create", "3 created", false),
        (3, "create", "3 exists", false),
        (1, "create", "3, not 1 exists", true),
        (5, "list", "3, not 5 exists", true),
    ] {
        tenant_with(dir.path(), partitions);
        let (code, out, notes) = done(dir.path(), &["topics", command, "-f", "emea.yaml", "--bus", bus]);
        assert_eq!((code, row(&out, "xtsync.v1.links.emea")), (0, of_links.to_owned()), "{command} {partitions}: {notes}");
        assert_eq!(row(&out, "xtsync.v1.config").split(' ').next(), Some("1"));
        assert_eq!(notes.contains("5 topics have another number of partitions than is configured"), noted, "{notes}");
    }
    tenant_with(dir.path(), 0);
    let (code, _, error) = done(dir.path(), &["topics", "list", "-f", "emea.yaml", "--bus", bus]);
    assert_eq!(code, 1);
    assert!(error.contains("emea.yaml: document 1, line ") && error.contains("`partitions` is a number from 1 to 100"), "{error}");
}

#[test]
fn without_a_server_each_error_has_its_message_and_exit_code() {
    let dir = Dir::new().unwrap();
    std::fs::write(dir.join("bad.yaml"), "apiVersion: xtsync.dev/v1\nkind: Organization\nmetadata: {name: o}\nspec: {tenant: []}\n")
        .unwrap();
    std::fs::write(dir.join("blank.yaml"), "# nothing yet\n").unwrap();
    std::fs::create_dir(dir.join("empty")).unwrap();
    std::fs::write(dir.join("empty/.swap.yaml"), "an editor's").unwrap();
    for (arguments, code, words) in [
        (vec!["--version"], 0, "xtsync 0.1.0\n"),
        (vec!["completions", "bash"], 0, "_xtsync() {"),
        (vec!["sync"], 2, "unrecognized subcommand 'sync'"),
        (vec!["run", "--role", "king"], 2, "invalid value 'king'"),
        (vec!["--help"], 0, "3 refused"),
        (vec!["status", "--connect-timeout", "0s"], 1, "error: no token of control in xtsync-data/token"),
        (vec!["status", "--wait=soon"], 2, "'soon' is not a duration: write it as 30s"),
        (vec!["run", "--poll", "0s"], 2, "change_detector.poll: '0s' must be longer than zero (set by a flag)"),
        (vec!["run", "--listen", "x", "--lease-ttl", "0s"], 2, "lease_ttl: '0s' must be longer than zero"),
        (vec!["run", "--config", "missing.toml"], 2, "missing.toml"),
        (vec!["config", "print", "--poll", "7s"], 0, ""),
        (vec!["run", "--lease-ttl=-5s"], 2, "'-5s' is negative"),
        (vec!["apply", "-f", "blank.yaml"], 1, "error: nothing to apply: no resource in blank.yaml\n"),
        (
            vec!["apply", "-f", "bad.yaml"],
            1,
            "error: bad.yaml: document 1, line 4, spec.tenant: unknown field `tenant`, expected one of tenants\n",
        ),
        (vec!["apply", "-f", "none.yaml"], 1, "error: reading the configuration in none.yaml: No such file or directory (os error 2)\n"),
        (vec!["apply", "-f", "none.yaml", "--verbose"], 1, "  because No such file or directory"),
        (vec!["apply", "-f", "empty"], 1, "error: no *.yaml in empty\n"),
        (vec!["topics", "list", "--bus", "kafka://127.0.0.1:1"], 1, "error: no tenant is named: use --file or --tenant\n"),
        (vec!["topics", "list", "--tenant", "Emea"], 2, "'Emea' is not a name"),
        (
            vec!["topics", "create", "--tenant", "emea", "--replication", "1", "--min-insync", "2"],
            2,
            "error: --min-insync may not exceed --replication\n",
        ),
        (
            vec!["run", "--listen", "0.0.0.0:0", "--admin-listen", "127.0.0.1:0"],
            1,
            "error: the control API listens on loopback only for now",
        ),
        (
            vec!["run", "--store", "postgress://u:hunter2@db/x", "--admin-listen", "127.0.0.1:0", "--listen", "127.0.0.1:0"],
            1,
            "error: --store: ",
        ),
        (vec!["run", "--store", "mysql://db/x", "--admin-listen", "127.0.0.1:0", "--listen", "127.0.0.1:0"], 1, "error: --store: "),
        (vec!["run", "--data-dir", "postgres://db/x"], 2, "it is a URL, not a path"),
        (
            vec!["run", "--bus", "kafka://broker:9092", "--admin-listen", "127.0.0.1:0", "--listen", "127.0.0.1:0"],
            1,
            "parameter security: it is missing",
        ),
        (
            vec!["run", "--allow-host", "https://x", "--admin-listen", "127.0.0.1:0", "--listen", "127.0.0.1:0"],
            2,
            "allow_hosts: 'https://x' is not a host",
        ),
        (vec!["status", "--server", "http://control.example:8600"], 2, "the token would travel in the clear"),
        (vec!["run", "--bus", "nats://here", "--admin-listen", "127.0.0.1:0", "--listen", "127.0.0.1:0"], 1, "kafka://"),
    ] {
        let (got, out, err) = done(dir.path(), &arguments);
        assert_eq!(got, code, "{arguments:?}: {err}");
        let printed = if code == 0 { out } else { err };
        assert!(printed.contains(words) && !printed.contains("hunter2"), "{arguments:?}: {printed}");
    }
    let mut left: Vec<String> =
        std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    left.sort();
    assert_eq!(left, ["bad.yaml", "blank.yaml", "empty", "xtsync-data"], "a URL became a folder");
}

#[tokio::test]
async fn resources_are_applied_listed_and_waited_for_and_term_stops_cleanly() {
    let dir = Dir::new().unwrap();
    let path = dir.path();
    let mut served = serve(path, &["--role", "control"]);
    served.process.until_ready(&format!("{}/readyz", served.admin), LIMIT).await.unwrap();
    let run = |arguments: &[&str]| done(path, &[arguments, &["--server", &served.control]].concat());
    let yaml = include_str!("support/tenants.yaml")
        .replace("ADDRESS", "http://127.0.0.1:1")
        .replace("CLIENT", "{clientId: a, clientSecret: {file: s}}");
    std::fs::write(path.join("tenants.yaml"), &yaml).unwrap();

    let (code, out, err) = run(&["apply", "-f", "tenants.yaml", "--wait", "0s"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("Organization/-/contoso created\nTenant/emea/emea created\n"), "{out}");
    let (code, out, err) = run(&["apply", "-f", "tenants.yaml", "--wait", "100ms"]);
    assert!(out.ends_with("Synchronization/emea/to-hub is stored and pending: nothing of it is in force yet\n"), "{out}");
    let pending = "error: tenants.yaml: document 4, line 23, spec.scope.groups[0]: group GlobalEmployees not seen yet\n";
    assert_eq!((code, err.as_str()), (1, pending));

    let (code, out, _) = run(&["get", "synchronization", "--json"]);
    let listed: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, listed[0]["id"].as_str()), (0, Some("Synchronization/emea/to-hub")));
    assert_eq!(listed[0]["pending"][0]["path"], "spec.scope.groups[0]");
    let (code, out, err) = run(&["status", "--wait=100ms", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &status["converged"], &status["synchronizations"][0]["name"]), (4, &false.into(), &"to-hub".into()));
    assert!(err.starts_with("error: not converged in time: waiting for to-hub: group GlobalEmployees not seen yet"), "{err}");
    let (code, out, err) = run(&["show", "emea/unknown", "hub"]);
    let want = "error: nothing is known of emea/unknown: emea has no such user, or the user was never in any of its scopes; nothing is kept of users outside \
                every scope\n  emea: not read completely yet, see `xtsync status`; to-hub has in scope: GlobalEmployees\n  to check, ";
    assert!(code == 1 && out.is_empty() && err.starts_with(want), "{code} {out} {err}");
    assert_eq!(run(&["show", "nowhere/unknown"]), (1, String::new(), "error: there is no Tenant nowhere\n".to_owned()));
    assert_eq!(run(&["republish"]), (0, "emea is republished\nhub is republished\n".to_owned(), String::new()));
    assert_eq!(run(&["republish", "--tenant", "emea", "--json"]).1, "{\n  \"tenants\": [\n    \"emea\"\n  ]\n}\n");
    assert_eq!(run(&["resync", "emea"]), (0, "emea is read from the beginning\n".to_owned(), String::new()));
    assert_eq!(run(&["resync", "nowhere"]).0, 1);
    assert_eq!(run(&["resume", "hub"]), (0, "hub is resumed\n".to_owned(), String::new()));
    assert_eq!(run(&["resume", "nowhere"]), (1, String::new(), "error: there is no Tenant nowhere\n".to_owned()));
    std::fs::write(path.join("other"), "0123456789abcdef0123456789abcdef").unwrap();
    std::fs::set_permissions(path.join("other"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let (code, _, err) = run(&["status", "--token-file", "other"]);
    assert_eq!((code, err.as_str()), (3, "error: the token is missing or wrong: see --token-file\n"));

    let ended = served.process.end(Signal::Term, LIMIT).await.unwrap();
    assert!(ended.success(), "{ended}");
}

#[tokio::test]
async fn a_folder_of_yaml_is_applied_at_start_and_again_when_it_changes() {
    let dir = Dir::new().unwrap();
    let folder = dir.join("config");
    std::fs::create_dir(&folder).unwrap();
    let organization =
        |name: &str| format!("apiVersion: xtsync.dev/v1\nkind: Organization\nmetadata: {{name: {name}}}\nspec: {{tenants: []}}\n");
    std::fs::write(folder.join("a.yaml"), organization("first")).unwrap();
    let mut served = serve(dir.path(), &["--role", "control", "--config-dir", "config"]);
    served.process.until_ready(&format!("{}/readyz", served.admin), LIMIT).await.unwrap();
    let listed = || done(dir.path(), &["get", "--server", &served.control]).1;
    let until = async |name: &str| xtsync_harness::wait_for(LIMIT, name, async || Ok(listed().contains(name).then_some(()))).await.unwrap();
    until("Organization/-/first").await;
    std::fs::write(folder.join("b.yaml"), organization("second")).unwrap();
    until("Organization/-/second").await;
    assert!(served.process.end(Signal::Int, LIMIT).await.unwrap().success());
}

#[tokio::test]
async fn without_broker_and_database_it_stays_up_unready_and_stops_on_term() {
    let dir = Dir::new().unwrap();
    let away = ["--bus", "kafka://127.0.0.1:1", "--store", "postgres://xtsync@127.0.0.1:1/none"];
    let mut served = serve(dir.path(), &away);
    let live = xtsync_harness::wait_for(LIMIT, "the probes", async || Ok(ask(&format!("{}/livez", served.admin)).await)).await.unwrap();
    assert_eq!(live.0, 200);
    let is_unready = async || {
        let (code, text) = ask(&format!("{}/readyz", served.admin)).await.unwrap_or_default();
        Ok((code == 503 && text.contains("[-]bus failed") && text.contains("[-]control failed: ") && text.contains("unavailable"))
            .then_some(text))
    };
    xtsync_harness::wait_for(LIMIT, "what is away", is_unready).await.unwrap();
    let (code, _, err) = done(dir.path(), &["status", "--connect-timeout", "0s", "--server", &served.control]);
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("control is starting, or its store or the bus is unavailable"), "{err}");
    let ended = served.process.end(Signal::Term, LIMIT).await.unwrap();
    assert!(ended.success(), "{ended}");
}

#[tokio::test]
async fn a_log_filter_is_taken_from_the_environment_our_own_name_first() {
    for (variables, is_logged) in [
        (vec![("RUST_LOG", "off")], false),
        (vec![("RUST_LOG", "off"), ("XTSYNC_LOG", "info")], true),
        (vec![("RUST_LOG", "info"), ("XTSYNC_LOG", "off")], false),
    ] {
        let dir = Dir::new().unwrap();
        let admin = format!("127.0.0.1:{}", free_port());
        let mut command = xtsync(dir.path());
        command.args(["run", "--role", "control", "--listen", "127.0.0.1:0", "--admin-listen", &admin]).envs(variables.clone());
        let mut process = Process::start("xtsync", &command).unwrap();
        process.until_ready(&format!("http://{admin}/readyz"), LIMIT).await.unwrap();
        assert!(process.end(Signal::Term, LIMIT).await.unwrap().success());
        assert_eq!(process.stderr().contains("started"), is_logged, "{variables:?}: {}", process.stderr());
    }
}
