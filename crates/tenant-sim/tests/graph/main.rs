//! The simulator over HTTP, as a stranger sees it: every promise of Graph that xtsync leans on, and every trap.

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
// Marked as a test so that the lints know its helpers for what they are.
#[cfg(test)]
mod world;
