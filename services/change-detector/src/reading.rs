//! How far the reading of one tenant has come; one row, stored with what it read.

use std::collections::BTreeSet;

use xtsync_directory::Cursor;
use xtsync_domain::{TenantName, Timestamp};
use xtsync_platform::params;
use xtsync_platform::store::Transaction;

use crate::error::{Error, corrupt};

/// How far the reading of one tenant has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reading {
    /// Attributes asked of the directory, sorted. Cursors are bound to them.
    pub(crate) selected: Vec<String>,
    /// What is being read.
    pub(crate) phase: Phase,
    /// Where the next round begins; none when everything must be read.
    pub(crate) groups: Option<Cursor>,
    pub(crate) users: Option<Cursor>,
    /// Whether everything is being read.
    pub(crate) entire: bool,
    /// Counts readings of everything.
    pub(crate) generation: u64,
    /// When the newest of them began; 0 where that is not known.
    pub(crate) began: Timestamp,
    /// Rounds completed.
    pub(crate) round: u64,
}

/// What is being read, and where that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing.
    Idle,
    /// Groups; without a cursor at the beginning of everything.
    Groups(Option<Cursor>),
    /// Users; likewise.
    Users(Option<Cursor>),
    /// Nothing more: the users it changed are being cut.
    Cutting,
}

impl Phase {
    /// What is being read, for logs.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Idle | Self::Cutting => "nothing",
            Self::Groups(_) => "groups",
            Self::Users(_) => "users",
        }
    }
}

impl Reading {
    /// A tenant never read.
    pub(crate) fn new() -> Self {
        let (groups, users) = (None, None);
        Self { selected: Vec::new(), phase: Phase::Idle, groups, users, entire: false, generation: 0, began: Timestamp(0), round: 0 }
    }

    /// Begins a round. Everything is read when there is no cursor to begin at.
    pub(crate) fn begin(&mut self, now: Timestamp) {
        if self.groups.is_none() || self.users.is_none() {
            self.begin_entire(now);
        } else {
            self.phase = Phase::Groups(self.groups.clone());
        }
    }

    /// Begins to read everything, dropping what was under way.
    pub(crate) fn begin_entire(&mut self, now: Timestamp) {
        self.entire = true;
        self.began = now;
        self.generation += 1;
        self.groups = None;
        self.users = None;
        self.phase = Phase::Groups(None);
    }

    /// Whether what is read goes on at a cursor.
    pub(crate) fn resumes(&self) -> bool {
        matches!(&self.phase, Phase::Groups(Some(_)) | Phase::Users(Some(_)))
    }

    /// Whether the round under way is the tenant's first.
    pub(crate) fn first(&self) -> bool {
        self.round == 0
    }

    /// Whether the second round reads everything: the first one may have been another store's.
    pub(crate) fn rereads(&self) -> bool {
        self.round == 1 && self.entire
    }

    /// Whether this is not the first reading of everything, so that it may find somebody missing.
    pub(crate) fn repeats(&self) -> bool {
        self.generation > 1
    }

    /// Asks for these attributes from now on: others are not kept. Everything is read again for one that was not asked for, of which
    /// nothing is kept therefore; true then.
    pub(crate) fn select(&mut self, needed: &BTreeSet<String>, now: Timestamp) -> bool {
        let is_missing = needed.iter().any(|name| !self.selected.contains(name));
        self.selected = needed.iter().cloned().collect();
        if is_missing {
            self.begin_entire(now);
        }
        is_missing
    }
}

/// The reading of a tenant as stored.
pub(crate) async fn load(tx: &mut Transaction, tenant: &TenantName) -> Result<Reading, Error> {
    const SQL: &str = "SELECT selected, phase, page, groups_cursor, users_cursor, entire, generation, round, entire_began FROM tenant \
                       WHERE name = $1";
    let Some(row) = tx.fetch_one_opt(SQL, params![tenant.as_str()]).await? else {
        return Ok(Reading::new());
    };
    let page = row.opt_text(2)?.map(Cursor);
    Ok(Reading {
        selected: row.text(0)?.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
        phase: match row.int(1)? {
            0 => Phase::Idle,
            1 => Phase::Groups(page),
            2 => Phase::Users(page),
            3 => Phase::Cutting,
            _ => return Err(corrupt("a reading's phase")),
        },
        groups: row.opt_text(3)?.map(Cursor),
        users: row.opt_text(4)?.map(Cursor),
        entire: row.int(5)? != 0,
        generation: row.uint(6)?,
        began: Timestamp(row.int(8)?),
        round: row.uint(7)?,
    })
}

/// Stores the reading of a tenant with the commit.
pub(crate) fn save(tx: &mut Transaction, tenant: &TenantName, reading: &Reading) {
    const SQL: &str = "INSERT INTO tenant (name, selected, phase, page, groups_cursor, users_cursor, entire, generation, round, entire_began) \
         VALUES {rows} ON CONFLICT (name) DO UPDATE SET selected = excluded.selected, \
         phase = excluded.phase, page = excluded.page, groups_cursor = excluded.groups_cursor, users_cursor = excluded.users_cursor, \
         entire = excluded.entire, generation = excluded.generation, round = excluded.round, entire_began = excluded.entire_began";
    let (phase, page) = match &reading.phase {
        Phase::Idle => (0_i64, None),
        Phase::Groups(page) => (1, page.as_ref()),
        Phase::Users(page) => (2, page.as_ref()),
        Phase::Cutting => (3, None),
    };
    let text = |cursor: Option<&Cursor>| cursor.map(|cursor| cursor.0.clone());
    let row = params![
        tenant.as_str(),
        reading.selected.join(","),
        phase,
        text(page),
        text(reading.groups.as_ref()),
        text(reading.users.as_ref()),
        reading.entire,
        reading.generation,
        reading.round,
        reading.began,
    ];
    tx.later(SQL, vec![row]);
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1);

    #[test]
    fn a_new_attribute_has_everything_read_again_and_a_known_one_has_not() {
        let mut reading = Reading::new();
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        assert!(reading.select(&names(&["mail", "city"]), NOW));
        assert_eq!((reading.selected.join(","), reading.generation), ("city,mail".to_owned(), 1));
        assert!(!reading.select(&names(&["mail"]), NOW));
        assert_eq!((reading.selected.join(","), reading.generation), ("mail".to_owned(), 1));
        assert!(reading.select(&names(&["mail", "city"]), NOW), "city was not kept");
        assert_eq!(reading.generation, 2);
    }

    #[test]
    fn a_round_begins_at_its_cursors_and_without_them_at_the_beginning() {
        let cursor = |text: &str| Some(Cursor(text.to_owned()));
        let mut reading = Reading { groups: cursor("g"), users: cursor("u"), ..Reading::new() };
        reading.begin(NOW);
        assert_eq!((&reading.phase, reading.entire), (&Phase::Groups(cursor("g")), false));
        reading.begin_entire(NOW);
        assert_eq!((&reading.phase, reading.entire, reading.generation), (&Phase::Groups(None), true, 1));
    }
}
