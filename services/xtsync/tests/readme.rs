//! What README tells a newcomer to paste works as it stands there, pasted at once. Only addresses are others, so that tests do not meet.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use xtsync_harness::{Dir, free_port};

const README: &str = include_str!("../../../README.md");

/// The first block of a language after a heading.
fn block(heading: &str, language: &str) -> &'static str {
    let section = README.split_once(&format!("\n## {heading}\n")).unwrap().1;
    let section = section.split_once("\n## ").map_or(section, |(section, _)| section);
    section.split_once(&format!("```{language}\n")).unwrap().1.split_once("\n```").unwrap().0
}

#[test]
fn the_block_that_tries_it_on_simulated_tenants_works_when_pasted_at_once() {
    let dir = Dir::new().unwrap();
    let [graph, control, admin] = [(); 3].map(|()| format!("127.0.0.1:{}", free_port()));
    let yaml = block("Try it on simulated tenants", "yaml").replace("127.0.0.1:8700", &graph);
    std::fs::write(dir.join("contoso.yaml"), yaml).unwrap();
    // What runs in the background ends with the shell that the block is pasted into.
    let wrapper = format!(
        "#!/bin/bash\ncase $1 in\n\
         tenant-sim) exec setpriv --pdeathsig KILL -- \"$XTSYNC\" \"$@\" --listen {graph} ;;\n\
         run) exec setpriv --pdeathsig KILL -- \"$XTSYNC\" \"$@\" --listen {control} --admin-listen {admin} ;;\n\
         *) exec \"$XTSYNC\" \"$@\" --server http://{control} ;;\nesac\n"
    );
    std::fs::write(dir.join("wrapper"), wrapper).unwrap();
    std::fs::set_permissions(dir.join("wrapper"), PermissionsExt::from_mode(0o755)).unwrap();
    let pasted = block("Try it on simulated tenants", "sh").replace("xtsync=target/release/xtsync", "xtsync=./wrapper");
    assert!(pasted.contains("xtsync=./wrapper"), "{pasted}");

    let mut shell = Command::new("timeout");
    shell.args(["120", "bash", "-e", "-c", &pasted]).current_dir(dir.path()).env("XTSYNC", env!("CARGO_BIN_EXE_xtsync"));
    for name in ["XTSYNC_SERVER", "XTSYNC_DATA_DIR", "XTSYNC_BUS", "XTSYNC_STORE", "XTSYNC_TOKEN_FILE"] {
        shell.env_remove(name);
    }
    let output = shell.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{out}\n{err}", output.status);
    assert!(out.contains("Synchronization/emea/to-hub created") && out.contains(", settled"), "{out}\n{err}");
}
