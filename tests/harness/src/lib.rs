//! Real servers and xtsync's own processes for tests, started for a test and stopped after it.
//!
//! Promises that nothing outlives the test binary, however it ends; that every wait has a deadline and an error which
//! names what was waited for; and that the end of a server's log is in the error when it fails. It knows nothing of xtsync's types.

mod binary;
mod child_guard;
mod dir;
mod kafka;
mod port;
mod postgres;
mod process;
mod server;
mod tool;
mod wait;

pub use binary::binary;
pub use dir::Dir;
pub use kafka::{Credentials, Kafka, KafkaOptions};
pub use port::free_port;
pub use postgres::{Postgres, PostgresOptions};
pub use process::{Process, Signal};
pub use server::Server;
pub use wait::{unique, wait_for};
