//! What `eval` and `test` share: a user to evaluate expressions and filters for, and how values are written.

pub mod user;
pub mod value;

use std::io::{self, Read};

/// A text of at most so many bytes.
///
/// # Errors
/// If it cannot be read, is no UTF-8, or is longer.
pub fn bounded(from: impl Read, bytes_max: u64) -> io::Result<String> {
    let mut text = String::new();
    from.take(bytes_max + 1).read_to_string(&mut text)?;
    if text.len() as u64 > bytes_max { Err(io::Error::other(format!("it has more than {bytes_max} bytes"))) } else { Ok(text) }
}
