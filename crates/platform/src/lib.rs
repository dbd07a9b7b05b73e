//! What every service stands on: bus, store, leases, configuration, telemetry, health, shutdown, clock.

pub mod admin;
pub mod backoff;
pub mod bus;
pub mod clock;
pub mod commands;
pub mod configuration;
pub mod consumer;
pub mod dead_letter;
pub mod health;
pub mod listen;
pub mod metrics;
pub mod private;
pub mod scrub;
pub mod service;
pub mod shutdown;
mod sqlite;
pub mod status;
pub mod store;
pub mod supervise;
pub mod telemetry;
pub mod trace;
pub mod turn;
