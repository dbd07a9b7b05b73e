//! What a synchronization wants of a user: scope, mapping and address, and the decision that they give.

pub mod address;
pub mod decide;
pub mod decision;
pub mod mapping;
pub mod resolution;
pub mod scope;
