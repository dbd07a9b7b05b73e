//! Writing what hangs on a user: the reference to the manager, and the sessions.

use time::OffsetDateTime;
use uuid::Uuid;

use super::Directory;
use crate::error::Failure;
use crate::journal::Verb;
use crate::property;
use crate::value::Value;

impl Directory {
    /// Sets or, with `None`, removes the manager.
    pub(crate) fn set_manager(&mut self, id: Uuid, manager: Option<Uuid>) -> Result<(), Failure> {
        if let Some(missing) = [Some(id), manager].into_iter().flatten().find(|id| self.users.get(*id).is_none()) {
            return Err(Failure::not_found(&missing.to_string()));
        }
        let was = self.manager(id);
        if manager.is_none() && was.is_none() {
            return Err(Failure::not_found("manager"));
        }
        if manager != was {
            self.refer(id, manager);
            self.touch_user(id, property::MANAGER.bit(), was);
        }
        self.record_user(Verb::Manager, id, manager, vec!["manager".to_owned()]);
        Ok(())
    }

    /// Sets the reference to the manager, without an entry in the log or the journal.
    pub(crate) fn refer(&mut self, id: Uuid, manager: Option<Uuid>) {
        let Some(user) = self.users.get_mut(id) else {
            return;
        };
        if let Some(old) = std::mem::replace(&mut user.manager, manager) {
            self.reports.remove(&(old, id));
        }
        self.reports.extend(manager.map(|manager| (manager, id)));
    }

    /// Makes all tokens issued to the user so far worthless.
    pub(crate) fn revoke_sessions(&mut self, id: Uuid) -> Result<(), Failure> {
        if self.users.get(id).is_none() {
            return Err(Failure::not_found(&id.to_string()));
        }
        self.set_user(id, vec![(property::SESSIONS_VALID_FROM, Value::Time(OffsetDateTime::now_utc()))]);
        self.record_user(Verb::Revoke, id, None, Vec::new());
        Ok(())
    }
}
