//! The pure rules of xtsync: scope, mapping, the decision for each user, the next call for a link, and the gate before that call.
//!
//! No function here waits, connects or reads a clock. Each takes values (the time among them) and returns values, so a replayed
//! event is harmless, and a preview gives the same result as the worker. The crate depends on no tokio, Kafka, SQL or protobuf.

pub mod access;
pub mod gate;
pub mod link;
mod model;
mod policy;
pub mod shadow;

pub use model::{
    attributes, capability, configuration, delta, duration, extension, fact, identity, key, name, refusal, resource, schema, timestamp,
    value, version,
};
pub use policy::{address, decide, decision, mapping, resolution, scope};

pub use attributes::Attributes;
pub use capability::Capabilities;
pub use configuration::Configuration;
pub use decision::{Decision, Desired, Wanted};
pub use delta::{Origin, UserDelta};
pub use fact::TenantFact;
pub use name::{DirectoryId, GroupId, TargetId, TenantName, UserId, canonical_id, is_id};
pub use refusal::{DirectoryAnswer, Refusal};
pub use timestamp::Timestamp;
pub use value::Value;
pub use version::Version;
