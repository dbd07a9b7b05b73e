//! The Graph connector against the tenant simulator, and against answers that the simulator does not give.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod batch;
mod census;
mod conformance;
mod extensions;
mod fake;
mod reads;
mod secrecy;
mod source;
mod target;
mod tenants;
mod tls;
mod wire;
