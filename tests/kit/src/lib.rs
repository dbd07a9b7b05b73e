//! Fixtures that the tests of several crates use: buses and stores to test, and a bus that injects faults.

#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    clippy::missing_errors_doc,
    missing_docs,
    reason = "tests: a panic is the report"
)]

pub mod bed;
pub mod place;
pub mod rigged;
pub mod say;
