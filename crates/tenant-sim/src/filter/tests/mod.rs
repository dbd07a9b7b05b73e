//! What filters mean, and that the index changes nothing about it.

mod grammar;
mod index;
