//! The simulator over HTTP: the behaviour of Graph that xtsync relies on, and its pitfalls.

mod admin;
mod batches;
#[cfg(test)]
mod cycles;
mod deleted_items;
#[cfg(test)]
mod deltas;
mod encounters;
#[cfg(test)]
mod faults;
mod groups;
mod invitations;
#[cfg(test)]
mod notifications;
mod policies;
mod privileged;
#[cfg(test)]
mod scripted;
mod throttling;
mod tokens;
#[cfg(test)]
mod users;
#[cfg(test)]
mod webhook;
// Marked as a test so that the lints treat its helpers as test code.
#[cfg(test)]
mod world;
