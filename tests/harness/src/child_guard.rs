//! Starts child processes that die with us.
//!
//! Statics are not dropped when a test binary ends, and a killed binary drops nothing, so the kernel is asked to do it:
//! `PR_SET_PDEATHSIG`, set by `setpriv` between fork and exec. That signal is sent when the *thread* which forked ends,
//! and the thread of a test ends with its test; hence one thread that forks for all and lives as long as the process.

use std::io;
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel, sync_channel};

type SpawnRequest = Box<dyn FnOnce() + Send>;

/// Starts `command` from the thread that lives as long as this process.
pub(crate) fn spawn(mut command: Command) -> io::Result<Child> {
    static SPAWNER: OnceLock<Sender<SpawnRequest>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (sender, requests) = channel::<SpawnRequest>();
        std::thread::spawn(move || requests.into_iter().for_each(|request| request()));
        sender
    });
    let (reply, spawned) = sync_channel(1);
    let request = move || reply.send(command.spawn()).expect("the caller waits for its child");
    spawner.send(Box::new(request)).expect("the spawner never ends: its sender is a static");
    spawned.recv().expect("the spawner answers every request")
}
