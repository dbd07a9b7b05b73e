//! The schema of the resources and what is generated from it. `make reference` writes the files anew.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod documents;
mod explained;
mod generated;
mod refused;
mod support;
