//! Invitations: the one way to a user who signs in at home (pitfall R3).

use serde::Deserialize;
use serde_json::json;
use xtsync_domain::TargetId;

use super::http::Http;
use xtsync_directory::{Invitation, Result};

/// Where somebody lands who redeems by a link; nobody is sent one, but Graph insists.
const REDIRECT: &str = "https://myapplications.microsoft.com";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Invited {
    invited_user: User,
}

#[derive(Deserialize)]
struct User {
    id: String,
}

/// Invites as a guest, without a mail; whoever was invited before is given back as he is.
pub(super) async fn invite(http: &Http, invitation: &Invitation) -> Result<TargetId> {
    let mut body = json!({
        "invitedUserEmailAddress": invitation.address,
        "inviteRedirectUrl": REDIRECT,
        "sendInvitationMessage": false,
    });
    if let Some(name) = &invitation.display_name {
        body["invitedUserDisplayName"] = json!(name);
    }
    let request = http.post("/invitations", &[])?.body(body);
    let invited: Invited = http.json(&request).await?;
    Ok(TargetId(invited.invited_user.id))
}
