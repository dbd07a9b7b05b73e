//! The roles as separate processes over real Kafka and real PostgreSQL, against the oracle.
#![cfg(test)]

mod fleet;
mod story;
mod trouble;
