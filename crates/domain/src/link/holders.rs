//! The holders of a link: what requires the shadow user to exist.

use super::Link;
use crate::Wanted;

impl Link {
    /// What the holders want together. The shadow user exists while any holder wants it. The synchronization is the only holder, so what
    /// it wants is the answer; every rule about a link asks here and not the decision, so that a further holder is added here alone.
    #[must_use]
    pub fn wanted(&self) -> &Wanted {
        &self.desired.desired.wanted
    }

    /// A synchronization becomes a holder of a wanted user, stops to be one of a user not wanted, and changes nothing for a skipped user.
    pub(super) fn update_holders(&mut self) {
        let holder = format!("synchronization/{}", self.desired.synchronization);
        match &self.desired.desired.wanted {
            Wanted::Yes(_) => {
                self.holders.insert(holder);
            }
            Wanted::No(_) => {
                self.holders.remove(&holder);
            }
            Wanted::Skipped(_) => {}
        }
    }
}
