//! Where `make kafka` has put the broker's jars.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};

/// The folder of the jars of the version that the pom pins.
///
/// # Errors
/// If they are not there.
pub(super) fn directory() -> anyhow::Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let pom = std::fs::read_to_string(root.join("tests/servers/kafka/pom.xml")).context("reading Kafka's pom")?;
    let version = between(&pom, "<kafka.version>", "</kafka.version>").context("Kafka's pom names no kafka.version")?;
    let directory = root.join(".cache/kafka").join(version);
    ensure!(directory.is_dir(), "the jars of Kafka {version} are missing: run `make kafka`");
    Ok(directory)
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    Some(rest.split_once(after)?.0)
}
