//! `POST /invitations`: invites an address as a guest.

use serde_json::{Value as Json, json};

use super::{Answer, Call, Reply, with_context};
use crate::error::Failure;

pub(super) fn serve(call: &Call<'_>) -> Answer {
    if call.method.as_str() != "POST" {
        return Err(Failure::method());
    }
    let body = call.object()?;
    let home = call.sim.is_collaboration_allowed(&body, call.tenant.id);
    let invitation = call.tenant.write().invite(&body, home)?;
    let text = |name: &str| body.get(name).filter(|value| value.is_string()).cloned().unwrap_or(Json::Null);
    let reply = json!({
        "id": invitation.id.to_string(),
        "inviteRedeemUrl": format!("https://login.example/redeem?rd={}&user={}", invitation.id, invitation.user),
        "invitedUserDisplayName": text("invitedUserDisplayName"),
        "invitedUserEmailAddress": text("invitedUserEmailAddress"),
        "invitedUserType": "Guest",
        "resetRedemption": body.get("resetRedemption").and_then(Json::as_bool).unwrap_or(false),
        "sendInvitationMessage": body.get("sendInvitationMessage").and_then(Json::as_bool).unwrap_or(false),
        "inviteRedirectUrl": text("inviteRedirectUrl"),
        "status": invitation.status,
        "invitedUserMessageInfo": {"messageLanguage": null, "customizedMessageBody": null, "ccRecipients": [{"emailAddress": {"name": null, "address": null}}]},
        "invitedUser": {"id": invitation.user.to_string()},
    });
    Ok(Reply::created(with_context(call, "invitations/$entity", reply)))
}
