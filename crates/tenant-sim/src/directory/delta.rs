//! Delta queries: what changed after a point of the sequence, page by page.
//!
//! A cycle reads the log from the token's number to the log's end as it is when the end is reached. An object that changes while the
//! cycle is under way moves to the end and is returned there, again if it was returned already; so nothing is lost between pages. What was
//! deleted before an initial cycle began is not in it.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::Directory;
use crate::faults::{Chance, FaultProfile, InjectedFault};
use crate::group::GroupEntry;
use crate::object::{Object, show};
use crate::property::{self, ObjectKind, Prop};
use crate::select::Tracked;
use crate::user::User;

/// How many entries of the log are read for a page of one object, so that a page ends also where hardly anything is to be returned.
const SCAN_FACTOR: usize = 10;

/// Where a cycle stands, and what it asks for.
#[derive(Debug, Clone)]
pub(crate) struct DeltaQuery {
    /// The cycle lists what changed after this number; 0 lists everything.
    pub(crate) from: u64,
    /// The end of the log when the cycle began.
    pub(crate) start: u64,
    /// Where the page begins.
    pub(crate) place: Place,
    /// Only changed properties are wanted.
    pub(crate) minimal: bool,
    /// Objects in a page, at most.
    pub(crate) page_max: usize,
    pub(crate) tracked: Tracked,
    /// The only objects that are tracked; all when empty.
    pub(crate) only: Vec<Uuid>,
}

/// Where a page of a cycle begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// With the entry after this number; the log is read upwards.
    After(u64),
    /// With the entry before this number; the log is read downwards to the first entry, and entries since the start follow upwards.
    Before(u64),
}

/// A page, and where the next one begins; without `next` the cycle is complete, and the next cycle begins at `end`.
#[derive(Default)]
pub(crate) struct DeltaPage {
    /// Objects that are returned twice, as they were before their last change. They stand before the others.
    pub(crate) repeated: Vec<Json>,
    pub(crate) objects: Vec<Json>,
    pub(crate) next: Option<Place>,
    pub(crate) end: u64,
}

impl Directory {
    /// The point from which nothing has changed yet.
    pub(crate) fn delta_end(&self) -> u64 {
        self.seq()
    }

    pub(crate) fn delta_users(&self, query: &DeltaQuery) -> DeltaPage {
        let (mut objects, mut repeated, mut place) = (Vec::new(), Vec::new(), query.place);
        let mut entries = self.entries(&self.user_log, query);
        for (read, (seq, id)) in entries.by_ref().enumerate() {
            if objects.len() == query.page_max || read == query.page_max * SCAN_FACTOR {
                repeated.extend(self.stale_user(query, seq, id));
                repeated.extend(entries.take(query.page_max).filter_map(|(seq, id)| self.stale_user(query, seq, id)));
                return DeltaPage { repeated, objects, next: Some(place), end: self.seq() };
            }
            place = place.at(seq);
            if query.includes(id) {
                repeated.extend(self.stale_user(query, seq, id));
                objects.extend(self.user_change(query, seq, id));
            }
        }
        DeltaPage { repeated, objects, next: query.next_phase(), end: self.seq() }
    }

    pub(crate) fn delta_groups(&self, query: &DeltaQuery) -> DeltaPage {
        let (mut page, mut repeated, mut place) = (GroupPage::default(), GroupPage::default(), query.place);
        let mut next = query.next_phase();
        for (read, (seq, entry)) in self.entries(&self.group_log, query).enumerate() {
            if page.objects.len() == query.page_max || read == query.page_max * SCAN_FACTOR {
                next = Some(place);
                break;
            }
            place = place.at(seq);
            match entry {
                GroupEntry::Group(id) if query.includes(id) => self.group_change(query, seq, id, &mut page),
                GroupEntry::Member(id, member) if query.includes(id) => {
                    if self.is_repeated(seq) {
                        self.member_change(query, id, member, false, &mut repeated);
                    }
                    self.member_change(query, id, member, true, &mut page);
                }
                GroupEntry::Group(_) | GroupEntry::Member(_, _) => {}
            }
        }
        DeltaPage { repeated: repeated.into_objects(), objects: page.into_objects(), next, end: self.seq() }
    }

    /// The entries of a log that are left of the cycle, in its order, without those that got lost.
    fn entries<'a, T: Copy>(&'a self, log: &'a BTreeMap<u64, T>, query: &DeltaQuery) -> Box<dyn Iterator<Item = (u64, T)> + 'a> {
        let is_initial = query.from == 0;
        let found = move |(seq, entry): (&u64, &T)| (is_initial || !self.lost.contains(seq)).then_some((*seq, *entry));
        match query.place {
            Place::After(after) => Box::new(log.range((Bound::Excluded(after), Bound::Unbounded)).filter_map(found)),
            Place::Before(before) => Box::new(log.range(query.from + 1..before.max(query.from + 1)).rev().filter_map(found)),
        }
    }

    fn user_change(&self, query: &DeltaQuery, seq: u64, id: Uuid) -> Option<Json> {
        let Some(user) = self.users.get(id) else {
            let reason = if self.deleted.get(id).is_some() { "changed" } else { "deleted" };
            return query.includes_removal(seq).then(|| removed(id, reason));
        };
        let mut object = self.changed_fields(query, user)?;
        if query.tracked.manager
            && let Some(manager) = self.manager_change(query, user)
        {
            object.insert("manager@delta".to_owned(), manager);
        }
        Some(Json::Object(object))
    }

    /// A user that is listed twice by the profile, as it was before its last change.
    fn stale_user(&self, query: &DeltaQuery, seq: u64, id: Uuid) -> Option<Json> {
        let user = self.users.get(id).filter(|_| query.includes(id) && self.is_repeated(seq))?;
        self.changed_fields(query, user)?;
        self.fault_state.note(InjectedFault::ObjectRepeated);
        let mut before = user.clone();
        for (prop, value) in user.stamp.last_values() {
            before.fields.set(*prop, value.clone());
        }
        Some(Json::Object(self.tracked_fields(query, &before)))
    }

    fn is_repeated(&self, seq: u64) -> bool {
        let (high, low) = self.id.as_u64_pair();
        let repeats = |profile: Arc<FaultProfile>| Chance::of(profile.seed, "repeat", &[high, low, seq]).occurs(profile.delta.repeats);
        self.fault_state.profile().is_some_and(repeats)
    }

    fn manager_change(&self, query: &DeltaQuery, user: &User) -> Option<Json> {
        let now = self.manager(user.id);
        let set = now.map(|id| reference(id, ObjectKind::User, true));
        if user.stamp.created > query.from {
            return set.map(|set| json!([set]));
        }
        let before = user.stamp.manager_at(query.from)?.filter(|before| Some(*before) != now);
        let gone = before.map(|id| reference(id, ObjectKind::User, false));
        Some(gone.into_iter().chain(set).collect())
    }

    fn group_change(&self, query: &DeltaQuery, seq: u64, id: Uuid, page: &mut GroupPage) {
        match self.groups.get(&id) {
            Some(group) => {
                if let Some(fields) = self.changed_fields(query, group) {
                    page.object(id, Map::new).fields.extend(fields);
                }
            }
            None if query.includes_removal(seq) => {
                page.object(id, Map::new).fields.insert("@removed".to_owned(), json!({"reason": "deleted"}));
            }
            None => {}
        }
    }

    /// Reports whether a user is a member, or with `now` false whether they were before that changed.
    fn member_change(&self, query: &DeltaQuery, id: Uuid, member: Uuid, now: bool, page: &mut GroupPage) {
        let Some(group) = self.groups.get(&id).filter(|_| query.tracked.members) else {
            return;
        };
        let Some(membership) = group.members.get(&member) else {
            return;
        };
        if !membership.present && !query.includes_removal(membership.seq) {
            return;
        }
        let object = page.object(id, || if query.minimal { Map::new() } else { self.tracked_fields(query, group) });
        object.members.push(reference(member, membership.kind, membership.present == now));
    }

    /// The properties to list of an object that changed; `None` when nothing that is tracked did.
    fn changed_fields<O: Object>(&self, query: &DeltaQuery, object: &O) -> Option<Map<String, Json>> {
        if object.stamp().created > query.from {
            return Some(self.tracked_fields(query, object));
        }
        let mask = object.stamp().mask_since(query.from) & query.tracked.mask;
        match (mask, query.minimal) {
            (0, _) => None,
            (_, true) => Some(self.set_fields(query, object, |prop| prop.bit() & mask != 0)),
            (_, false) => Some(self.tracked_fields(query, object)),
        }
    }

    fn tracked_fields<O: Object>(&self, query: &DeltaQuery, object: &O) -> Map<String, Json> {
        self.set_fields(query, object, |_| true)
    }

    /// A property that was never set is absent, one that was cleared is null.
    fn set_fields<O: Object>(&self, query: &DeltaQuery, object: &O, wanted: impl Fn(Prop) -> bool) -> Map<String, Json> {
        let props = query.tracked.props.iter().copied().filter(|prop| wanted(*prop) && object.fields().get(*prop).is_some());
        let fields = props.map(|prop| (self.schema.name(prop).to_owned(), show(object, &self.schema, prop)));
        let id = (self.schema.name(property::ID).to_owned(), Json::String(object.id().to_string()));
        fields.chain(std::iter::once(id)).collect()
    }
}

impl DeltaQuery {
    /// Where the cycle goes on when the log ends: a cycle that went downwards lists what came since it began.
    fn next_phase(&self) -> Option<Place> {
        match self.place {
            Place::After(_) => None,
            Place::Before(_) => Some(Place::After(self.start)),
        }
    }

    fn includes(&self, id: Uuid) -> bool {
        self.only.is_empty() || self.only.contains(&id)
    }

    /// An initial cycle returns only the removals that happen while it is under way: what it returned before may be gone by now.
    fn includes_removal(&self, seq: u64) -> bool {
        self.from > 0 || seq > self.start
    }
}

impl Place {
    /// The place after the entry with that number.
    fn at(self, seq: u64) -> Self {
        match self {
            Self::After(_) => Self::After(seq),
            Self::Before(_) => Self::Before(seq),
        }
    }
}

/// The groups of one page, each once.
#[derive(Default)]
struct GroupPage {
    objects: Vec<GroupObject>,
    places: HashMap<Uuid, usize>,
}

/// What a page lists of one group.
struct GroupObject {
    fields: Map<String, Json>,
    members: Vec<Json>,
}

impl GroupPage {
    /// The group's object; with those fields if nothing of it was returned yet.
    fn object(&mut self, id: Uuid, fields: impl FnOnce() -> Map<String, Json>) -> &mut GroupObject {
        let place = *self.places.entry(id).or_insert_with(|| {
            let mut fields = fields();
            fields.insert("id".to_owned(), Json::String(id.to_string()));
            self.objects.push(GroupObject { fields, members: Vec::new() });
            self.objects.len() - 1
        });
        &mut self.objects[place]
    }

    fn into_objects(self) -> Vec<Json> {
        self.objects.into_iter().map(GroupObject::into_json).collect()
    }
}

impl GroupObject {
    fn into_json(mut self) -> Json {
        if !self.members.is_empty() {
            self.fields.insert("members@delta".to_owned(), self.members.into());
        }
        Json::Object(self.fields)
    }
}

fn removed(id: Uuid, reason: &str) -> Json {
    json!({"id": id.to_string(), "@removed": {"reason": reason}})
}

fn reference(id: Uuid, kind: ObjectKind, present: bool) -> Json {
    let kind = if kind == ObjectKind::Group { "#microsoft.graph.group" } else { "#microsoft.graph.user" };
    match present {
        true => json!({"@odata.type": kind, "id": id.to_string()}),
        false => {
            json!({"@odata.type": kind, "id": id.to_string(), "@removed": {"reason": "deleted"}})
        }
    }
}
