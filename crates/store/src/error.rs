//! How a store can fail, and whether a retry may help.

/// How a store can fail.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database cannot be reached or is too busy; a later attempt may succeed.
    #[error("the database is unavailable")]
    Unavailable(#[source] sqlx::Error),
    /// This transaction conflicted with another and was rolled back; an immediate retry may succeed.
    #[error("another transaction was in the way")]
    Contended(#[source] sqlx::Error),
    /// The disk of the database is full; a retry succeeds only after an operator frees space.
    #[error("the disk of the database is full")]
    Full(#[source] sqlx::Error),
    /// The database refused a statement.
    #[error("{doing}")]
    Statement {
        /// The operation.
        doing: String,
        /// The reason.
        #[source]
        source: sqlx::Error,
    },
    /// Another row has a value that may occur once only.
    #[error("another row has that value already")]
    NotUnique(#[source] sqlx::Error),
    /// The store cannot be used as it is: an operator must act.
    #[error("the store {place} cannot be used: {reason}")]
    Unusable {
        /// The file or schema.
        place: String,
        /// The reason.
        reason: String,
    },
    /// Another replica holds the lease that a statement requires, or the lease has expired.
    #[error("the lease {0} is no longer held")]
    Fenced(String),
    /// Rows are not as they were read, and the transaction was rolled back; one that reads them again may succeed.
    #[error("rows have changed since they were read")]
    Changed,
    /// The stored data is not what this program wrote.
    #[error("{0}")]
    Corrupt(String),
}

/// How a caller must treat a database error.
enum Meaning {
    Unavailable,
    Contended,
    Full,
    NotUnique,
    Refused,
}

impl Error {
    /// Whether the same call may succeed later without a change by an operator.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::Contended(_) | Self::Full(_) | Self::Changed => true,
            Self::Statement { .. } | Self::NotUnique(_) | Self::Unusable { .. } | Self::Fenced(_) | Self::Corrupt(_) => false,
        }
    }

    /// The error of a statement. It has placeholders and no values.
    pub(super) fn of(sql: &str, source: sqlx::Error) -> Self {
        match meaning(&source) {
            Meaning::Unavailable => Self::Unavailable(source),
            Meaning::Contended => Self::Contended(source),
            Meaning::Full => Self::Full(source),
            Meaning::NotUnique => Self::NotUnique(source),
            Meaning::Refused => Self::Statement { doing: format!("running `{}`", shortened(sql)), source },
        }
    }
}

/// Classifies a driver's error.
fn meaning(error: &sqlx::Error) -> Meaning {
    match error {
        sqlx::Error::Database(error) => match error.code().as_deref() {
            Some(code) if error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_some() => of_postgres(code),
            Some(code) => of_sqlite(code),
            None => Meaning::Refused,
        },
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => Meaning::Unavailable,
        // The driver's enum is open; other variants concern the statement.
        _ => Meaning::Refused,
    }
}

/// Classifies by SQLSTATE: 23505 unique violation, 40001 serialization, 40P01 deadlock, 55P03 lock timeout; by class 08 connection, 40 other rollbacks, 53
/// resources, 57 operator (shutdown, timeout).
fn of_postgres(code: &str) -> Meaning {
    match code {
        "53100" => Meaning::Full,
        "23505" => Meaning::NotUnique,
        "40001" | "40P01" | "55P03" => Meaning::Contended,
        code if ["08", "40", "53", "57"].iter().any(|class| code.starts_with(class)) => Meaning::Unavailable,
        _ => Meaning::Refused,
    }
}

/// Classifies by the primary result code, the lowest byte: 5 busy, 6 locked, 10 input/output, 13 full. The extended code 778 is a write
/// that the system refused: because of a quota or limit, not only a bad disk. 1555 and 2067 are violations of a key and of uniqueness.
fn of_sqlite(code: &str) -> Meaning {
    let code = code.parse::<i32>().unwrap_or_default();
    match (code, code & 0xff) {
        (778, _) | (_, 13) => Meaning::Full,
        (1555 | 2067, _) => Meaning::NotUnique,
        (_, 5 | 6) => Meaning::Contended,
        (_, 10) => Meaning::Unavailable,
        _ => Meaning::Refused,
    }
}

/// Puts a statement on one line and shortens it.
fn shortened(sql: &str) -> String {
    const CHARS_MAX: usize = 120;
    let line = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_named_on_one_short_line() {
        let error = Error::of(&format!("SELECT\n   a,\n   {}", "b, ".repeat(100)), sqlx::Error::RowNotFound);
        let text = error.to_string();
        assert!(text.starts_with("running `SELECT a, b, b,") && text.ends_with("…`"), "{text}");
    }

    #[test]
    fn codes_classify_transient_errors() {
        for code in ["40001", "40P01", "55P03"] {
            assert!(matches!(of_postgres(code), Meaning::Contended), "{code}");
        }
        for (code, is_unavailable) in
            [("08006", true), ("40003", true), ("57P01", true), ("57014", true), ("23505", false), ("42P01", false)]
        {
            assert_eq!(matches!(of_postgres(code), Meaning::Unavailable), is_unavailable, "{code}");
        }
        for code in ["5", "6", "517"] {
            assert!(matches!(of_sqlite(code), Meaning::Contended), "{code}");
        }
        for (code, is_unavailable) in [("10", true), ("1", false), ("2067", false)] {
            assert_eq!(matches!(of_sqlite(code), Meaning::Unavailable), is_unavailable, "{code}");
        }
        for meaning in [of_postgres("23505"), of_sqlite("2067"), of_sqlite("1555")] {
            assert!(matches!(meaning, Meaning::NotUnique));
        }
        assert!(matches!(of_postgres("53100"), Meaning::Full));
        assert!(matches!(of_sqlite("13"), Meaning::Full) && matches!(of_sqlite("778"), Meaning::Full));
    }
}
