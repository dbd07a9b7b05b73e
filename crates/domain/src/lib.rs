//! The pure rules of xtsync: scope, mapping, the decision for each user, the next call for a link, and the gate before that call.
//!
//! No function here waits, connects or reads a clock. Each takes values (the time among them) and returns values, so a replayed
//! event is harmless, and a preview gives the same result as the worker. The crate depends on no tokio, Kafka, SQL or protobuf.

pub mod access;
pub mod address;
pub mod capability;
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

pub use capability::Capabilities;
pub use configuration::Configuration;
pub use decision::{Decision, Desired};
pub use delta::{Origin, UserDelta};
pub use fact::TenantFact;
pub use name::{DirectoryId, GroupId, TargetId, TenantName, UserId, canonical_id, is_id};
pub use refusal::{DirectoryAnswer, Refusal};
pub use timestamp::Timestamp;
pub use value::{Attributes, Value};
pub use version::Version;
