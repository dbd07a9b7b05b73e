//! A user who was deleted at home returns with a new account: whether its link takes over the shadow user of the former account.
//!
//! The former account's link has released the object: it is soft-deleted, and no veto is in force. That both accounts are one user is known
//! by their `employeeId`, or an administrator confirms it.

use super::{Account, Link, Shadow, Stage};
use crate::Wanted;
use crate::capability::Capabilities;
use crate::decision::DeprovisionReason;

/// The identity of a user.
const EMPLOYEE_ID: &str = "employeeId";

/// Why a link does not take over the shadow user of a former account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotTakenOver {
    /// The accounts have different homes.
    OtherHome,
    /// The former account was not deleted at home: it may still sign in to what it was invited to.
    NotDeletedAtHome,
    /// A veto or a reject of the former link is in force.
    Vetoed,
    /// The former link has no soft-deleted object.
    NotSoftDeleted,
    /// The new account is not wanted with sign-in, or a veto or a reject of it is in force.
    NotWanted,
    /// The new account has, or may have, a live object of its own.
    HasShadowUser,
    /// The new account has another address than the one that was invited.
    AddressDiffers,
    /// The target's directory cannot restore an object for another account.
    NotRestorable,
}

impl NotTakenOver {
    /// The stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::OtherHome => "other_home",
            Self::NotDeletedAtHome => "not_deleted_at_home",
            Self::Vetoed => "vetoed",
            Self::NotSoftDeleted => "not_soft_deleted",
            Self::NotWanted => "not_wanted",
            Self::HasShadowUser => "has_shadow_user",
            Self::AddressDiffers => "address_differs",
            Self::NotRestorable => "not_restorable",
        }
    }
}

impl Link {
    /// The soft-deleted account that the link of a deleted user releases, with the anchor that it bears.
    ///
    /// # Errors
    /// Why it releases none.
    pub fn released(&self) -> Result<Account, NotTakenOver> {
        if !matches!(self.wanted(), Wanted::No(DeprovisionReason::Deleted)) {
            return Err(NotTakenOver::NotDeletedAtHome);
        }
        if self.veto.is_some() || self.reject.is_some() {
            return Err(NotTakenOver::Vetoed);
        }
        let account = self.shadow.account().filter(|_| self.has_given_up()).ok_or(NotTakenOver::NotSoftDeleted)?;
        let borne = account.former_anchor.clone().or_else(|| self.anchor.clone()).ok_or(NotTakenOver::NotSoftDeleted)?;
        Ok(Account { former_anchor: Some(borne), ..account.clone() })
    }

    /// Whether the link can take over an object: it has none of its own, or one in the bin, which stays there.
    ///
    /// # Errors
    /// [`NotTakenOver::HasShadowUser`].
    pub fn can_take_over(&self) -> Result<(), NotTakenOver> {
        match &self.shadow {
            Shadow::None | Shadow::Object(Account { stage: Stage::SoftDeleted { .. }, .. }) => Ok(()),
            Shadow::Inviting(_) | Shadow::Object(_) => Err(NotTakenOver::HasShadowUser),
        }
    }

    /// The account as the link of a new account takes it over, where an administrator has confirmed that both are one user.
    ///
    /// # Errors
    /// Why it is not taken over.
    pub fn confirmed_for(&self, rehired: &Self, can: &Capabilities) -> Result<Account, NotTakenOver> {
        if !can.restores_for_another() {
            return Err(NotTakenOver::NotRestorable);
        }
        let Wanted::Yes(wanted) = rehired.wanted() else { return Err(NotTakenOver::NotWanted) };
        if rehired.desired.desired.sign_in_blocked || rehired.veto.is_some() || rehired.reject.is_some() {
            return Err(NotTakenOver::NotWanted);
        }
        rehired.can_take_over()?;
        let account = self.account_for(rehired, &wanted.address)?;
        let is_same = self.shadow.account().is_some_and(|account| account.address.eq_ignore_ascii_case(&wanted.address));
        if is_same { Ok(account) } else { Err(NotTakenOver::AddressDiffers) }
    }

    /// The account as the link of a new account takes it over, where both accounts have one `employeeId`, as published by the home tenant,
    /// and the object was found by the new account's address.
    #[must_use]
    pub fn former_of(&self, rehired: &Self) -> Option<Account> {
        let Wanted::Yes(wanted) = rehired.wanted() else { return None };
        let known = self.applied.attributes.text(EMPLOYEE_ID).filter(|id| !id.trim().is_empty())?;
        let claimed = wanted.attributes.text(EMPLOYEE_ID).or_else(|| wanted.on_create.text(EMPLOYEE_ID))?;
        if known == claimed { self.account_for(rehired, &wanted.address).ok() } else { None }
    }

    fn account_for(&self, rehired: &Self, address: &str) -> Result<Account, NotTakenOver> {
        if self.source() != rehired.source() {
            return Err(NotTakenOver::OtherHome);
        }
        let taken_from = Some(self.user().clone());
        Ok(Account { address: address.to_owned(), creation_incomplete: true, taken_from, ..self.released()? })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ADDRESS, ANCHOR, INVITES, NOW, PUTS, account, decision, inviting, link, not_wanted, out_of_scope, wanted};
    use super::*;
    use crate::Decision;
    use crate::capability::Anchor;
    use crate::link::Veto;

    const BIN: Stage = Stage::SoftDeleted { since: NOW };

    fn former() -> Link {
        link(not_wanted(), Shadow::Object(account(BIN)))
    }

    fn rehired(shadow: Shadow) -> Link {
        let mut rehired = Link { anchor: Some("home/ana2".into()), ..link(wanted(true), shadow) };
        rehired.desired.user = "ana2".into();
        rehired
    }

    #[test]
    fn a_confirmed_rehire_takes_over_a_released_object_with_the_anchor_it_bears() {
        for shadow in [Shadow::None, Shadow::Object(account(BIN))] {
            let account = former().confirmed_for(&rehired(shadow), &INVITES).unwrap();
            assert_eq!((account.former_anchor.as_deref(), account.address.as_str()), (Some(ANCHOR), ADDRESS));
            assert_eq!((account.stage, account.taken_from, account.creation_incomplete), (BIN, Some("ana".into()), true));
        }
        assert_eq!(former().former_of(&rehired(Shadow::None)), None, "no employeeId");
    }

    #[test]
    fn a_confirmed_rehire_takes_over_nothing_else() {
        let veto = Some(Veto { by: "hub".into(), reason: "no".into(), until: None });
        let elsewhere = Decision { source: "us".parse().unwrap(), ..decision(1, wanted(true)) };
        let married = Account { address: "ana.b@emea.example".into(), ..account(BIN) };
        let new = || rehired(Shadow::None);
        for (former, rehired, want) in [
            (former(), Link { desired: elsewhere, ..new() }, NotTakenOver::OtherHome),
            (link(out_of_scope(0), Shadow::Object(account(BIN))), new(), NotTakenOver::NotDeletedAtHome),
            (link(wanted(true), Shadow::Object(account(BIN))), new(), NotTakenOver::NotDeletedAtHome),
            (Link { veto, ..former() }, new(), NotTakenOver::Vetoed),
            (link(not_wanted(), Shadow::None), new(), NotTakenOver::NotSoftDeleted),
            (link(not_wanted(), Shadow::Object(account(Stage::Live))), new(), NotTakenOver::NotSoftDeleted),
            (former(), link(wanted(false), Shadow::None), NotTakenOver::NotWanted),
            (former(), link(not_wanted(), Shadow::None), NotTakenOver::NotWanted),
            (former(), rehired(Shadow::Object(account(Stage::Live))), NotTakenOver::HasShadowUser),
            (former(), rehired(inviting(NOW, None)), NotTakenOver::HasShadowUser),
            (link(not_wanted(), Shadow::Object(married)), new(), NotTakenOver::AddressDiffers),
        ] {
            assert_eq!(former.confirmed_for(&rehired, &INVITES), Err(want), "{former:?} {rehired:?}");
        }
        let keeps_anchors = Capabilities { anchor: Anchor::Native, ..INVITES };
        let has_no_bin = Capabilities { anchor: Anchor::Attribute, ..PUTS };
        for can in [keeps_anchors, has_no_bin] {
            assert_eq!(former().confirmed_for(&new(), &can), Err(NotTakenOver::NotRestorable), "{can:?}");
            assert_eq!(former().confirmed_for(&link(not_wanted(), Shadow::None), &can), Err(NotTakenOver::NotRestorable), "not wanted yet");
        }
    }
}
