//! Parameters of statements: integers, text and bytes, each of which may be null and still has its type.
//!
//! PostgreSQL refuses a null without a type where it cannot infer one, so every null has a type. Booleans are 0 and 1 in both databases.

use sqlx::Arguments as _;
use sqlx::error::BoxDynError;
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use xtsync_domain::Timestamp;

/// One parameter of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Param {
    /// An `INTEGER` or `BIGINT`.
    Int(Option<i64>),
    /// A `TEXT`.
    Text(Option<String>),
    /// A `BLOB` or `BYTEA`.
    Bytes(Option<Vec<u8>>),
}

/// The parameters of a statement, in order: `params![tenant, id, 7_u64]`.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { ::std::vec![$($crate::Param::from($value)),*] };
}

/// The values of the placeholders of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Values {
    /// One value each.
    Single(Vec<Param>),
    /// One array each, for PostgreSQL only.
    Columns(Vec<Column>),
}

/// One value of each row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Column {
    Int(Vec<Option<i64>>),
    Text(Vec<Option<String>>),
    Bytes(Vec<Option<Vec<u8>>>),
}

impl Column {
    /// An empty column for values of the kind of a parameter.
    pub(super) fn like(param: &Param) -> Self {
        match param {
            Param::Int(_) => Self::Int(Vec::new()),
            Param::Text(_) => Self::Text(Vec::new()),
            Param::Bytes(_) => Self::Bytes(Vec::new()),
        }
    }

    /// Appends a value; false if it is of another kind.
    pub(super) fn push(&mut self, param: Param) -> bool {
        match (self, param) {
            (Self::Int(column), Param::Int(value)) => column.push(value),
            (Self::Text(column), Param::Text(value)) => column.push(value),
            (Self::Bytes(column), Param::Bytes(value)) => column.push(value),
            _ => return false,
        }
        true
    }

    /// The SQL type of its array.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Int(_) => "BIGINT[]",
            Self::Text(_) => "TEXT[]",
            Self::Bytes(_) => "BYTEA[]",
        }
    }
}

pub(super) fn for_sqlite(values: Values) -> Result<SqliteArguments, BoxDynError> {
    let mut arguments = SqliteArguments::default();
    let Values::Single(params) = values else { return Err("there are no arrays".into()) };
    arguments.reserve(params.len(), 0);
    for param in params {
        match param {
            Param::Int(value) => arguments.add(value)?,
            Param::Text(value) => arguments.add(value)?,
            Param::Bytes(value) => arguments.add(value)?,
        }
    }
    Ok(arguments)
}

pub(super) fn for_postgres(values: Values) -> Result<PgArguments, BoxDynError> {
    let mut arguments = PgArguments::default();
    match values {
        Values::Single(params) => {
            for param in params {
                match param {
                    Param::Int(value) => arguments.add(value)?,
                    Param::Text(value) => arguments.add(value)?,
                    Param::Bytes(value) => arguments.add(value)?,
                }
            }
        }
        Values::Columns(columns) => {
            for column in columns {
                match column {
                    Column::Int(values) => arguments.add(values)?,
                    Column::Text(values) => arguments.add(values)?,
                    Column::Bytes(values) => arguments.add(values)?,
                }
            }
        }
    }
    Ok(arguments)
}

macro_rules! from {
    ($variant:ident: $($type:ty => $convert:expr),+ $(,)?) => {
        $(
            impl From<$type> for Param {
                fn from(value: $type) -> Self {
                    let convert: fn($type) -> _ = $convert;
                    Self::$variant(Some(convert(value)))
                }
            }

            impl From<Option<$type>> for Param {
                fn from(value: Option<$type>) -> Self {
                    let convert: fn($type) -> _ = $convert;
                    Self::$variant(value.map(convert))
                }
            }
        )+
    };
}

from!(Int:
    i64 => |value| value,
    i32 => i64::from,
    u32 => i64::from,
    // Versions are microseconds, so a larger value is invalid; the maximum keeps the order.
    u64 => |value| i64::try_from(value).unwrap_or(i64::MAX),
    bool => i64::from,
    Timestamp => |value| value.0,
);
from!(Text: String => |value| value, &String => String::clone, &str => str::to_owned);
from!(Bytes: Vec<u8> => |value| value, &[u8] => <[u8]>::to_vec);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_has_one_type_in_both_databases_even_null() {
        let params = params![7_u64, true, Timestamp(9), "a", None::<u64>, None::<&str>, None::<Vec<u8>>, b"x".as_slice(), u64::MAX];
        let wanted = [
            Param::Int(Some(7)),
            Param::Int(Some(1)),
            Param::Int(Some(9)),
            Param::Text(Some("a".to_owned())),
            Param::Int(None),
            Param::Text(None),
            Param::Bytes(None),
            Param::Bytes(Some(b"x".to_vec())),
            Param::Int(Some(i64::MAX)),
        ];
        assert_eq!(params, wanted);
    }
}
