//! The command blocks of README work when they are pasted as a whole. Only the addresses differ, so that tests do not collide.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod support;

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use support::tenants;
use xtsync_harness::{Dir, Kafka, KafkaOptions, Postgres, PostgresOptions, free_port};

const README: &str = include_str!("../../../README.md");

const TRY: &str = "Try it on simulated tenants";
const FLEET: &str = "On Kafka and PostgreSQL";

/// A block of a language after a heading.
fn block(heading: &str, language: &str, index: usize) -> &'static str {
    let section = README.split_once(&format!("\n## {heading}\n")).unwrap().1;
    let section = section.split_once("\n## ").map_or(section, |(section, _)| section);
    section.split(&format!("```{language}\n")).nth(index + 1).unwrap().split_once("\n```").unwrap().0
}

/// A shell in a folder, in which `$xtsync` uses addresses of its own. Background processes end with the shell.
struct Shell {
    dir: Dir,
    /// Texts of README, each with its replacement.
    addresses: Vec<(&'static str, String)>,
}

impl Shell {
    fn new(dir: Dir, graph: &str) -> Self {
        let addresses: Vec<(&str, String)> =
            ["8611", "8612", "8613", "8614"].map(|port| (port, free_port().to_string())).into_iter().collect();
        let [control, admin] = [(); 2].map(|()| format!("127.0.0.1:{}", free_port()));
        let script = format!(
            "#!/bin/bash\n[[ \" $* \" == *' --admin-listen '* ]] || probes='--admin-listen {admin}'\ncase $1 in\n\
             tenant-sim) exec setpriv --pdeathsig KILL -- \"$XTSYNC\" \"$@\" --listen {graph} ;;\n\
             run) exec setpriv --pdeathsig KILL -- \"$XTSYNC\" \"$@\" --listen {control} $probes ;;\n\
             topics) exec \"$XTSYNC\" \"$@\" ;;\n\
             *) exec \"$XTSYNC\" \"$@\" --server http://{control} ;;\nesac\n"
        );
        std::fs::write(dir.join("wrapper"), script).unwrap();
        std::fs::set_permissions(dir.join("wrapper"), PermissionsExt::from_mode(0o755)).unwrap();
        let yaml = block(TRY, "yaml", 0).replace("127.0.0.1:8700", graph);
        std::fs::write(dir.join("contoso.yaml"), yaml).unwrap();
        Self { dir, addresses }
    }

    /// Runs a text in the shell; returns its output.
    fn paste(&self, text: &str) -> String {
        let text = self.addresses.iter().fold(text.to_owned(), |text, (port, instead)| text.replace(port, instead));
        let mut shell = Command::new("timeout");
        shell.args(["180", "bash", "-e", "-c", &text]).current_dir(self.dir.path()).env("XTSYNC", env!("CARGO_BIN_EXE_xtsync"));
        for name in ["XTSYNC_SERVER", "XTSYNC__DATA_DIR", "XTSYNC__BUS", "XTSYNC__STORE", "XTSYNC_TOKEN_FILE"] {
            shell.env_remove(name);
        }
        let output = shell.output().unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{}\n{out}\n{err}", output.status);
        out.into_owned()
    }
}

#[test]
fn the_block_that_tries_it_on_simulated_tenants_works_when_pasted_at_once() {
    let shell = Shell::new(Dir::new().unwrap(), &format!("127.0.0.1:{}", free_port()));
    let pasted = block(TRY, "sh", 0).replace("xtsync=target/demo/xtsync", "xtsync=./wrapper");
    assert!(pasted.contains("xtsync=./wrapper"), "{pasted}");
    let out = shell.paste(&pasted);
    assert!(out.contains("Synchronization/emea/to-hub created") && out.contains(", converged"), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_block_that_tries_it_on_kafka_and_postgres_works_with_one_broker() {
    let kafka = Kafka::start(KafkaOptions::default()).await.unwrap();
    let postgres = Postgres::start(PostgresOptions::default()).await.unwrap();
    let store = postgres.create_database("xtsync").await.unwrap();
    let dir = Dir::new().unwrap();
    let (_sim, graph) = tenants_at(&dir).await;
    let shell = Shell::new(dir, &graph);
    let given = format!("xtsync=./wrapper\nbus='kafka://{}'\nstore='{store}'\n", kafka.bootstrap());
    let out = tokio::task::spawn_blocking(move || shell.paste(&format!("{given}{}", block(FLEET, "sh", 1)))).await.unwrap();
    assert!(out.contains("created") && out.contains(", converged"), "{out}");
}

/// Simulated tenants with the secret that README creates, and their address.
async fn tenants_at(dir: &Dir) -> (xtsync_tenant_sim::Sim, String) {
    let (sim, yaml) = tenants(20, dir.path()).await;
    let address = yaml.split_once("endpoint: http://").unwrap().1.split(',').next().unwrap().to_owned();
    (sim, address)
}
