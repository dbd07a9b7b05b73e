//! What is too much. Each is an error of one expression or one value, never of the batch around it.

/// Characters of one expression or filter, as documented for attribute mappings.
pub const CHARS_MAX: usize = 10_000;

/// Calls within calls.
pub const DEPTH_MAX: usize = 64;

/// Bytes of a text that a function makes.
pub const TEXT_MAX: usize = 1_000_000;

/// Items of a list that a function makes.
pub const LIST_MAX: usize = 20_000;

/// Calls and attributes of one evaluation.
pub const STEPS_MAX: usize = 100_000;

/// Steps back of a regular expression that no linear engine can run.
pub const BACKTRACKS_MAX: usize = 100_000;

/// Bytes of a compiled regular expression.
pub const PATTERN_SIZE_MAX: usize = 1 << 22;

/// Regular expressions of one filter. Each may take some megabytes.
pub const PATTERNS_MAX: usize = 32;

/// Instructions of a regular expression that no linear engine can run.
pub const PATTERN_STEPS_MAX: usize = 50_000;

/// Bytes of a text that a regular expression is applied to.
pub const PATTERN_TEXT_MAX: usize = 1 << 16;

/// Matches of a regular expression in one text.
pub const MATCHES_MAX: usize = 10_000;
