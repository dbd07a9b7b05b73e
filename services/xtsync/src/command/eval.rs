//! `xtsync eval`: evaluates an expression or a filter for one user, and shows how it came to its value.

use std::path::Path;

use anyhow::{Context as _, anyhow};
use serde_json::{Map, Value as Json, json};
use xtsync_contract::control::ReadUserRequest;
use xtsync_domain::delta::{State, UserDelta};
use xtsync_language::date::DateTime;
use xtsync_language::filter;
use xtsync_language::{Compiler, Context, Explained, Failure, Schema, Value, explain};
use xtsync_runtime::clock::{Clock as _, SystemClock};

use crate::client::{Connection, failure};
use crate::exit;
use crate::output::{self, Format, FormatArgs};
use crate::rules::user::User;
use crate::rules::{bounded, value};

/// The most bytes of a file with a user.
const BYTES_MAX: u64 = 1 << 20;

/// Evaluates an expression or a filter.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  xtsync eval 'Join(\" \", [givenName], [surname])' --user user.json --trace\n  xtsync eval --filter \
                        'department EQUALS \"Sales\"' --user emea/ana@emea.example")]
pub struct Args {
    /// The expression, as in a mapping; with --filter a scoping filter
    #[arg(value_name = "EXPRESSION")]
    text: String,

    /// The text is a scoping filter, as in `scope.where`
    #[arg(long)]
    filter: bool,

    /// The user: a file with a JSON object of attributes, - for standard input, or SOURCE/USER for a user of a tenant, by id, principal name
    /// or mail address [default: a user without attributes]
    #[arg(long, value_name = "USER")]
    user: Option<String>,

    /// The default domain of the target, for DefaultDomain()
    #[arg(long, value_name = "DOMAIN")]
    default_domain: Option<String>,

    /// Show what each part gave
    #[arg(long)]
    trace: bool,

    #[command(flatten)]
    format: FormatArgs,

    #[command(flatten)]
    connection: Connection,
}

/// Evaluates the text and prints the value.
///
/// # Errors
/// If the text is no expression or filter (the error shows the place), if the user cannot be read, or if there is no value for the user.
pub async fn run(args: Args) -> exit::Result {
    let user = match args.user.as_deref() {
        None => User::of_json(&Map::new()),
        Some(name) if is_file(name) => from_file(name)?,
        Some(name) => from_tenant(name, &args.connection).await?,
    };
    let explained = if args.filter { explain_filter(&args.text, &user)? } else { explain_expression(&args, &user)? };
    print(&explained, args.trace, args.format.get())?;
    match explained.value {
        Some(Err(failure)) if !failure.is_ignored() => Err(exit::Code::Failed.because(anyhow!("there is no value: {failure}"))),
        Some(Ok(_) | Err(_)) | None => Ok(()),
    }
}

/// `SOURCE/USER` names a user of a tenant, unless there is such a file.
fn is_file(name: &str) -> bool {
    name == "-" || Path::new(name).exists() || !name.contains('/') || name.starts_with(['/', '.']) || name.ends_with(".json")
}

fn from_file(name: &str) -> anyhow::Result<User> {
    let read = match name {
        "-" => bounded(std::io::stdin(), BYTES_MAX),
        name => std::fs::File::open(name).and_then(|file| bounded(file, BYTES_MAX)),
    };
    let text = read.with_context(|| format!("reading the user in {name}"))?;
    // The error of the parser names a place and no value.
    let attributes: Map<String, Json> = serde_json::from_str(&text).with_context(|| format!("{name} is no JSON object of attributes"))?;
    Ok(User::of_json(&attributes))
}

async fn from_tenant(name: &str, connection: &Connection) -> exit::Result<User> {
    let mut client = connection.connect().await?;
    let read = client.read_user(ReadUserRequest { user: name.to_owned() }).await.map_err(|status| failure(&status))?.into_inner();
    let delta: UserDelta = read.delta.ok_or_else(|| anyhow!("control answered without the user"))?.try_into()?;
    match delta.state {
        State::Present(user) => Ok(User::of_tenant(user.attributes, read.sensitive)),
        State::Gone(_) => Err(exit::Code::Failed.because(anyhow!("{name} was deleted"))),
    }
}

fn explain_expression(args: &Args, user: &User) -> anyhow::Result<Explained> {
    let mut compiler = Compiler::new(user as &dyn Schema);
    let number = compiler.add(&args.text).map_err(|error| anyhow!("{}", error.show(&args.text)))?;
    let now = SystemClock.now();
    // `Guid` and `RandomString` give other values at each run, as for another change of the user.
    let mut seed = [0; 32];
    seed.iter_mut().zip(now.0.to_le_bytes()).for_each(|(seed, byte)| *seed = byte);
    let now = DateTime::from_unix_micros(now.0).unwrap_or_default();
    let context = Context { now, default_domain: args.default_domain.clone(), seed, ..Context::default() };
    Ok(explain(&compiler.finish(), number, user, &context))
}

fn explain_filter(text: &str, user: &User) -> anyhow::Result<Explained> {
    let explained = filter::parse(text).and_then(|tree| filter::explain(&tree, user, user));
    explained.map_err(|error| anyhow!("{}", error.show(text)))
}

fn print(explained: &Explained, trace: bool, format: Format) -> std::io::Result<()> {
    let value = explained.value.clone().unwrap_or(Ok(Value::Null));
    match format {
        Format::Json => output::json(&as_json(explained, &value, trace)),
        Format::Text => {
            let kind = value.as_ref().map_or("none", value::kind);
            let tree = if trace { format!("\n{}", value::trace(explained)) } else { String::new() };
            output::print(&format!("value  {}\ntype   {kind}\n{tree}", value::shown(explained)))
        }
    }
}

fn as_json(explained: &Explained, value: &Result<Value<'_>, Failure>, trace: bool) -> Json {
    let mut shown = match value {
        Ok(_) if explained.is_redacted => json!({"redacted": true}),
        Ok(value) => json!({"value": value::as_json(value), "type": value::kind(value)}),
        Err(failure) => json!({"failure": value::failure_as_json(failure)}),
    };
    if trace {
        shown["trace"] = value::trace_as_json(explained);
    }
    shown
}

#[cfg(test)]
mod tests {
    use xtsync_domain::mapping::AttributeTable;

    use super::*;

    #[test]
    fn a_name_with_a_source_is_a_user_of_a_tenant_and_everything_else_is_a_file() {
        for (name, want) in [
            ("user.json", true),
            ("-", true),
            ("users/ana.json", true),
            ("./ana", true),
            ("/tmp/ana", true),
            ("emea/ana@emea.example", false),
            ("emea/4a0f5c1e-6a0b-4b0e-9a52-3f6f0c6b8e11", false),
        ] {
            assert_eq!(is_file(name), want, "{name}");
        }
        // What mappings know, eval knows as well.
        assert!(AttributeTable::default().names().iter().all(|name| User::default().kind(name).is_some()));
    }
}
