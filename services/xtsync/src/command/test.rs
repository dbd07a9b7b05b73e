//! `xtsync test`: runs tests of expressions, scoping filters and whole synchronizations, as their files say them.
//!
//! A file is JSON or YAML: a list of entries, each known by its fields, or a document of scoping operators. docs/language.md describes both.

mod entry;
mod expression;
mod filter;
mod junit;
mod outcome;
mod scoping;
mod shape;
mod synchronization;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use serde_json::Value as Json;

use self::entry::Entry;
use self::outcome::{Difference, Outcome};
use self::synchronization::Configurations;
use crate::exit;
use crate::output::{self, Format, FormatArgs};
use crate::rules::bounded;

/// The most bytes of one file.
const BYTES_MAX: u64 = 16 << 20;

/// Runs the tests of files.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  xtsync test tests/rules.yaml\n  xtsync test expressions.json scoping.json --junit report.xml")]
pub struct Args {
    /// The files with the tests, JSON or YAML
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// What the files test; an entry of another kind is an error [default: known by its fields]
    #[arg(long)]
    kind: Option<entry::Kind>,

    /// Write a report in JUnit's format
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,

    #[command(flatten)]
    format: FormatArgs,
}

/// Runs the tests and prints the failures, and how many passed and failed.
///
/// # Errors
/// If a file cannot be read or is no file of tests, or a test fails.
pub fn run(args: &Args) -> exit::Result {
    if let Some(file) = args.files.iter().find(|file| args.junit.as_ref() == Some(file)) {
        return Err(exit::Code::Usage.because(anyhow!("--junit would overwrite the tests in {}", file.display())));
    }
    let mut outcomes = Vec::new();
    let mut configurations = Configurations::default();
    for file in &args.files {
        outcomes.extend(run_file(file, args.kind, &mut configurations)?);
    }
    match args.format.get() {
        Format::Text => output::print(&outcome::as_text(&outcomes))?,
        Format::Json => output::json(&outcome::as_json(&outcomes))?,
    }
    if let Some(report) = &args.junit {
        std::fs::write(report, junit::report(&outcomes)?).with_context(|| format!("writing {}", report.display()))?;
    }
    match outcomes.iter().filter(|outcome| outcome.has_failed()).count() {
        0 => Ok(()),
        failed => Err(exit::Code::Failed.because(anyhow!("{failed} of {} tests failed", outcomes.len()))),
    }
}

fn run_file(path: &Path, kind: Option<entry::Kind>, configurations: &mut Configurations) -> anyhow::Result<Vec<Outcome>> {
    let name = path.display().to_string();
    let json = read(path)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut outcomes = Vec::new();
    for (place, entry) in Entry::all(json).with_context(|| format!("{name} is no file of tests"))? {
        let ran = match entry.and_then(|entry| entry.of_kind(kind)) {
            Ok(entry) => entry.run(folder, configurations),
            Err(error) => vec![Outcome::new("the entry", [Difference::new("entry", "a test", format!("{error:#}"))])],
        };
        outcomes.extend(ran.into_iter().map(|outcome| outcome.at(&name, &place)));
    }
    if outcomes.is_empty() {
        bail!("{name} has no test");
    }
    Ok(outcomes)
}

/// A file as JSON; what does not end with `.json` is read as YAML.
fn read(path: &Path) -> anyhow::Result<Json> {
    let name = path.display();
    let read = std::fs::File::open(path).and_then(|file| bounded(file, BYTES_MAX));
    let text = read.with_context(|| format!("reading the tests in {name}"))?;
    if path.extension().is_some_and(|extension| extension == "json") {
        serde_json::from_str(&text).with_context(|| format!("{name} is no JSON"))
    } else {
        serde_saphyr::from_str(&text).with_context(|| format!("{name} is no YAML"))
    }
}
