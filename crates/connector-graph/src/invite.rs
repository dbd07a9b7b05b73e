//! Invitations: the one way to a user who signs in at home (pitfall R3).

use serde::Deserialize;
use serde_json::json;
use xtsync_domain::TargetId;

use super::http::Http;
use xtsync_directory::{Invitation, Result};

/// The page after a redemption by link. No link is sent, but Graph requires the value.
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

/// Invites a guest without mail. For a user invited before, Graph returns the existing object.
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

/// Resets the redemption of a guest without mail (pitfall R6). Graph answers with an invitation of the same guest.
pub(super) async fn reset_redemption(http: &Http, id: &TargetId, address: &str) -> Result<()> {
    let body = json!({
        "invitedUserEmailAddress": address,
        "inviteRedirectUrl": REDIRECT,
        "sendInvitationMessage": false,
        "invitedUser": {"id": id.0},
        "resetRedemption": true,
    });
    http.call(&http.post("/invitations", &[])?.body(body)).await.map(drop)
}
