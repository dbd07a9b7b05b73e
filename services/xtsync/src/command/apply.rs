//! `xtsync apply`: applies YAML as one revision, then waits until the groups that it names are resolved.

mod names;

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use serde_json::{Value, json};
use tonic::Code;
use xtsync_contract::control::applied_resource::Change;
use xtsync_contract::control::{AppliedResource, ApplyRequest, ApplyResponse, Document};
use xtsync_control::folder;
use xtsync_control::manifest::{self, BYTES_MAX, File, Written};
use xtsync_control::problem::Problem;
use xtsync_domain::duration;

use crate::client::{Client, Connection, failure, retry_while_unavailable};
use crate::exit;
use crate::output::{self, Format, FormatArgs};

/// Applies resources as one revision.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  xtsync apply --file config/\n  xtsync apply --file - --wait 0s <contoso.yaml")]
pub struct Args {
    /// File, folder, or - for standard input; may be repeated
    #[arg(long = "file", short, value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// The longest wait for group names to be resolved; 0s does not wait
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration::parse)]
    wait: Duration,

    /// Resolve every group name again, also those resolved before: adopts a group that was recreated under the same name
    #[arg(long)]
    refresh_names: bool,

    #[command(flatten)]
    format: FormatArgs,

    #[command(flatten)]
    connection: Connection,
}

/// Applies the resources and prints the outcome.
///
/// # Errors
/// When a resource is invalid (the error names file and line); when a group is not resolved in time, so that its resource stays pending; or
/// when a group that was resolved before is gone.
pub async fn run(args: Args) -> exit::Result {
    let files = read(&args.files)?;
    // Parsed here first: a mistake in the text is reported without a server.
    let written = manifest::read(&files).map_err(|problems| refused(&problems))?;
    let mut client = args.connection.connect().await?;
    let applied = send(&mut client, files, args.refresh_names, args.wait).await?;
    let format = args.format.get();
    if format == Format::Text {
        output::print(&as_text(&applied))?;
    }
    let found = names::wait(&mut client, &written, args.wait).await?;
    match format {
        Format::Json => output::json(&as_json(&applied, &found))?,
        Format::Text => output::print(&found.as_text())?,
    }
    found.verdict()
}

fn read(paths: &[PathBuf]) -> anyhow::Result<Vec<File>> {
    let mut files = Vec::new();
    for path in paths {
        if path == Path::new("-") {
            files.push(standard_input()?);
        } else {
            files.extend(folder::read(path)?);
        }
    }
    if files.is_empty() {
        return Err(anyhow!("no *.yaml in {}", paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")));
    }
    Ok(files)
}

fn standard_input() -> anyhow::Result<File> {
    let mut yaml = String::new();
    std::io::stdin().take(BYTES_MAX as u64 + 1).read_to_string(&mut yaml).context("reading standard input")?;
    Ok(File { name: "-".to_owned(), yaml })
}

async fn send(client: &mut Client, files: Vec<File>, refresh_names: bool, wait: Duration) -> exit::Result<ApplyResponse> {
    let documents = files.into_iter().map(|file| Document { name: file.name, yaml: file.yaml }).collect();
    let request = ApplyRequest { documents, actor: super::actor(), refresh_names };
    let answer = retry_while_unavailable(wait, async || client.apply(request.clone()).await).await;
    Ok(answer
        .map_err(|status| if status.code() == Code::InvalidArgument { problems_error(status.message()) } else { failure(&status) })?
        .into_inner())
}

fn refused(problems: &[Problem]) -> exit::Failure {
    problems_error(&problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n"))
}

/// Each mistake on a line of its own. The lines that show a place in a text are indented, and belong to the mistake before them.
fn problems_error(problems: &str) -> exit::Failure {
    let lines: Vec<String> = problems
        .lines()
        .enumerate()
        .map(|(at, line)| if at == 0 || line.starts_with(' ') { line.to_owned() } else { format!("error: {line}") })
        .collect();
    exit::Code::Failed.because(anyhow!("{}", lines.join("\n")))
}

fn as_text(applied: &ApplyResponse) -> String {
    let lines = applied.resources.iter().map(|resource| match resource.change() {
        Change::Unchanged | Change::Unspecified => format!("{} unchanged\n", resource.id),
        Change::Pending => format!("{} {}\n", resource.id, output::notable(word(Change::Pending))),
        change @ (Change::Created | Change::Configured) => format!("{} {}\n", resource.id, output::good(word(change))),
    });
    format!("{}revision {}\n", lines.collect::<String>(), applied.revision)
}

fn word(change: Change) -> &'static str {
    match change {
        Change::Created => "created",
        Change::Configured => "configured",
        Change::Pending => "pending",
        Change::Unchanged | Change::Unspecified => "unchanged",
    }
}

fn as_json(applied: &ApplyResponse, found: &names::Found) -> Value {
    let resource = |resource: &AppliedResource| json!({"id": resource.id, "change": word(resource.change())});
    let resources: Vec<Value> = applied.resources.iter().map(resource).collect();
    json!({
        "revision": applied.revision, "resources": resources, "resolved": found.resolved,
        "pending": found.pending, "in_force": found.in_force, "notices": found.notices, "needs_action": found.needs_action,
    })
}

/// The file and line of a field of a written resource.
fn place(written: &[Written], id: &str, path: &str) -> Option<String> {
    written.iter().find(|resource| resource.id.to_string() == id).map(|resource| resource.place(path).to_string())
}
