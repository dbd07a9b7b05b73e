//! The contract: protobuf messages, the topics that carry them, and the conversion between messages and domain values.
//!
//! Wire types are used only here and at the edges of the services. All other code works with valid domain values. The generated code is
//! checked in, so that a build needs no protoc; `tests/generated.rs` checks that it matches the `.proto` files.

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

/// Package `xtsync.control.v1`: the control API.
pub use generated::control::v1 as control;
/// Package `xtsync.events.v1`: the public events, open to external subscribers.
pub use generated::events::v1 as events;
/// Package `xtsync.internal.v1`: messages between the roles.
pub use generated::internal::v1 as internal;

/// The file descriptors of all packages, for gRPC reflection and for conversion to JSON.
pub const DESCRIPTORS: &[u8] = include_bytes!("gen/descriptors.bin");
