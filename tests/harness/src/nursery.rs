//! Starts child processes that die with us.
//!
//! Statics are not dropped when a test binary ends, and a killed binary drops nothing, so the kernel is asked to do it:
//! `PR_SET_PDEATHSIG`, set by `setpriv` between fork and exec. That signal is sent when the *thread* which forked ends,
//! and the thread of a test ends with its test; hence one thread that forks for all and lives as long as the process.

use std::io;
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel, sync_channel};

type Birth = Box<dyn FnOnce() + Send>;

/// Starts `command` from the thread that lives as long as this process.
pub(crate) fn spawn(mut command: Command) -> io::Result<Child> {
    static NURSERY: OnceLock<Sender<Birth>> = OnceLock::new();
    let nursery = NURSERY.get_or_init(|| {
        let (sender, births) = channel::<Birth>();
        std::thread::spawn(move || births.into_iter().for_each(|birth| birth()));
        sender
    });
    let (tell, told) = sync_channel(1);
    let birth = move || tell.send(command.spawn()).expect("the caller waits for its child");
    nursery.send(Box::new(birth)).expect("the nursery never ends: its sender is a static");
    told.recv().expect("the nursery answers every birth")
}
