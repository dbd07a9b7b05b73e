//! The foundation of a service process: listeners, health, metrics, traces, logs, shutdown, supervision, clocks.

pub mod admin;
pub mod backoff;
pub mod clock;
pub mod escape;
pub mod health;
pub mod listen;
pub mod metrics;
pub mod private;
pub mod shutdown;
pub mod sqlite;
pub mod stagger;
pub mod supervise;
pub mod telemetry;
pub mod trace;
