//! `xtsync show`: one user in every target, or in one, with the reasons for the state and what would change it.

mod reasons;
mod unknown;

use serde_json::{Map, Value, json};
use xtsync_contract::control::{Reason, ShowUserRequest, ShowUserResponse, ShownLink};
use xtsync_contract::convert::{attributes, code, time};
use xtsync_contract::events::{Link, ShadowState};
use xtsync_runtime::escape::{Lines, visible};

use crate::client::{Connection, failure};
use crate::exit;
use crate::output::{self, Format, FormatArgs};

/// Shows one user in every target, or in one.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  xtsync show ana@emea.example\n  xtsync show emea/4a0f5c1e-6a0b-4b0e-9a52-3f6f0c6b8e11 hub --values")]
pub struct Args {
    /// The user: an id, SOURCE/ID, a principal name or a mail address
    #[arg(value_name = "USER")]
    user: String,

    /// The target tenant [default: all]
    #[arg(value_name = "TARGET")]
    target: Option<String>,

    /// Show the values of attributes, not their names alone
    #[arg(long)]
    values: bool,

    #[command(flatten)]
    format: FormatArgs,

    #[command(flatten)]
    connection: Connection,
}

/// Shows the user.
///
/// # Errors
/// If control does not answer, knows no such tenant, or nothing is known of such a user.
pub async fn run(args: Args) -> exit::Result {
    let mut client = args.connection.connect().await?;
    let request = ShowUserRequest { user: args.user.clone(), target: args.target.unwrap_or_default() };
    let shown = client.show_user(request).await.map_err(|status| failure(&status))?.into_inner();
    match args.format.get() {
        Format::Json => output::json(&as_json(&shown, args.values))?,
        Format::Text if shown.links.is_empty() => {}
        Format::Text => output::print(&as_text(&shown, args.values))?,
    }
    if shown.links.is_empty() {
        return Err(exit::Code::Failed.because(anyhow::anyhow!("{}", unknown::text(&args.user, &shown.searched))));
    }
    Ok(())
}

fn as_text(shown: &ShowUserResponse, values: bool) -> String {
    let mut lines = Vec::new();
    for ShownLink { source, user_id, target, link, reasons, sensitive } in &shown.links {
        lines.push(match target.is_empty() {
            true => format!("{source}/{user_id}"),
            false => format!("{source}/{user_id} in {target}"),
        });
        if let Some(link) = link {
            lines.push(format!("  synchronization: {}", link.synchronization));
            lines.extend(link.shadow.as_ref().map(|shadow| format!("  target user: {} {}", shadow.target_id, state(link))));
            lines.extend(last_change(link).map(|at| format!("  last change: {at}")));
            let attributes: Vec<String> =
                named(link, values).into_iter().chain(sensitive.iter().map(|name| redacted(name, values))).collect();
            lines.extend((!attributes.is_empty()).then(|| format!("  attributes: {}", attributes.join(", "))));
        }
        lines.extend(reasons.iter().map(|reason| format!("  {}", reasons::text(reason))));
    }
    let lines: Vec<String> = lines.iter().map(|line| visible(line, Lines::Escaped).into_owned()).collect();
    format!("{}\n", lines.join("\n"))
}

fn state(link: &Link) -> &'static str {
    let Some(shadow) = &link.shadow else { return "none" };
    match (shadow.state(), shadow.enabled) {
        (ShadowState::Live | ShadowState::Unverified, true) => "present",
        (ShadowState::Live | ShadowState::Unverified, false) => "disabled",
        (ShadowState::SoftDeleted, _) => "deleted",
        (ShadowState::Inviting, _) => "being created",
        (ShadowState::Deprovisioning, _) => "being deleted",
        (ShadowState::Restoring, _) => "being restored",
        (ShadowState::None | ShadowState::Unspecified, _) => "none",
    }
}

/// When the target was last brought to a decision.
fn last_change(link: &Link) -> Option<String> {
    time("at", link.applied.as_ref()?.at).ok().map(|at| at.to_string())
}

/// A sensitive attribute, whose value control leaves out.
fn redacted(name: &str, values: bool) -> String {
    if values { format!("{name}=(sensitive)") } else { name.to_owned() }
}

/// The attributes that were written: names, with values where these are asked for.
fn named(link: &Link, values: bool) -> Vec<String> {
    let Some(applied) = &link.applied else { return Vec::new() };
    let known = attributes(applied.attributes.clone()).unwrap_or_default();
    known.iter().map(|(name, value)| if values { format!("{name}={}", value_as_json(value)) } else { name.to_owned() }).collect()
}

fn as_json(shown: &ShowUserResponse, values: bool) -> Value {
    let links = shown.links.iter().map(|ShownLink { source, user_id, target, link, reasons, sensitive }| {
        let link = link.as_ref().map(|link| {
            let shadow = link.shadow.as_ref();
            json!({
                "synchronization": link.synchronization, "version": link.link_version, "state": state(link),
                "target_id": shadow.map(|shadow| &shadow.target_id), "anchor": shadow.map(|shadow| &shadow.anchor),
                "redeemed": shadow.is_some_and(|shadow| shadow.redeemed), "last_change": last_change(link),
                "attributes": attributes_as_json(link, values), "sensitive": sensitive,
            })
        });
        json!({"source": source, "user": user_id, "target": target, "link": link, "reasons": reasons.iter().map(reason_as_json).collect::<Value>()})
    });
    json!({"links": links.collect::<Value>(), "searched": unknown::as_json(&shown.searched)})
}

fn reason_as_json(reason: &Reason) -> Value {
    let code = code(reason.code().as_str_name(), "REASON_CODE_");
    json!({"code": code, "parameters": reason.parameters, "text": reasons::text(reason)})
}

/// An object with the values where these are asked for, else an array of names.
fn attributes_as_json(link: &Link, values: bool) -> Value {
    let known = link.applied.as_ref().and_then(|applied| attributes(applied.attributes.clone()).ok()).unwrap_or_default();
    match values {
        true => known.iter().map(|(name, value)| (name.to_owned(), value_as_json(value))).collect::<Map<_, _>>().into(),
        false => known.iter().map(|(name, _)| name).collect(),
    }
}

fn value_as_json(value: &xtsync_domain::Value) -> Value {
    use xtsync_domain::Value as Written;
    match value {
        Written::Null => Value::Null,
        Written::Text(text) => json!(text),
        Written::Flag(flag) => json!(flag),
        Written::Number(number) => json!(number),
        Written::Texts(texts) => json!(texts),
        Written::Time(time) => json!(time.to_string()),
        Written::Reference(reference) => json!(format!("{}/{}", reference.tenant, reference.user)),
        Written::Binary(bytes) => json!(format!("{} bytes", bytes.len())),
    }
}
