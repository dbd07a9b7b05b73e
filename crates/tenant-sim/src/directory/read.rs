//! Reading a directory: objects and memberships.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::Directory;
use crate::property::{self, ObjectKind};
use crate::user::User;

impl Directory {
    /// The kind of a present object.
    pub(crate) fn kind(&self, id: Uuid) -> Option<ObjectKind> {
        let user = self.users.get(id).map(|_| ObjectKind::User);
        user.or_else(|| self.groups.get(&id).map(|_| ObjectKind::Group))
    }

    /// A present user by id or by user principal name.
    pub(crate) fn user_by_key(&self, key: &str) -> Option<&User> {
        match Uuid::parse_str(key) {
            Ok(id) => self.users.get(id),
            Err(_) => self.users.with(property::UPN, key).next(),
        }
    }

    /// The manager of a user, if there is one and it is present.
    pub(crate) fn manager(&self, id: Uuid) -> Option<Uuid> {
        let manager = self.users.get(id)?.manager?;
        self.users.get(manager).map(|manager| manager.id)
    }

    /// All users within the group and the groups in it; groups that contain one another are walked once.
    pub(crate) fn transitive_members(&self, group: Uuid) -> BTreeMap<Uuid, ObjectKind> {
        let mut found = BTreeMap::new();
        let mut open = vec![group];
        while let Some(next) = open.pop() {
            for (member, kind) in self.groups.get(&next).into_iter().flat_map(|group| group.members_after(None)) {
                if found.insert(member, kind).is_none() && kind == ObjectKind::Group {
                    open.push(member);
                }
            }
        }
        found
    }

    /// The groups that an object is a direct member of.
    pub(crate) fn parents(&self, id: Uuid) -> &[Uuid] {
        let user = self.users.get(id).map(|user| user.groups.as_slice());
        user.or_else(|| self.groups.get(&id).map(|group| group.groups.as_slice())).unwrap_or_default()
    }

    /// The groups that an object is a member of, directly or through other groups.
    pub(crate) fn transitive_parents(&self, id: Uuid) -> BTreeMap<Uuid, ObjectKind> {
        let mut found = BTreeMap::new();
        let mut open = self.parents(id).to_vec();
        while let Some(next) = open.pop() {
            if found.insert(next, ObjectKind::Group).is_none() {
                open.extend(self.parents(next));
            }
        }
        found
    }
}
