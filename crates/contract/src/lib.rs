//! The contract: protobuf messages behind the topics, the topics themselves, and their conversion from and to the domain's values.
//!
//! Wire types stop here and at the services' edges; inside there are only valid domain values. The generated code is checked in, so a
//! build needs no protoc; `tests/generated.rs` keeps it true.

pub mod convert;
pub mod event;
pub mod role;
pub mod topic;

#[allow(missing_docs, unreachable_pub, clippy::all, clippy::too_many_lines, reason = "generated from proto/xtsync")]
mod generated {
    pub mod events {
        pub mod v1 {
            include!("gen/xtsync.events.v1.rs");
        }
    }
    pub mod control {
        pub mod v1 {
            include!("gen/xtsync.control.v1.rs");
        }
    }
    pub mod internal {
        pub mod v1 {
            include!("gen/xtsync.internal.v1.rs");
        }
    }
}

/// Package `xtsync.control.v1`: the API of control.
pub use generated::control::v1 as control;
/// Package `xtsync.events.v1`: what anybody may subscribe to.
pub use generated::events::v1 as events;
/// Package `xtsync.internal.v1`: what the roles tell one another.
pub use generated::internal::v1 as internal;

/// The descriptors of all packages, for gRPC reflection and JSON.
pub const DESCRIPTORS: &[u8] = include_bytes!("gen/descriptors.bin");
