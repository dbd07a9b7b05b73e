//! Executes a statement over many rows: `VALUES {rows}` in its template stands for them.
//!
//! Only placeholders are built into SQL. PostgreSQL takes a column as one array, so a template has one SQL text for any number of rows, and
//! several statements can be combined into one. SQLite has no arrays: there the rows become tuples of placeholders. A few rows go into one
//! statement; more rows go in chunks whose sizes are powers of two. So a template has at most twenty SQL texts, and the cache of prepared
//! statements stays small.

use super::param::{Column, Values};
use super::{Error, Param};

/// The place of the rows in a template.
const ROWS: &str = "VALUES {rows}";

/// Up to this many rows go into one statement of exactly their number.
const FEW: usize = 16;

/// The most rows in one statement.
const ROWS_MAX: usize = 256;

/// The most parameters in one statement: SQLite's limit.
const PARAMS_MAX: usize = 32_766;

/// The SQLSTATE of a combined statement whose lease is not held: the square root of a negative number, which no other statement takes.
pub(super) const NOT_HELD: &str = "2201F";

/// The SQLSTATE of a combined statement that found something else than it requires: a division by zero, which no other statement does.
pub(super) const CHANGED: &str = "22012";

/// A template and its rows.
pub(super) type Rows = (&'static str, Vec<Vec<Param>>);

/// One statement of a batch.
pub(super) struct Statement {
    pub(super) sql: String,
    pub(super) values: Values,
}

/// Builds the SQL and columns of a template; the first column is the placeholder `$first`.
fn unnested(template: &str, rows: Vec<Vec<Param>>, first: usize) -> Result<(String, Vec<Column>), Error> {
    let (before, after) = parts(template, &rows)?;
    let mut columns: Vec<Column> = rows.first().into_iter().flatten().map(Column::like).collect();
    for row in rows {
        if !columns.iter_mut().zip(row).all(|(column, param)| column.push(param)) {
            return Err(Error::Corrupt(format!("a column of different kinds for `{template}`")));
        }
    }
    let places: Vec<String> = columns.iter().zip(first..).map(|(column, at)| format!("${at}::{}", column.type_name())).collect();
    Ok((format!("{before}SELECT * FROM unnest({}){after}", places.join(", ")), columns))
}

/// Builds one statement over columns, for PostgreSQL.
///
/// # Errors
/// As [`chunks`], and when a column holds values of different kinds.
pub(super) fn columns(template: &str, rows: Vec<Vec<Param>>) -> Result<Statement, Error> {
    let (sql, columns) = unnested(template, rows, 1)?;
    Ok(Statement { sql, values: Values::Columns(columns) })
}

/// Combines several statements into one, for PostgreSQL. It fails with [`NOT_HELD`] unless `lease` returns as many rows as it is given, and
/// with [`CHANGED`] unless each of `required` does. No statement sees the changes of another.
///
/// # Errors
/// As [`columns`].
pub(super) fn combined(lease: Option<Rows>, required: Vec<Rows>, others: Vec<Rows>) -> Result<Statement, Error> {
    let (mut texts, mut columns, mut checks) = (Vec::new(), Vec::new(), Vec::new());
    let lease = lease.into_iter().map(|rows| (rows, Some("CAST(sqrt(CASE WHEN {met} THEN 1 ELSE -1 END) AS BIGINT)")));
    let required = required.into_iter().map(|rows| (rows, Some("1 / CASE WHEN {met} THEN 1 ELSE 0 END")));
    let others = others.into_iter().map(|rows| (rows, None));
    for (place, ((template, rows), check)) in lease.chain(required).chain(others).enumerate() {
        let (first, (sql, more)) = (columns.len() + 1, unnested(template, rows, columns.len() + 1)?);
        texts.push(format!("s{place} AS ({sql})"));
        if let (Some(check), Some(column)) = (check, more.first()) {
            // The number of rows is no part of the text, so that it is prepared once.
            let met = format!("(SELECT count(*) FROM s{place}) = cardinality(${first}::{})", column.type_name());
            checks.push(check.replace("{met}", &met));
        }
        columns.extend(more);
    }
    let answer = if checks.is_empty() { "1".to_owned() } else { checks.join(", ") };
    Ok(Statement { sql: format!("WITH {} SELECT {answer}", texts.join(", ")), values: Values::Columns(columns) })
}

/// The template before and after the place of the rows. All rows must have the same width.
fn parts<'a>(template: &'a str, rows: &[Vec<Param>]) -> Result<(&'a str, &'a str), Error> {
    let columns = rows.first().map_or(0, Vec::len);
    if columns == 0 || columns > PARAMS_MAX || rows.iter().any(|row| row.len() != columns) {
        return Err(Error::Corrupt(format!("rows of different or impossible width for `{template}`")));
    }
    template.split_once(ROWS).ok_or_else(|| Error::Corrupt(format!("no `{ROWS}` in `{template}`")))
}

/// Splits rows into statements over tuples, for SQLite.
///
/// # Errors
/// [`Error::Corrupt`] when the rows differ in width or have no columns, or the template has no place for them.
pub(super) fn chunks(template: &str, rows: Vec<Vec<Param>>) -> Result<Vec<Statement>, Error> {
    let Some(columns) = rows.first().map(Vec::len) else { return Ok(Vec::new()) };
    let (before, after) = parts(template, &rows)?;
    let mut left = rows.len();
    let mut rows = rows.into_iter();
    let mut chunks = Vec::new();
    while left > 0 {
        let size = chunk_size(left, columns);
        left -= size;
        let sql = format!("{before}VALUES {}{after}", tuples(size, columns));
        chunks.push(Statement { sql, values: Values::Single(rows.by_ref().take(size).flatten().collect()) });
    }
    Ok(chunks)
}

/// The next chunk: all rows left if they are few, else the largest power of two within the rows left and the limits.
fn chunk_size(left: usize, columns: usize) -> usize {
    let most = left.min(ROWS_MAX).min(PARAMS_MAX / columns);
    if most <= FEW { most } else { 1 << most.ilog2() }
}

/// `($1, $2), ($3, $4)`.
fn tuples(rows: usize, columns: usize) -> String {
    let tuple = |row: usize| {
        let places: Vec<String> = (1..=columns).map(|column| format!("${}", row * columns + column)).collect();
        format!("({})", places.join(", "))
    };
    (0..rows).map(tuple).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params;

    fn sizes(rows: usize, columns: usize) -> Vec<usize> {
        let rows = (0..rows).map(|_| vec![Param::Int(None); columns]).collect();
        let params = |chunk: &Statement| match &chunk.values {
            Values::Single(params) => params.len(),
            Values::Columns(_) => panic!("tuples have no columns"),
        };
        chunks("INSERT INTO t VALUES {rows}", rows).unwrap().iter().map(|chunk| params(chunk) / columns).collect()
    }

    #[test]
    fn rows_become_tuples_of_placeholders_and_nothing_else() {
        let rows = vec![params!["x'; DROP TABLE t", 1_i64], params!["b", 2_i64]];
        let chunks = chunks("INSERT INTO t (a, b) VALUES {rows} ON CONFLICT DO NOTHING", rows).unwrap();
        assert_eq!(chunks[0].sql, "INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4) ON CONFLICT DO NOTHING");
        assert_eq!(chunks.len(), 1);
    }

    #[test]
    fn few_rows_are_one_statement_and_many_are_chunked_within_the_limits() {
        for (rows, columns, want) in [
            (0, 1, vec![]),
            (1, 3, vec![1]),
            (7, 3, vec![7]),
            (16, 3, vec![16]),
            (23, 3, vec![16, 7]),
            (600, 2, vec![256, 256, 64, 16, 8]),
            (200, 200, vec![128, 64, 8]),
            (3, 32_766, vec![1, 1, 1]),
        ] {
            assert_eq!(sizes(rows, columns), want, "{rows} rows of {columns}");
        }
    }

    #[test]
    fn columns_are_arrays_and_several_statements_are_one() {
        let insert = ("INSERT INTO t (a, b) VALUES {rows} ON CONFLICT DO NOTHING", vec![params!["x", 1_i64], params![None::<&str>, 2_i64]]);
        let delete = ("DELETE FROM u WHERE (a, b) IN (VALUES {rows})", vec![params![b"k".to_vec(), "y"]]);
        let combined = combined(None, Vec::new(), vec![insert, delete]).unwrap();
        assert_eq!(
            combined.sql,
            "WITH s0 AS (INSERT INTO t (a, b) SELECT * FROM unnest($1::TEXT[], $2::BIGINT[]) ON CONFLICT DO NOTHING), \
             s1 AS (DELETE FROM u WHERE (a, b) IN (SELECT * FROM unnest($3::BYTEA[], $4::TEXT[]))) SELECT 1"
        );
        let wanted = [
            Column::Text(vec![Some("x".to_owned()), None]),
            Column::Int(vec![Some(1), Some(2)]),
            Column::Bytes(vec![Some(b"k".to_vec())]),
            Column::Text(vec![Some("y".to_owned())]),
        ];
        assert_eq!(combined.values, Values::Columns(wanted.into()));
    }

    #[test]
    fn what_is_required_is_counted_without_a_number_in_the_text() {
        let lease = ("WITH v (name) AS (VALUES {rows}) SELECT 1 FROM lease", vec![params!["hub"]]);
        let update = ("WITH v (a) AS (VALUES {rows}) UPDATE t SET a = v.a FROM v RETURNING 1", vec![params![1_i64], params![2_i64]]);
        let delete = ("DELETE FROM u WHERE a IN (VALUES {rows})", vec![params![1_i64]]);
        assert_eq!(
            combined(Some(lease), vec![update], vec![delete]).unwrap().sql,
            "WITH s0 AS (WITH v (name) AS (SELECT * FROM unnest($1::TEXT[])) SELECT 1 FROM lease), \
             s1 AS (WITH v (a) AS (SELECT * FROM unnest($2::BIGINT[])) UPDATE t SET a = v.a FROM v RETURNING 1), \
             s2 AS (DELETE FROM u WHERE a IN (SELECT * FROM unnest($3::BIGINT[]))) \
             SELECT CAST(sqrt(CASE WHEN (SELECT count(*) FROM s0) = cardinality($1::TEXT[]) THEN 1 ELSE -1 END) AS BIGINT), \
             1 / CASE WHEN (SELECT count(*) FROM s1) = cardinality($2::BIGINT[]) THEN 1 ELSE 0 END"
        );
    }

    #[test]
    fn rows_of_different_width_and_a_template_without_rows_are_refused() {
        assert!(chunks("VALUES {rows}", vec![params![1_i64], params![1_i64, 2_i64]]).is_err());
        assert!(chunks("VALUES {rows}", vec![vec![]]).is_err());
        assert!(chunks("VALUES", vec![params![1_i64]]).is_err());
        assert!(columns("VALUES {rows}", vec![params![1_i64], params![1_i64, 2_i64]]).is_err());
        assert!(columns("VALUES {rows}", vec![params![1_i64], params!["1"]]).is_err());
        assert!(columns("VALUES {rows}", vec![]).is_err());
    }
}
