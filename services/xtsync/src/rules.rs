//! What `eval` and `test` share: a user to evaluate expressions and filters for, and how values are written.

pub mod user;
pub mod value;
