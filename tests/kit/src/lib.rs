//! Fixtures that the tests of several crates use: buses and stores to test, and a bus that injects faults.

#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    clippy::missing_errors_doc,
    missing_docs,
    reason = "tests: a panic is the report"
)]

pub mod builders;
pub mod bus_fixture;
pub mod faulty_bus;
pub mod store_fixture;
