//! How far the reading of one tenant has come; one row, stored with what it read.

use std::collections::BTreeSet;

use xtsync_directory::Cursor;
use xtsync_domain::{DirectoryId, TenantName, Timestamp};
use xtsync_store::{self as store, Row, Store, Transaction, params};

use crate::error::{Error, corrupt};
use crate::full::{Full, FullPhase, Reason};

/// How far the reading of one tenant has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyncState {
    /// Attributes that incremental cycles ask for, sorted. Cursors are bound to them.
    pub(crate) selected: Vec<String>,
    /// Attributes that were added and that no verified full read has read: of a user without a value they are not read, which is not empty.
    pub(crate) unverified_attributes: BTreeSet<String>,
    /// The incremental cycle under way.
    pub(crate) phase: Phase,
    /// Where the next incremental cycle begins; none where everything must be read first.
    pub(crate) groups: Option<Cursor>,
    pub(crate) users: Option<Cursor>,
    /// The full read under way, beside the cycles.
    pub(crate) full: Option<Full>,
    /// Counts full reads.
    pub(crate) full_cycle: u64,
    /// When the newest of them began; 0 where that is not known.
    pub(crate) began: Timestamp,
    /// Cycles completed.
    pub(crate) cycle: u64,
    /// Whether the last full read could not be relied on.
    pub(crate) unverified: bool,
    /// Users that it missed, where most were missing.
    pub(crate) missing: u64,
    /// The directory it was read from.
    pub(crate) directory: Option<DirectoryId>,
}

/// What the incremental cycle does, and where it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Phase {
    /// None is under way.
    Idle,
    /// It reads groups.
    Groups(Cursor),
    /// It reads users.
    Users(Cursor),
    /// It has read everything: the users it changed are being projected.
    Projecting,
}

impl SyncState {
    /// A tenant never read.
    pub(crate) fn new() -> Self {
        Self {
            selected: Vec::new(),
            unverified_attributes: BTreeSet::new(),
            phase: Phase::Idle,
            groups: None,
            users: None,
            full: None,
            full_cycle: 0,
            began: Timestamp(0),
            cycle: 0,
            unverified: false,
            missing: 0,
            directory: None,
        }
    }

    /// Whether incremental cycles are possible.
    pub(crate) fn is_incremental(&self) -> bool {
        !self.is_initial() && self.groups.is_some() && self.users.is_some()
    }

    /// Begins an incremental cycle. The cursors of the last one stay until this one has come to its end.
    pub(crate) fn begin(&mut self) {
        self.phase = self.groups.clone().map_or(Phase::Idle, Phase::Groups);
    }

    /// Begins a full read; one under way is dropped. The incremental cursors stay.
    pub(crate) fn begin_full(&mut self, reason: Reason, now: Timestamp) {
        // After a rebuild all users are to be projected anew, whatever has the read begin once more.
        let is_rebuilt = self.full.as_ref().is_some_and(|full| full.reason == Reason::Rebuilt);
        let reason = if is_rebuilt { Reason::Rebuilt } else { reason };
        let selected = self.full.as_ref().map_or(&self.selected, |full| &full.selected).clone();
        let widens = self.full.as_ref().is_some_and(Full::is_widening);
        let replaces_cursors = !self.is_incremental() || self.full.as_ref().is_some_and(|full| full.replaces_cursors);
        self.began = now;
        self.full_cycle += 1;
        self.full = Some(Full { replaces_cursors, widens, ..Full::new(reason, selected) });
    }

    /// The incremental cursors are void.
    pub(crate) fn void(&mut self) {
        (self.groups, self.users, self.phase) = (None, None, Phase::Idle);
        self.full.iter_mut().for_each(|full| full.replaces_cursors = true);
    }

    /// Takes over the cursors that a full read gave.
    pub(crate) fn switch_cursors(&mut self) {
        let Some(full) = self.full.as_ref().filter(|full| full.replaces_cursors) else { return };
        if let (Some(groups), Some(users)) = (&full.groups, &full.users) {
            (self.groups, self.users) = (Some(groups.clone()), Some(users.clone()));
            self.selected = full.selected.clone();
            self.phase = Phase::Idle;
        }
    }

    /// Whether the tenant was never read to the end.
    pub(crate) fn is_initial(&self) -> bool {
        self.cycle == 0
    }

    /// Whether the second cycle reads everything: the first one may have been another store's.
    pub(crate) fn is_rebuilding(&self) -> bool {
        self.cycle == 1 && self.full.is_some()
    }

    /// Whether this is not the first full read, so that it may find users missing.
    pub(crate) fn is_repeated_full(&self) -> bool {
        self.full_cycle > 1
    }

    /// Whether what the projection needs was not read of all users yet.
    pub(crate) fn widens(&self) -> bool {
        self.full.as_ref().is_some_and(Full::is_widening)
    }

    /// Asks for these attributes from now on: others are not kept. Everything is read for one that was not asked for, of which nothing is
    /// kept therefore; true then. Incremental cycles go on with what they ask for.
    pub(crate) fn select(&mut self, needed: &BTreeSet<String>, now: Timestamp) -> bool {
        let asked = self.full.as_ref().map_or(&self.selected, |full| &full.selected);
        let added: BTreeSet<String> = needed.iter().filter(|name| !asked.contains(name)).cloned().collect();
        let selected: Vec<String> = needed.iter().cloned().collect();
        self.unverified_attributes.retain(|name| needed.contains(name));
        if added.is_empty() {
            self.selected.retain(|name| needed.contains(name));
            self.full.iter_mut().for_each(|full| full.selected.clone_from(&selected));
            return false;
        }
        let reason = match &self.full {
            Some(full) => full.reason,
            None if self.is_initial() => Reason::Initial,
            None => Reason::Selection,
        };
        match self.is_incremental() {
            true => self.selected.retain(|name| needed.contains(name)),
            false => self.selected.clone_from(&selected),
        }
        // Before the first full read there is no user whose attributes could be unknown.
        if self.full_cycle > 0 {
            self.unverified_attributes.extend(added);
        }
        // After a rebuild users were published with these attributes before.
        let widens = !self.is_initial() && reason != Reason::Rebuilt;
        self.began = now;
        self.full_cycle += 1;
        self.full = Some(Full { replaces_cursors: true, widens, ..Full::new(reason, selected) });
        true
    }
}

/// The reading of a tenant as stored.
pub(crate) async fn load(tx: &mut Transaction, tenant: &TenantName) -> Result<SyncState, Error> {
    const SQL: &str = "SELECT selected, phase, page, groups_cursor, users_cursor, full_cycle, cycle, full_cycle_began, unverified, missing, \
                       full_reason, full_flags, full_phase, full_page, full_selected, full_groups, full_users, directory, unverified_attributes \
                       FROM tenant WHERE name = $1";
    let Some(row) = tx.fetch_one_opt(SQL, params![tenant.as_str()]).await? else {
        return Ok(SyncState::new());
    };
    let page = row.opt_text("page")?.map(Cursor);
    Ok(SyncState {
        selected: names(&row.text("selected")?),
        unverified_attributes: names(&row.text("unverified_attributes")?).into_iter().collect(),
        phase: match (row.int("phase")?, page) {
            (0, _) => Phase::Idle,
            (1, Some(page)) => Phase::Groups(page),
            (2, Some(page)) => Phase::Users(page),
            (3, _) => Phase::Projecting,
            _ => return Err(corrupt("a reading's phase")),
        },
        groups: row.opt_text("groups_cursor")?.map(Cursor),
        users: row.opt_text("users_cursor")?.map(Cursor),
        full: full(&row)?,
        full_cycle: row.uint("full_cycle")?,
        cycle: row.uint("cycle")?,
        began: Timestamp(row.int("full_cycle_began")?),
        unverified: row.flag("unverified")?,
        missing: row.uint("missing")?,
        directory: row.opt_text("directory")?.map(DirectoryId::from),
    })
}

fn full(row: &Row) -> Result<Option<Full>, Error> {
    let Some(reason) = row.opt_text("full_reason")? else { return Ok(None) };
    let phase = FullPhase::of(row.int("full_phase")?, row.opt_text("full_page")?)?;
    let selected = names(&row.opt_text("full_selected")?.unwrap_or_default());
    let (groups, users) = (row.opt_text("full_groups")?.map(Cursor), row.opt_text("full_users")?.map(Cursor));
    let full = Full { phase, groups, users, ..Full::new(Reason::of_name(&reason)?, selected) };
    Ok(Some(full.with_flags(row.int("full_flags")?)))
}

fn names(text: &str) -> Vec<String> {
    text.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Stores the reading of a tenant with the commit.
pub(crate) fn save(tx: &mut Transaction, tenant: &TenantName, sync_state: &SyncState) {
    const SQL: &str = "INSERT INTO tenant (name, selected, phase, page, groups_cursor, users_cursor, full_cycle, cycle, full_cycle_began, \
         unverified, missing, full_reason, full_flags, full_phase, full_page, full_selected, full_groups, full_users, directory, unverified_attributes) \
         VALUES {rows} ON CONFLICT (name) DO UPDATE SET selected = excluded.selected, \
         phase = excluded.phase, page = excluded.page, groups_cursor = excluded.groups_cursor, users_cursor = excluded.users_cursor, \
         full_cycle = excluded.full_cycle, cycle = excluded.cycle, full_cycle_began = excluded.full_cycle_began, unverified = excluded.unverified, \
         missing = excluded.missing, full_reason = excluded.full_reason, full_flags = excluded.full_flags, \
         full_phase = excluded.full_phase, full_page = excluded.full_page, full_selected = excluded.full_selected, \
         full_groups = excluded.full_groups, full_users = excluded.full_users, \
         directory = excluded.directory, unverified_attributes = excluded.unverified_attributes";
    let (phase, page) = match &sync_state.phase {
        Phase::Idle => (0_i64, None),
        Phase::Groups(page) => (1, Some(page)),
        Phase::Users(page) => (2, Some(page)),
        Phase::Projecting => (3, None),
    };
    let text = |cursor: Option<&Cursor>| cursor.map(|cursor| cursor.0.clone());
    let full = sync_state.full.as_ref();
    let row = params![
        tenant.as_str(),
        sync_state.selected.join(","),
        phase,
        text(page),
        text(sync_state.groups.as_ref()),
        text(sync_state.users.as_ref()),
        sync_state.full_cycle,
        sync_state.cycle,
        sync_state.began,
        sync_state.unverified,
        sync_state.missing,
        full.map(|full| full.reason.name().to_owned()),
        full.map_or(0, Full::flags),
        full.map_or(0, |full| full.phase.number()),
        full.and_then(|full| full.phase.page()),
        full.map(|full| full.selected.join(",")),
        text(full.and_then(|full| full.groups.as_ref())),
        text(full.and_then(|full| full.users.as_ref())),
        sync_state.directory.as_ref().map(|directory| directory.as_str().to_owned()),
        sync_state.unverified_attributes.iter().cloned().collect::<Vec<_>>().join(","),
    ];
    tx.defer(SQL, vec![row]);
}

/// Notes that an operator asks for a full read of a tenant that was read before.
pub(crate) async fn request_resync(tx: &mut Transaction, tenant: &TenantName, now: Timestamp) -> Result<(), store::Error> {
    tx.execute("UPDATE tenant SET resync = $2 WHERE name = $1", params![tenant.as_str(), now]).await.map(drop)
}

/// Whether an operator asks for a full read that has not begun yet.
pub(crate) async fn is_resync_requested(store: &Store, tenant: &TenantName) -> Result<bool, Error> {
    let row = store.fetch_one_opt("SELECT resync FROM tenant WHERE name = $1", params![tenant.as_str()]).await?;
    Ok(row.map(|row| row.int("resync")).transpose()?.unwrap_or(0) > 0)
}

/// Notes that it has begun.
pub(crate) async fn clear_resync_request(tx: &mut Transaction, tenant: &TenantName) -> Result<(), Error> {
    tx.execute("UPDATE tenant SET resync = 0 WHERE name = $1", params![tenant.as_str()]).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1);

    fn cursor(text: &str) -> Option<Cursor> {
        Some(Cursor(text.to_owned()))
    }

    fn read() -> SyncState {
        SyncState { groups: cursor("g"), users: cursor("u"), cycle: 1, full_cycle: 1, ..SyncState::new() }
    }

    #[test]
    fn a_new_attribute_causes_a_full_read_and_a_known_one_does_not() {
        let mut sync_state = SyncState::new();
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        assert!(sync_state.select(&names(&["mail", "city"]), NOW));
        assert_eq!((sync_state.selected.join(","), sync_state.full_cycle), ("city,mail".to_owned(), 1));
        assert_eq!(sync_state.unverified_attributes, BTreeSet::new(), "no user was read without them");
        assert!(!sync_state.select(&names(&["mail"]), NOW));
        assert_eq!((sync_state.selected.join(","), sync_state.full_cycle), ("mail".to_owned(), 1));
        assert!(sync_state.select(&names(&["mail", "city"]), NOW), "city was not kept");
        assert_eq!((sync_state.full_cycle, &sync_state.unverified_attributes), (2, &names(&["city"])));
        sync_state.select(&names(&["mail"]), NOW);
        assert_eq!(sync_state.unverified_attributes, BTreeSet::new(), "it is not needed any more");
    }

    #[test]
    fn the_old_cursors_serve_the_old_selection_until_those_of_a_wider_one_replace_them() {
        let mut sync_state = read();
        assert!(sync_state.select(&["city".to_owned()].into(), NOW));
        assert!(sync_state.is_incremental() && sync_state.widens() && sync_state.selected.is_empty());
        sync_state.switch_cursors();
        assert_eq!(sync_state.groups, cursor("g"), "nothing is adopted before it has come to its end");
        let full = sync_state.full.as_mut().unwrap();
        (full.groups, full.users) = (cursor("g2"), cursor("u2"));
        sync_state.switch_cursors();
        assert_eq!((sync_state.groups, sync_state.users, sync_state.selected), (cursor("g2"), cursor("u2"), vec!["city".to_owned()]));
        assert_eq!(sync_state.unverified_attributes, ["city".to_owned()].into(), "until a full read is verified");
    }

    #[test]
    fn a_full_read_keeps_the_incremental_cursors_and_replaces_them_where_they_are_void() {
        let mut sync_state = read();
        sync_state.begin();
        assert_eq!(sync_state.phase, Phase::Groups(Cursor("g".to_owned())));
        sync_state.begin_full(Reason::Comparison, NOW);
        assert_eq!((&sync_state.groups, sync_state.full.as_ref().map(|full| full.replaces_cursors)), (&cursor("g"), Some(false)));
        sync_state.void();
        assert_eq!((&sync_state.groups, sync_state.full.as_ref().map(|full| full.replaces_cursors)), (&None, Some(true)));
        sync_state.begin_full(Reason::Void, NOW);
        assert_eq!((sync_state.full_cycle, sync_state.full.map(|full| full.replaces_cursors)), (3, Some(true)));
    }

    #[test]
    fn the_progress_of_a_full_read_reads_back_as_it_was_stored() {
        let page = || cursor("p");
        for phase in [
            FullPhase::Groups(None),
            FullPhase::Groups(page()),
            FullPhase::Users(None),
            FullPhase::Users(page()),
            FullPhase::AwaitCycle(7),
            FullPhase::Merge,
            FullPhase::Replace,
            FullPhase::Remove,
            FullPhase::Project,
            FullPhase::Clear,
        ] {
            assert_eq!(FullPhase::of(phase.number(), phase.page()).unwrap(), phase);
        }
        for flags in 0..8 {
            assert_eq!(Full::new(Reason::Void, vec![]).with_flags(flags).flags(), flags);
        }
    }
}
