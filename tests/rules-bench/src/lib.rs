//! How fast expressions, filters and decisions are: on one thread, beside the same written by hand, in one run.

mod by_hand;
mod compile;
mod decisions;
mod engines;
mod filters;
mod mappings;
mod timing;
mod user;

/// One figure.
#[derive(Debug, Clone)]
pub struct Measured {
    /// Its name.
    pub name: &'static str,
    /// The value.
    pub value: f64,
    /// The unit of the value.
    pub unit: &'static str,
    /// What it is compared with, in the same unit.
    pub against: Option<f64>,
    /// What it should be.
    pub goal: Option<Goal>,
    /// What was measured.
    pub conditions: String,
}

/// What a figure should be.
#[derive(Debug, Clone, Copy)]
pub enum Goal {
    /// The value is at least this.
    AtLeast(f64),
    /// The value is at most this.
    AtMost(f64),
    /// The value over that it is compared with is at least this.
    RatioAtLeast(f64),
}

/// Measures something.
pub type Measure = fn() -> Vec<Measured>;

/// What can be measured; everything takes about ten seconds.
pub const MEASUREMENTS: [(&str, Measure); 5] = [
    ("mappings", mappings::measure),
    ("filters", filters::measure),
    ("decisions", decisions::measure),
    ("compile", compile::measure),
    ("engines", engines::measure),
];

pub use decisions::Decisions;
