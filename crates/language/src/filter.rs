//! Scoping filters: which users a synchronization applies to, by what their attributes say.
//!
//! A filter is written on one line, such as `department EQUALS "Sales" AND NOT (country REGEX MATCH "ES|FR")`, or as groups of clauses, as
//! Entra's administrators know them: a user passes if all clauses of any group hold. Both become one tree.
//!
//! **An operator is added in `filter/operator.rs`**, as one row of its table. What each does is documented at
//! <https://learn.microsoft.com/entra/identity/app-provisioning/define-conditional-rules-for-provisioning-user-accounts>.

mod clause;
mod compile;
mod evaluate;
mod explain;
mod operator;
mod parse;
mod tree;

pub use clause::Clause;
pub use compile::Filter;
pub use evaluate::Unknown;
pub use explain::explain;
pub use operator::Operator;
pub use parse::parse;
pub use tree::{Node, Tree};

#[cfg(test)]
mod tests;
