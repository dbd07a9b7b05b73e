//! Rows as plain values, the same from both databases.

use std::sync::Arc;

use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Column as _, Row as _, TypeInfo as _, ValueRef as _};

use super::Error;

/// One row of a result: values by the names of its columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The names of the result's columns, shared by its rows.
    columns: Arc<[String]>,
    values: Vec<Value>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Row {
    /// The integer in a column.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when there is no such column, or it holds another type.
    pub fn int(&self, column: &str) -> Result<i64, Error> {
        self.opt_int(column)?.ok_or_else(|| wrong(column, "an integer"))
    }

    /// The integer in a column that is never negative, such as a version, an epoch or a count.
    ///
    /// # Errors
    /// As [`Row::int`], and when it is negative.
    pub fn uint(&self, column: &str) -> Result<u64, Error> {
        u64::try_from(self.int(column)?).map_err(|_| wrong(column, "a positive integer"))
    }

    /// The text in a column.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn text(&self, column: &str) -> Result<String, Error> {
        self.opt_text(column)?.ok_or_else(|| wrong(column, "text"))
    }

    /// The bytes in a column.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn bytes(&self, column: &str) -> Result<Vec<u8>, Error> {
        self.opt_bytes(column)?.ok_or_else(|| wrong(column, "bytes"))
    }

    /// Whether a column holds a value other than 0.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn flag(&self, column: &str) -> Result<bool, Error> {
        Ok(self.int(column)? != 0)
    }

    /// The integer in a column that may be null.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn opt_int(&self, column: &str) -> Result<Option<i64>, Error> {
        match self.value(column) {
            Some(Value::Null) => Ok(None),
            Some(Value::Int(value)) => Ok(Some(*value)),
            Some(Value::Text(_) | Value::Bytes(_)) | None => Err(wrong(column, "an integer")),
        }
    }

    /// The text in a column that may be null.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn opt_text(&self, column: &str) -> Result<Option<String>, Error> {
        match self.value(column) {
            Some(Value::Null) => Ok(None),
            Some(Value::Text(value)) => Ok(Some(value.clone())),
            Some(Value::Int(_) | Value::Bytes(_)) | None => Err(wrong(column, "text")),
        }
    }

    /// The bytes in a column that may be null.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn opt_bytes(&self, column: &str) -> Result<Option<Vec<u8>>, Error> {
        match self.value(column) {
            Some(Value::Null) => Ok(None),
            Some(Value::Bytes(value)) => Ok(Some(value.clone())),
            Some(Value::Int(_) | Value::Text(_)) | None => Err(wrong(column, "bytes")),
        }
    }

    fn value(&self, column: &str) -> Option<&Value> {
        self.values.get(self.columns.iter().position(|name| name == column)?)
    }

    /// The rows of a result of SQLite.
    pub(super) fn all_of_sqlite(rows: &[SqliteRow]) -> Result<Vec<Self>, sqlx::Error> {
        let columns = names(rows);
        rows.iter().map(|row| Ok(Self { columns: Arc::clone(&columns), values: Self::from_sqlite(row)? })).collect()
    }

    /// The rows of a result of PostgreSQL.
    pub(super) fn all_of_postgres(rows: &[PgRow]) -> Result<Vec<Self>, sqlx::Error> {
        let columns = names(rows);
        rows.iter().map(|row| Ok(Self { columns: Arc::clone(&columns), values: Self::from_postgres(row)? })).collect()
    }

    fn from_sqlite(row: &SqliteRow) -> Result<Vec<Value>, sqlx::Error> {
        let value = |index: usize| {
            let raw = row.try_get_raw(index)?;
            // The type of the value: a column of an expression has no type.
            match raw.type_info().name() {
                _ if raw.is_null() => Ok(Value::Null),
                "INTEGER" => row.try_get(index).map(Value::Int),
                "TEXT" => row.try_get(index).map(Value::Text),
                "BLOB" => row.try_get(index).map(Value::Bytes),
                other => Err(unsupported(row.column(index).name(), other)),
            }
        };
        (0..row.len()).map(value).collect()
    }

    fn from_postgres(row: &PgRow) -> Result<Vec<Value>, sqlx::Error> {
        let value = |index: usize| {
            let raw = row.try_get_raw(index)?;
            match raw.type_info().name() {
                _ if raw.is_null() => Ok(Value::Null),
                "INT8" => row.try_get(index).map(Value::Int),
                "INT4" => row.try_get::<i32, _>(index).map(|value| Value::Int(value.into())),
                "BOOL" => row.try_get::<bool, _>(index).map(|value| Value::Int(value.into())),
                "TEXT" | "VARCHAR" | "NAME" => row.try_get(index).map(Value::Text),
                "BYTEA" => row.try_get(index).map(Value::Bytes),
                other => Err(unsupported(row.column(index).name(), other)),
            }
        };
        (0..row.len()).map(value).collect()
    }
}

/// The names of a result's columns.
fn names<R: sqlx::Row>(rows: &[R]) -> Arc<[String]> {
    rows.first().map(|row| row.columns().iter().map(|column| column.name().to_owned()).collect()).unwrap_or_default()
}

fn wrong(column: &str, wanted: &str) -> Error {
    Error::Corrupt(format!("column {column} is not {wanted}"))
}

/// The error for a column that is no integer, text or bytes; sums must be cast: `CAST(SUM(n) AS BIGINT)`.
fn unsupported(column: &str, type_name: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("column {column} is {type_name}, which a store does not hold").into())
}
