//! `xtsync show`: prints one link and the reasons for its state. It prints the names of attributes, never their values.

use std::str::FromStr;

use serde_json::{Value, json};
use xtsync_contract::control::{GetLinkRequest, GetLinkResponse};
use xtsync_contract::events::{Link, ShadowState};

use crate::client::{Connection, failure};
use crate::exit;
use crate::output::escape::{Lines, visible};
use crate::output::{self, Format};

/// Shows one link.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  xtsync show emea/5c0f0bd8-6d4c-4bb2-9d0f-2f6b7b0f7a11 contoso")]
pub struct Args {
    /// The link: its source tenant and the user's id there
    #[arg(value_name = "SOURCE/USER")]
    link: LinkKey,

    /// The target tenant
    target: String,

    /// Print JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    connection: Connection,
}

/// `SOURCE/USER`.
#[derive(Debug, Clone)]
pub struct LinkKey {
    source: String,
    user: String,
}

impl FromStr for LinkKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (source, user) = text.split_once('/').ok_or("a link is given as SOURCE/USER")?;
        Ok(Self { source: source.to_owned(), user: user.to_owned() })
    }
}

/// Prints the link.
///
/// # Errors
/// When control does not answer or knows no such link.
pub async fn run(args: Args) -> exit::Result {
    let mut client = args.connection.connect().await?;
    let request = GetLinkRequest { target: args.target, source: args.link.source, user_id: args.link.user };
    let shown = client.get_link(request).await.map_err(|status| failure(&status))?.into_inner();
    match Format::of(args.json) {
        Format::Json => output::json(&as_json(&shown))?,
        Format::Text => output::print(&as_text(&shown))?,
    }
    Ok(())
}

fn as_text(shown: &GetLinkResponse) -> String {
    let mut lines = Vec::new();
    if let Some(link) = &shown.link {
        lines.push(format!("{}/{} in {} ({})", link.source, link.user_id, link.target, link.synchronization));
        lines.extend(link.shadow.as_ref().map(|shadow| format!("  target user {}: {}", shadow.target_id, state(link))));
    }
    lines.extend(shown.reasons.iter().map(|reason| format!("  {reason}")));
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

fn as_json(shown: &GetLinkResponse) -> Value {
    let link = shown.link.as_ref().map(|link| {
        let shadow = link.shadow.as_ref();
        let attributes: Vec<&String> = link.applied.iter().flat_map(|applied| applied.attributes.keys()).collect();
        json!({
            "source": link.source, "user": link.user_id, "target": link.target, "synchronization": link.synchronization,
            "version": link.link_version, "state": state(link), "target_id": shadow.map(|shadow| &shadow.target_id),
            "anchor": shadow.map(|shadow| &shadow.anchor), "redeemed": shadow.is_some_and(|shadow| shadow.redeemed),
            "attributes": attributes,
        })
    });
    json!({"link": link, "reasons": shown.reasons})
}
