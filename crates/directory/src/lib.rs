//! Directories: what xtsync asks of one, as two seams. One crate per protocol answers.
//!
//! A connector translates its directory's vocabulary at its edge into Microsoft Graph's attribute names, hides paging, tokens and
//! throttling headers, and decides nothing: no retry, no scope, no mapping.

mod connector;
mod error;
mod source;
mod target;

pub use connector::{Connected, Connector, Connectors, Directories};
pub use error::{Error, Result};
pub use source::{
    Collection, Cursor, GroupChange, Member, MemberChange, MemberKind, MemberPage, Next, Page, Rejected, Source, Subscribe, Subscription,
    UserChange,
};
pub use target::{CensusPage, Invitation, NewUser, Patched, Target};
