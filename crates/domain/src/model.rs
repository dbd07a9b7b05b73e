//! The vocabulary: names, values, versions and times; what directories say; what administrators configure.

pub mod attributes;
pub mod capability;
pub mod configuration;
pub mod delta;
pub mod duration;
pub mod extension;
pub mod fact;
pub mod identity;
pub mod key;
pub mod name;
pub mod refusal;
pub mod resource;
pub mod schema;
pub mod timestamp;
pub mod value;
pub mod version;
