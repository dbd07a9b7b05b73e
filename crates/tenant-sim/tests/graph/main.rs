//! The simulator over HTTP, as a stranger sees it: every promise of Graph that xtsync leans on, and every trap.

mod batches;
mod bin;
#[cfg(test)]
mod deltas;
mod door;
mod encounters;
mod groups;
mod invitations;
#[cfg(test)]
mod notifications;
mod policies;
mod privileged;
#[cfg(test)]
mod rounds;
#[cfg(test)]
mod scripted;
mod throttling;
mod tokens;
#[cfg(test)]
mod users;
#[cfg(test)]
mod weather;
#[cfg(test)]
mod webhook;
// Marked as a test so that the lints know its helpers for what they are.
#[cfg(test)]
mod world;
