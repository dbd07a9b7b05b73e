//! The contract: protobuf messages behind the topics, the topics themselves, and their conversion from and to the domain's values.
//!
//! Wire types stop here and at the services' edges; inside there are only valid domain values. The generated code is checked in, so a
//! build needs no protoc; `tests/generated.rs` keeps it true.

pub mod convert;
pub mod event;
pub mod topic;

/// The messages of package `xtsync.v1`, generated.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::too_many_lines, reason = "generated from proto/xtsync/v1")]
pub mod v1 {
    include!("gen/xtsync.v1.rs");

    /// The package's descriptors, for gRPC reflection and JSON.
    pub const DESCRIPTORS: &[u8] = include_bytes!("gen/xtsync.v1.bin");
}
