//! The foundation of every role: its parts, the configuration, consumers with stored offsets, tenant facts, commands, status,
//! publishing, rebuilding, dead letters.

pub mod commands;
pub mod configuration;
pub mod consumer;
pub mod dead_letter;
pub mod facts;
pub mod manifest;
pub mod publish;
pub mod rebuild;
pub mod service;
pub mod status;
pub mod wake;
