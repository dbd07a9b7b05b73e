//! Invitations, with the answers that real tenants give.
//!
//! An invitation is not idempotent: an invitation to a known address returns the existing guest, an internal user refuses (also from the bin),
//! and a mail contact makes a guest without `mail`. Source: pitfalls R3, R4; the invitation resource page for refused characters.

use serde_json::{Map, Value as Json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::Directory;
use super::encounter::Encounter;
use super::users::new_id;
use crate::error::Failure;
use crate::faults::Span;
use crate::group::Group;
use crate::journal::Verb;
use crate::object::Fields;
use crate::property;
use crate::user::User;
use crate::user_index::UserIndex;
use crate::value::Value;

/// Characters that an invitation refuses in the local part, by the documentation.
const REFUSED: &str = "~!#$%^&*()+=[]{}\\/|;:\"<>?, ";

/// What an invitation led to.
pub(crate) struct Invitation {
    pub(crate) id: Uuid,
    pub(crate) user: Uuid,
    pub(crate) status: &'static str,
}

impl Directory {
    /// Invites the user with that address. `home` says whether the tenant that has its domain allows its users to be invited, if one has it.
    pub(crate) fn invite(&mut self, body: &Map<String, Json>, home: Option<bool>) -> Result<Invitation, Failure> {
        let (address, domain) = self.checked_address(body)?;
        self.check_collaboration(&domain, home)?;
        if self.is_group_address(&address) {
            return Err(Failure::new(400, "BadRequest", "Group email address is not supported."));
        }
        if body.get("resetRedemption").and_then(Json::as_bool) == Some(true) {
            return self.reset_redemption(body, &address);
        }
        if let Some(guest) = self.known_guest(&address)? {
            let status = match guest.fields.text(property::EXTERNAL_STATE) {
                Some("Accepted") => "Completed",
                Some(_) | None => "PendingAcceptance",
            };
            let user = guest.id;
            return Ok(self.invited(body, user, status));
        }
        if self.owns_domain(&domain) {
            let message = "The invited user's domain is a verified domain of this directory; create the user in it instead.";
            return Err(Failure::new(400, "BadRequest", message));
        }
        self.invite_unknown(body, &address)
    }

    /// Invites a user that is not known here, as far as can be checked before.
    fn invite_unknown(&mut self, body: &Map<String, Json>, address: &str) -> Result<Invitation, Failure> {
        let (met, profile) = self.encounter();
        let late_for = profile.map(|profile| profile.invitations.late_for);
        let (user, longer) = match met {
            Encounter::Vanishing => return Ok(Invitation { id: new_id(), user: new_id(), status: "PendingAcceptance" }),
            Encounter::Internal => return Err(self.meet_internal(address, false)),
            Encounter::SoftDeleted => return Err(self.meet_internal(address, true)),
            Encounter::Guest | Encounter::Blocked => {
                let user = self.meet_guest(self.guest_fields(body, address), met == Encounter::Blocked);
                return if met == Encounter::Blocked {
                    Err(Failure::already_invited(user))
                } else {
                    Ok(self.invited(body, user, "PendingAcceptance"))
                };
            }
            Encounter::Contact => {
                self.add_contact(address);
                (new_id(), Span::default())
            }
            Encounter::Late => (new_id(), late_for.unwrap_or_default()),
            Encounter::Nothing => (new_id(), Span::default()),
        };
        let fields = self.guest_fields(body, address);
        self.add_user(user, fields);
        self.invited.insert(user, address.to_owned());
        self.hide(user, longer);
        Ok(self.invited(body, user, "PendingAcceptance"))
    }

    fn invited(&mut self, body: &Map<String, Json>, user: Uuid, status: &'static str) -> Invitation {
        if body.get("sendInvitationMessage").and_then(Json::as_bool) == Some(true) {
            self.messages_sent += 1;
        }
        self.record_user(Verb::Invite, user, None, Vec::new());
        Invitation { id: new_id(), user, status }
    }

    fn checked_address(&self, body: &Map<String, Json>) -> Result<(String, String), Failure> {
        let text = |name: &str| body.get(name).and_then(Json::as_str).filter(|text| !text.is_empty());
        let missing = |name: &str| Failure::new(400, "BadRequest", format!("The {name} field is required."));
        let address = text("invitedUserEmailAddress").ok_or_else(|| missing("invitedUserEmailAddress"))?;
        text("inviteRedirectUrl").ok_or_else(|| missing("inviteRedirectUrl"))?;
        if !self.invitations_allowed {
            let message = "Guest invitations not allowed for your company. Contact your company administrator for more details.";
            return Err(Failure::new(403, "Unauthorized", message));
        }
        if text("invitedUserType").is_some_and(|kind| kind != "Guest") {
            return Err(Failure::new(403, "Unauthorized", "Only an administrator can invite a user as a member."));
        }
        let parts = address.split_once('@').filter(|(_, domain)| domain.contains('.') && !domain.contains(['@', ' ']));
        let (local, domain) =
            parts.ok_or_else(|| Failure::new(400, "BadRequest", "Invited user email address is not a valid email address."))?;
        if !is_local(local) {
            return Err(Failure::new(400, "BadRequest", "The Primary SMTP Address is an invalid value."));
        }
        Ok((address.to_owned(), domain.to_owned()))
    }

    /// Whether a group has that address.
    pub(super) fn is_group_address(&self, address: &str) -> bool {
        let same = |group: &Group| group.fields.text(property::MAIL).is_some_and(|mail| mail.eq_ignore_ascii_case(address));
        self.groups.values().any(same)
    }

    /// The guest who has that address already. An internal user who has it refuses, even from the bin.
    fn known_guest(&self, address: &str) -> Result<Option<&User>, Failure> {
        let known: Vec<&User> = having(&self.users, address);
        let internal = known.iter().copied().chain(having(&self.deleted, address)).find(|user| !user.is_external());
        if let Some(user) = internal {
            return Err(Failure::already_invited(user.id));
        }
        if let Some(blocked) = known.iter().find(|user| self.refuses_again(user)) {
            return Err(Failure::already_invited(blocked.id));
        }
        Ok(known.first().copied())
    }

    /// Where invitations meet blocked guests, a blocked guest refuses every invitation.
    fn refuses_again(&self, user: &User) -> bool {
        let meets = || self.fault_state.profile().is_some_and(|profile| profile.invitations.meets_blocked > 0.0);
        user.fields.get(property::ACCOUNT_ENABLED) == Some(&Value::Flag(false)) && meets()
    }

    fn guest_fields(&self, body: &Map<String, Json>, address: &str) -> Fields {
        let name = body.get("invitedUserDisplayName").and_then(Json::as_str).filter(|name| !name.is_empty());
        let local = address.split('@').next().unwrap_or(address);
        let nickname = self.free_nickname(address);
        let now = OffsetDateTime::now_utc();
        let mut fields = Fields::with_capacity(24);
        fields.set(property::DISPLAY_NAME, Value::text(name.unwrap_or(local)));
        fields.set(property::UPN, Value::text(format!("{nickname}@{}", self.initial_domain)));
        fields.set(property::MAIL_NICKNAME, Value::text(nickname));
        fields.set(property::ACCOUNT_ENABLED, Value::Flag(true));
        fields.set(property::USER_TYPE, Value::text("Guest"));
        fields.set(property::CREATION_TYPE, Value::text("Invitation"));
        fields.set(property::CREATED, Value::Time(now));
        fields.set(property::EXTERNAL_STATE, Value::text("PendingAcceptance"));
        fields.set(property::EXTERNAL_STATE_CHANGED, Value::Time(now));
        fields.set(property::OTHER_MAILS, Value::texts([address]));
        // A contact owns the address already, so the guest must do without it: a look-up of the guest by mail does not find it.
        if !self.is_contact(address) {
            fields.set(property::MAIL, Value::text(address));
            fields.set(property::PROXY_ADDRESSES, Value::texts([format!("SMTP:{address}")]));
        }
        fields
    }

    /// `ana_emea.example#EXT#`, with a number when another guest is called so.
    fn free_nickname(&self, address: &str) -> String {
        let stem = address.replace('@', "_");
        let taken = |name: &String| self.users.with(property::UPN, &format!("{name}@{}", self.initial_domain)).next().is_some();
        let mut names = std::iter::once(format!("{stem}#EXT#")).chain((1..).map(|number| format!("{stem}{number}#EXT#")));
        names.find(|name| !taken(name)).expect("the names do not end")
    }

    /// Binds an existing guest to another address, which must be on the user already, and asks for redemption again.
    fn reset_redemption(&mut self, body: &Map<String, Json>, address: &str) -> Result<Invitation, Failure> {
        let id = body.get("invitedUser").and_then(|user| user.get("id")).and_then(Json::as_str).unwrap_or_default();
        let user = self.user_by_key(id).ok_or_else(|| Failure::not_found(id))?;
        if !user.is_external() || !having(&self.users, address).iter().any(|known| known.id == user.id) {
            return Err(Failure::new(400, "BadRequest", "The invited user email address does not belong to the invited user."));
        }
        let user = user.id;
        self.invited.insert(user, address.to_owned());
        let now = Value::Time(OffsetDateTime::now_utc());
        let pending = Value::text("PendingAcceptance");
        self.set_user(user, vec![(property::EXTERNAL_STATE, pending), (property::EXTERNAL_STATE_CHANGED, now)]);
        Ok(self.invited(body, user, "PendingAcceptance"))
    }
}

/// The users who have the address in any of the ways a directory knows addresses.
fn having<'a>(user_index: &'a UserIndex, address: &str) -> Vec<&'a User> {
    let proxy = format!("smtp:{address}");
    let mut users: Vec<&User> = user_index.with(property::MAIL, address).chain(user_index.with(property::UPN, address)).collect();
    users.extend(user_index.with(property::PROXY_ADDRESSES, &proxy));
    users.extend(user_index.with(property::OTHER_MAILS, address));
    users.sort_unstable_by_key(|user| user.id);
    users.dedup_by_key(|user| user.id);
    users
}

fn is_local(local: &str) -> bool {
    let bounded = |edge: &[char]| local.starts_with(edge) || local.ends_with(edge);
    !local.is_empty() && !bounded(&['.', '-']) && !local.contains(|letter| REFUSED.contains(letter))
}
