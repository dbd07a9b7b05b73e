//! What end-to-end tests and scenarios are made of: a small Graph client, and the oracle that says what a target must look like.
//!
//! Nothing here shares a rule with `xtsync-domain` or a type with the connector: what both get wrong in the same way nobody would see.

pub mod configuration;
pub mod graph;
pub mod oracle;
