//! What users and groups have in common: an id, properties, and a memory of what changed when.
//!
//! The memory is what makes `Prefer: return=minimal` and `$select`-ed delta queries exact: it says which properties changed after a
//! given point of the tenant's sequence.

use uuid::Uuid;

use crate::property::{self, ObjectKind, Prop, Schema};
use crate::value::{Kind, Value};

/// How many changes of one object are distinguished; older ones are merged, so that an old token may be given too much, never too little.
const HISTORY_MAX: usize = 32;

/// The properties that were ever set, ordered by number: small, and quick enough for some thirty of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields(Vec<(Prop, Value)>);

impl Fields {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    /// The value, also if it is `Null`; `None` if it was never set.
    pub(crate) fn get(&self, prop: Prop) -> Option<&Value> {
        let place = self.0.binary_search_by_key(&prop, |(known, _)| *known).ok()?;
        Some(&self.0[place].1)
    }

    pub(crate) fn text(&self, prop: Prop) -> Option<&str> {
        self.get(prop).and_then(Value::as_text)
    }

    pub(crate) fn set(&mut self, prop: Prop, value: Value) {
        match self.0.binary_search_by_key(&prop, |(known, _)| *known) {
            Ok(place) => self.0[place].1 = value,
            Err(place) => self.0.insert(place, (prop, value)),
        }
    }

    /// Whether setting that value would change anything that a client can see.
    pub(crate) fn differs(&self, prop: Prop, value: &Value) -> bool {
        self.get(prop).unwrap_or(&Value::Null) != value
    }

    /// Releases unused reserved memory: a directory has many objects, most of which never change.
    pub(crate) fn shrink(&mut self) {
        self.0.shrink_to_fit();
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Prop, &Value)> {
        self.0.iter().map(|(prop, value)| (*prop, value))
    }
}

/// When an object was made and changed, in the tenant's sequence.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stamp {
    pub(crate) created: u64,
    pub(crate) changed: u64,
    history: Vec<Change>,
    /// What the last change overwrote, if that is kept.
    was: Vec<(Prop, Value)>,
}

/// One change: which properties, and who was manager before if the manager changed.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) seq: u64,
    pub(crate) mask: u128,
    pub(crate) manager_was: Option<Uuid>,
}

impl Stamp {
    /// A new object: everything about it is new.
    pub(crate) fn born(seq: u64) -> Self {
        Self { created: seq, changed: seq, ..Self::default() }
    }

    pub(crate) fn note(&mut self, change: Change) {
        self.changed = change.seq;
        if self.history.len() == HISTORY_MAX {
            let oldest = self.history.remove(0);
            let next = &mut self.history[0];
            if oldest.mask & property::MANAGER.bit() != 0 {
                next.manager_was = oldest.manager_was;
            }
            next.mask |= oldest.mask;
        }
        // Most objects change hardly ever, and a vector would begin with room for four changes.
        if self.history.is_empty() {
            self.history.reserve_exact(1);
        }
        self.history.push(change);
    }

    /// Keeps what the last change overwrote.
    pub(crate) fn keep(&mut self, was: Vec<(Prop, Value)>) {
        self.was = was;
    }

    /// What the last change overwrote, as far as it was kept.
    pub(crate) fn last_values(&self) -> &[(Prop, Value)] {
        &self.was
    }

    /// The properties that changed after that point.
    pub(crate) fn mask_since(&self, seq: u64) -> u128 {
        self.since(seq).fold(0, |mask, change| mask | change.mask)
    }

    /// Who was manager at that point, if the manager changed after it.
    pub(crate) fn manager_at(&self, seq: u64) -> Option<Option<Uuid>> {
        self.since(seq).find(|change| change.mask & property::MANAGER.bit() != 0).map(|change| change.manager_was)
    }

    fn since(&self, seq: u64) -> impl Iterator<Item = &Change> {
        self.history.iter().filter(move |change| change.seq > seq)
    }
}

/// What filters and selections read: a user or a group.
pub(crate) trait Object {
    const KIND: ObjectKind;
    fn id(&self) -> Uuid;
    fn fields(&self) -> &Fields;
    fn stamp(&self) -> &Stamp;
}

/// The JSON of one property of an object; null when it was never set, the empty list for lists, as Graph shows them.
pub(crate) fn show<O: Object>(object: &O, schema: &Schema, prop: Prop) -> serde_json::Value {
    if prop == property::ID {
        return object.id().to_string().into();
    }
    match object.fields().get(prop) {
        Some(value) => value.to_json(),
        None if schema.kind(prop) == Kind::Texts => serde_json::Value::Array(Vec::new()),
        None => serde_json::Value::Null,
    }
}
