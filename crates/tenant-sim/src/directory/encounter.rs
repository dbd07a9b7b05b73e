//! What an invitation meets: by seed, an object that has the address already, or a directory that takes its time.
//!
//! The object is put into the directory at that moment as if it had always been there, without an entry in the journal.

use time::OffsetDateTime;
use uuid::Uuid;

use super::Directory;
use super::users::new_id;
use crate::error::Failure;
use crate::faults::{FaultProfile, InjectedFault, InvitationFaults};
use crate::object::Fields;
use crate::property;
use crate::value::Value;

/// What an invitation of an unknown address meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encounter {
    Nothing,
    Vanishing,
    Late,
    Guest,
    Blocked,
    Internal,
    SoftDeleted,
    Contact,
}

impl Directory {
    /// Draws what the next invitation of an unknown address meets.
    pub(super) fn encounter(&self) -> (Encounter, Option<std::sync::Arc<FaultProfile>>) {
        let Some(profile) = self.fault_state.profile() else {
            return (Encounter::Nothing, None);
        };
        let number = self.fault_state.next(&profile, "invitation").number();
        let met = met(&profile.invitations, number);
        match met {
            Encounter::Nothing => {}
            Encounter::Vanishing => self.fault_state.note(InjectedFault::GuestVanished),
            Encounter::Late => self.fault_state.note(InjectedFault::GuestLate),
            Encounter::Guest | Encounter::Blocked | Encounter::Internal | Encounter::SoftDeleted | Encounter::Contact => {
                self.fault_state.note(InjectedFault::AddressTaken);
            }
        }
        (met, Some(profile))
    }

    /// Puts an internal user with that address into the directory, or into its bin; returns the refusal that follows.
    pub(super) fn meet_internal(&mut self, address: &str, soft_deleted: bool) -> Failure {
        let id = new_id();
        let mut fields = Fields::default();
        let nickname = format!("contact-{}", id.simple());
        fields.set(property::UPN, Value::text(format!("{nickname}@{}", self.domain)));
        fields.set(property::MAIL_NICKNAME, Value::text(nickname));
        fields.set(property::DISPLAY_NAME, Value::text("Local User"));
        fields.set(property::ACCOUNT_ENABLED, Value::Flag(true));
        fields.set(property::USER_TYPE, Value::text("Member"));
        fields.set(property::OTHER_MAILS, Value::texts([address]));
        self.add_user(id, fields);
        if soft_deleted {
            self.soft_delete_user(id);
        }
        Failure::already_invited(id)
    }

    /// Puts a guest that another client invited into the directory.
    pub(super) fn meet_guest(&mut self, mut fields: Fields, blocked: bool) -> Uuid {
        let id = new_id();
        fields.set(property::ACCOUNT_ENABLED, Value::Flag(!blocked));
        fields.set(property::CREATED, Value::Time(OffsetDateTime::UNIX_EPOCH + time::Duration::days(19_000)));
        self.add_user(id, fields);
        id
    }
}

fn met(shares: &InvitationFaults, number: f64) -> Encounter {
    let mut up_to = 0.0;
    let table = [
        (shares.vanishes, Encounter::Vanishing),
        (shares.late, Encounter::Late),
        (shares.meets_guest, Encounter::Guest),
        (shares.meets_blocked, Encounter::Blocked),
        (shares.meets_internal, Encounter::Internal),
        (shares.meets_soft_deleted, Encounter::SoftDeleted),
        (shares.meets_contact, Encounter::Contact),
    ];
    let found = table.into_iter().find(|(share, _)| {
        up_to += share;
        number < up_to
    });
    found.map_or(Encounter::Nothing, |(_, encounter)| encounter)
}
