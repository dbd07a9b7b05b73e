//! What every role stands on: its parts, the configuration, consuming with stored offsets, commands, status, dead letters.

pub mod commands;
pub mod configuration;
pub mod consumer;
pub mod dead_letter;
pub mod manifest;
pub mod service;
pub mod status;
