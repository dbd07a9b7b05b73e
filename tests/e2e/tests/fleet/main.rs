//! The roles as separate processes over real Kafka and real PostgreSQL, against the oracle.
#![cfg(test)]

mod storm;
mod story;
mod trouble;
