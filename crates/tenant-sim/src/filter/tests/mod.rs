//! The semantics of filters, and the equality of index look-ups and scans.

mod grammar;
mod index;
