//! The pure rules of xtsync: what is in scope, what a user becomes in a target, what the next call for a link is, whether it may start.
//!
//! Nothing here waits, connects or reads a clock: every function takes values (the time among them) and gives values, so a replayed
//! event is harmless, and whoever asks what would be done gets what the worker does. The crate knows no tokio, Kafka, SQL or protobuf; its manifest proves it.

pub mod access;
pub mod address;
pub mod configuration;
pub mod decide;
pub mod decision;
pub mod delta;
pub mod duration;
pub mod fact;
pub mod gate;
pub mod identity;
pub mod link;
pub mod mapping;
pub mod name;
pub mod refusal;
pub mod resolution;
pub mod resource;
pub mod scope;
pub mod shadow;
pub mod timestamp;
pub mod value;
pub mod version;

pub use configuration::Configuration;
pub use decision::{Decision, Desired};
pub use delta::{Origin, UserDelta};
pub use fact::TenantFact;
pub use name::{DirectoryId, GroupId, TargetId, TenantName, UserId, canonical_id, is_id};
pub use refusal::{DirectoryAnswer, Refusal};
pub use timestamp::Timestamp;
pub use value::{Attributes, Value};
pub use version::Version;
