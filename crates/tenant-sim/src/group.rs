//! A group of a tenant and its direct members.

use std::collections::BTreeMap;
use std::ops::Bound;

use uuid::Uuid;

use crate::object::{Fields, Object, Stamp};
use crate::property::ObjectKind;

/// One group.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) id: Uuid,
    pub(crate) fields: Fields,
    /// All present and former direct members. Former members stay, so that a delta query can report that they left.
    pub(crate) members: BTreeMap<Uuid, Membership>,
    /// The groups that this group is a direct member of.
    pub(crate) groups: Vec<Uuid>,
    pub(crate) stamp: Stamp,
}

/// Whether a user is a member, and since which point of the tenant's sequence.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Membership {
    pub(crate) kind: ObjectKind,
    pub(crate) present: bool,
    /// The member is in the bin: lists do not show them, and the membership goes on. Only a permanent deletion is a change of the group.
    pub(crate) hidden: bool,
    pub(crate) seq: u64,
}

/// What the sequence of groups notes: a group itself, or one membership. Members stand alone so that a group of 100,000 spreads over
/// pages, and one join costs one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GroupEntry {
    Group(Uuid),
    Member(Uuid, Uuid),
}

impl Membership {
    fn shows(self) -> bool {
        self.present && !self.hidden
    }
}

impl Group {
    pub(crate) fn has(&self, member: Uuid) -> bool {
        self.members.get(&member).is_some_and(|membership| membership.shows())
    }

    /// The present members after `id` in the order of pages.
    pub(crate) fn members_after(&self, id: Option<Uuid>) -> impl Iterator<Item = (Uuid, ObjectKind)> {
        let from = id.map_or(Bound::Unbounded, Bound::Excluded);
        let range = self.members.range((from, Bound::Unbounded));
        range.filter(|(_, membership)| membership.shows()).map(|(id, membership)| (*id, membership.kind))
    }
}

impl Object for Group {
    const KIND: ObjectKind = ObjectKind::Group;

    fn id(&self) -> Uuid {
        self.id
    }

    fn fields(&self) -> &Fields {
        &self.fields
    }

    fn stamp(&self) -> &Stamp {
        &self.stamp
    }
}
