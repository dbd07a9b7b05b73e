//! The tables of control's store.

use xtsync_store::{Migration, Migrations};

/// The migrations, for both databases.
pub(crate) const MIGRATIONS: Migrations = Migrations {
    sqlite: &[
        Migration { name: "0001_resources", sql: include_str!("../migrations/sqlite/0001_resources.sql") },
        Migration { name: "0002_view", sql: include_str!("../migrations/sqlite/0002_view.sql") },
        Migration { name: "0003_link_version", sql: include_str!("../migrations/sqlite/0003_link_version.sql") },
        Migration { name: "0004_user_position", sql: include_str!("../migrations/sqlite/0004_user_position.sql") },
    ],
    postgres: &[
        Migration { name: "0001_resources", sql: include_str!("../migrations/postgres/0001_resources.sql") },
        Migration { name: "0002_view", sql: include_str!("../migrations/postgres/0002_view.sql") },
        Migration { name: "0003_link_version", sql: include_str!("../migrations/postgres/0003_link_version.sql") },
        Migration { name: "0004_user_position", sql: include_str!("../migrations/postgres/0004_user_position.sql") },
    ],
};
