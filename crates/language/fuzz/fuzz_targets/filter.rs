//! Fuzzes filters.
#![no_main]

#[path = "../exercise.rs"]
#[allow(dead_code, reason = "each target uses a part")]
mod exercise;

libfuzzer_sys::fuzz_target!(|input: &str| exercise::filter(input));
