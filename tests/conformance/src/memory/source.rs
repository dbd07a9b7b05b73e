//! The directory as a source: a full reading lists whole users by id, an incremental one the changed attributes in order of change.

use async_trait::async_trait;
use xtsync_directory::{Cursor, Error, Next, Page, Result, Source, UserChange};
use xtsync_domain::delta::{Gone, Kind};
use xtsync_domain::fact::{AccessPolicy, Identity};
use xtsync_domain::{Attributes, UserId, Value};

use super::{KEY, Memory, State, User};

/// The most objects of a page.
const PAGE_OBJECTS_MAX: usize = 2;

/// What is read whatever is asked for.
const ALWAYS: [&str; 5] = ["accountEnabled", "displayName", "mail", "userPrincipalName", KEY];

/// Where a reading stands.
enum Place {
    /// In a full reading that began when the log was so long, after so many users.
    Full { began: usize, listed: usize },
    /// In the log, after so many entries.
    Log(usize),
}

impl Place {
    /// The place of a cursor; void if it is not of this directory or generation.
    fn read(cursor: &Cursor, generation: usize) -> Result<Self> {
        let parts: Vec<&str> = cursor.0.split(' ').collect();
        let number = |text: &str| text.parse::<usize>().map_err(|_| Error::Resync);
        match parts[..] {
            ["full", of, began, listed] if number(of)? == generation => Ok(Self::Full { began: number(began)?, listed: number(listed)? }),
            ["log", of, entries] if number(of)? == generation => Ok(Self::Log(number(entries)?)),
            _ => Err(Error::Resync),
        }
    }

    fn cursor(&self, generation: usize) -> Cursor {
        Cursor(match self {
            Self::Full { began, listed } => format!("full {generation} {began} {listed}"),
            Self::Log(entries) => format!("log {generation} {entries}"),
        })
    }
}

impl State {
    /// Users in order of id, whole; then the place in the log where the reading began.
    fn full(&self, began: usize, listed: usize, selected: &[String]) -> Page<UserChange> {
        let whole = |(id, user): (&String, &User)| mentioned(id, user, selected, |_| true);
        let changes: Vec<UserChange> = self.users.iter().skip(listed).take(PAGE_OBJECTS_MAX).map(whole).collect();
        let listed = listed + changes.len();
        let is_end = listed >= self.users.len();
        let next = if is_end { Place::Log(began) } else { Place::Full { began, listed } };
        self.page(changes, &next, is_end)
    }

    /// Changes in order. An attribute is shown as it is now, and only if it has changed.
    fn changes(&self, entries: usize, selected: &[String]) -> Page<UserChange> {
        let seen = |entry: &super::Entry| match (&entry.attributes, self.users.get(&entry.user)) {
            (Some(names), Some(user)) => mentioned(&entry.user, user, selected, |name| names.iter().any(|changed| changed == name)),
            (_, None) | (None, Some(_)) => UserChange::Gone { id: entry.user.as_str().into(), how: Gone::Deleted },
        };
        let changes: Vec<UserChange> = self.log.iter().skip(entries).take(PAGE_OBJECTS_MAX).map(seen).collect();
        let entries = entries + changes.len();
        self.page(changes, &Place::Log(entries), entries >= self.log.len())
    }

    fn page(&self, changes: Vec<UserChange>, next: &Place, is_end: bool) -> Page<UserChange> {
        let cursor = next.cursor(self.generation);
        let times = if self.repeats { 2 } else { 1 };
        let changes = changes.into_iter().flat_map(|change| std::iter::repeat_n(change, times)).collect();
        Page { changes, rejected: Vec::new(), next: if is_end { Next::Complete(cursor) } else { Next::Page(cursor) } }
    }
}

/// What a user shows of the selected attributes that an answer is about. What was never set is not mentioned.
fn mentioned(id: &str, user: &User, selected: &[String], is_about: impl Fn(&str) -> bool) -> UserChange {
    let is_selected = |name: &str| ALWAYS.contains(&name) || selected.iter().any(|selected| selected == name);
    let shown = user.attributes.iter().filter(|(name, _)| is_selected(name) && is_about(name));
    UserChange::Changed { id: UserId(id.to_owned()), attributes: shown.map(|(name, value)| (name.to_owned(), value.clone())).collect() }
}

#[async_trait]
impl Source for Memory {
    async fn users(&self, attributes: &[String], cursor: Option<&Cursor>) -> Result<Page<UserChange>> {
        let mut state = self.state();
        if let Some(fault) = state.read_faults.pop_front() {
            return Err(fault);
        }
        let beginning = Place::Full { began: state.log.len(), listed: 0 };
        match cursor.map_or(Ok(beginning), |cursor| Place::read(cursor, state.generation))? {
            Place::Full { began, listed } => Ok(state.full(began, listed, attributes)),
            Place::Log(entries) => Ok(state.changes(entries, attributes)),
        }
    }

    fn needs(&self, attribute: &str) -> bool {
        attribute == KEY
    }

    async fn user_count(&self) -> Result<u64> {
        Ok(self.state().users.len() as u64)
    }

    async fn access_policy(&self) -> Result<AccessPolicy> {
        Ok(self.state().policy.clone())
    }

    async fn identity(&self) -> Result<Identity> {
        Ok(Identity { directory_id: self.directory_id(), verified_domains: vec![self.domain.clone()], default_domain: None })
    }

    fn kind(&self, attributes: &Attributes) -> Kind {
        match attributes.get(KEY) {
            None | Some(Value::Null) => Kind::Internal,
            Some(_) => Kind::External,
        }
    }
}
