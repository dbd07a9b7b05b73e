//! The rule languages of xtsync: attribute-mapping expressions as Entra's administrators write them, and scoping filters.
//!
//! An expression goes one way: its text becomes tokens (`lexer.rs`), a syntax tree ([`parse()`]), and, with kinds checked and constants folded, a
//! program ([`Compiler`]), which gives a value for each user ([`Run`]). The crate is pure: no I/O, no clock, no chance but from a seed.
//!
//! **A function is added in `functions/`**, one file, and as one row of the table in `functions.rs`.

mod case;
mod compile;
pub mod date;
mod error;
mod evaluate;
mod explain;
pub mod filter;
mod function;
mod functions;
mod lexer;
pub mod limits;
mod parse;
mod pattern;
mod program;
mod span;
#[cfg(test)]
mod testing;
mod text;
pub mod tree;
mod value;

pub use compile::{AnyAttribute, Compiler, Schema};
pub use error::{Code, Error, nearest};
pub use evaluate::{Context, Failure, Read, Run, Source};
pub use explain::{Explained, explain};
pub use functions::names as function_names;
pub use parse::parse;
pub use program::Program;
pub use span::Span;
pub use value::{Kind, Value};
