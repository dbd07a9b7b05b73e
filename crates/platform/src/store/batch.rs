//! Many rows in one statement: `{rows}` in a text becomes a list of placeholder tuples.
//!
//! Only placeholders are ever built into SQL. Few rows go in one statement, since each is a round trip; of many, chunks are powers of two.
//! So a text has at most twenty shapes however many rows come, and the cache of prepared statements stays small.

use super::{Error, Param};

/// Up to so many rows go in one statement, whatever their number.
const FEW: usize = 16;

/// Rows in one statement at most.
const ROWS_MAX: usize = 256;

/// Parameters in one statement at most: SQLite's limit is 32,766, PostgreSQL's 65,535.
const PARAMS_MAX: usize = 32_766;

/// One statement of a batch.
pub(super) struct Chunk {
    pub(super) sql: String,
    pub(super) params: Vec<Param>,
}

/// Splits rows into statements.
///
/// # Errors
/// [`Error::Corrupt`] when the rows differ in width, have no columns, or the text has no `{rows}`.
pub(super) fn chunks(template: &str, rows: Vec<Vec<Param>>) -> Result<Vec<Chunk>, Error> {
    let Some(columns) = rows.first().map(Vec::len) else { return Ok(Vec::new()) };
    let Some((before, after)) = template.split_once("{rows}") else {
        return Err(Error::Corrupt(format!("no {{rows}} in `{template}`")));
    };
    if columns == 0 || columns > PARAMS_MAX || rows.iter().any(|row| row.len() != columns) {
        return Err(Error::Corrupt(format!("rows of different or impossible width for `{template}`")));
    }
    let mut left = rows.len();
    let mut rows = rows.into_iter();
    let mut chunks = Vec::new();
    while left > 0 {
        let size = chunk_size(left, columns);
        left -= size;
        let sql = format!("{before}{}{after}", tuples(size, columns));
        chunks.push(Chunk { sql, params: rows.by_ref().take(size).flatten().collect() });
    }
    Ok(chunks)
}

/// All that are left if they are few, else the largest power of two within the rows left and the limits.
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
        chunks("INSERT INTO t VALUES {rows}", rows).unwrap().iter().map(|chunk| chunk.params.len() / columns).collect()
    }

    #[test]
    fn rows_become_tuples_of_placeholders_and_nothing_else() {
        let rows = vec![params!["x'; DROP TABLE t", 1_i64], params!["b", 2_i64]];
        let chunks = chunks("INSERT INTO t (a, b) VALUES {rows} ON CONFLICT DO NOTHING", rows).unwrap();
        assert_eq!(chunks[0].sql, "INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4) ON CONFLICT DO NOTHING");
        assert_eq!(chunks.len(), 1);
    }

    #[test]
    fn few_rows_go_together_and_many_in_powers_of_two_within_the_limits_of_both_databases() {
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
    fn ragged_rows_and_a_text_without_a_place_for_them_are_refused() {
        assert!(chunks("VALUES {rows}", vec![params![1_i64], params![1_i64, 2_i64]]).is_err());
        assert!(chunks("VALUES {rows}", vec![vec![]]).is_err());
        assert!(chunks("VALUES", vec![params![1_i64]]).is_err());
    }
}
