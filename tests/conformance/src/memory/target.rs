//! The directory as a target.

use async_trait::async_trait;
use xtsync_directory::{CensusPage, Cursor, Error, NewUser, Patched, Result, Target};
use xtsync_domain::shadow::{Found, Object, ObjectKind};
use xtsync_domain::{Attributes, TargetId};

use super::{CreationFault, Memory, NO_TIME, State, User};

fn object(id: &str, user: &User) -> Object {
    Object {
        id: id.into(),
        kind: if user.anchor.is_some() { ObjectKind::Invited } else { ObjectKind::Internal },
        soft_deleted: None,
        anchor: user.anchor.clone(),
        enabled: user.is_enabled(),
        redeemed: user.anchor.is_some(),
        created_at: NO_TIME,
        attributes: user.attributes.clone(),
    }
}

impl State {
    fn objects(&self, is_meant: impl Fn(&User) -> bool) -> Vec<Object> {
        self.users.iter().filter(|(_, user)| is_meant(user)).map(|(id, user)| object(id, user)).collect()
    }

    /// Create-or-get by the anchor.
    fn put(&mut self, user: &NewUser) -> Result<TargetId> {
        if let Some(object) = self.objects(|known| known.anchor.as_deref() == Some(&user.anchor)).pop() {
            return Ok(object.id);
        }
        if self.users.values().any(|known| known.address.eq_ignore_ascii_case(&user.address)) {
            return Err(Error::Refused { code: "already_exists".into(), attribute: None });
        }
        self.writes += 1;
        Ok(TargetId(self.add(Some(user.anchor.clone()), &user.address, user.attributes.clone())))
    }
}

#[async_trait]
impl Target for Memory {
    async fn find(&self, anchor: &str, address: &str) -> Result<Found> {
        let state = self.state();
        Ok(Found {
            by_anchor: state.objects(|user| user.anchor.as_deref() == Some(anchor)),
            by_address: state.objects(|user| user.address.eq_ignore_ascii_case(address)),
        })
    }

    /// Two objects a page; a cursor is the id of the last.
    async fn census(&self, from: Option<&Cursor>) -> Result<CensusPage> {
        let state = self.state();
        let rest = state.users.iter().filter(|(id, _)| from.is_none_or(|from| **id > from.0));
        let page: Vec<(&String, &User)> = rest.take(2).collect();
        let next = page.last().filter(|(id, _)| state.users.keys().next_back() != Some(*id)).map(|(id, _)| Cursor((*id).clone()));
        let keys = page.iter().flat_map(|(_, user)| user.anchor.iter().cloned().chain([user.address.to_lowercase()])).collect();
        Ok(CensusPage { keys, next })
    }

    async fn read(&self, id: &TargetId) -> Result<Option<Object>> {
        Ok(self.state().users.get(id.as_str()).map(|user| object(id.as_str(), user)))
    }

    async fn put(&self, user: &NewUser) -> Result<TargetId> {
        let mut state = self.state();
        match state.creation_faults.pop_front() {
            Some(CreationFault::Before(error)) => Err(error),
            Some(CreationFault::After) => {
                let _ = state.put(user);
                Err(Error::Unknown { reason: "lost".to_owned() })
            }
            None => state.put(user),
        }
    }

    async fn patch(&self, id: &TargetId, anchor: Option<&str>, attributes: &Attributes) -> Result<Patched> {
        if anchor.is_some() {
            return Err(Error::Unsupported { verb: "write_anchor" });
        }
        if !attributes.is_empty() {
            let mut state = self.state();
            state.change(id.as_str(), attributes.clone())?;
            state.writes += 1;
        }
        Ok(Patched::default())
    }

    async fn set_enabled(&self, id: &TargetId, enabled: bool) -> Result<()> {
        let mut state = self.state();
        state.writes += 1;
        state.change(id.as_str(), [("accountEnabled", enabled.into())].into_iter().collect())
    }

    async fn delete(&self, id: &TargetId) -> Result<()> {
        let mut state = self.state();
        state.writes += 1;
        state.remove(id.as_str());
        Ok(())
    }
}
