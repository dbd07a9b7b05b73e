//! What processes have used, by the kernel's account.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};

/// The kernel's clock ticks in a second, as `/proc` counts them; 100 on every Linux.
const TICKS: f64 = 100.0;

/// The account of one process.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Account {
    parent: u32,
    /// Seconds of processor time, its threads' included.
    own: f64,
    /// The same of its children that have ended.
    ended: f64,
}

/// Processor time that a process has used, its threads' included and its children's not.
///
/// # Errors
/// If there is no such process.
pub(crate) fn cpu(pid: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).with_context(|| format!("no process {pid}"))?;
    let account = account(&stat).context("no time in /proc")?;
    Ok(Duration::from_secs_f64(account.own))
}

/// Processor time that a process, its children and theirs have used, with those that have ended.
///
/// # Errors
/// If there is no such process.
pub(crate) fn cpu_of_tree(pid: u32) -> Result<Duration> {
    let pids = fs::read_dir("/proc")?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let read = |pid: u32| Some((pid, account(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?));
    let accounts: HashMap<u32, Account> = pids.filter_map(read).collect();
    anyhow::ensure!(accounts.contains_key(&pid), "no process {pid}");
    Ok(Duration::from_secs_f64(sum(pid, &accounts)))
}

/// The most memory that a process has had resident, in MiB.
///
/// # Errors
/// If there is no such process.
pub(crate) fn peak_rss_mib(pid: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).with_context(|| format!("no process {pid}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no peak in /proc")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse().context("no number in /proc")?;
    Ok(kib / 1024.0)
}

/// A line of `/proc/…/stat`. After the name in brackets, which may hold spaces, come fields 3 and on: the parent is field 4, user and system
/// time are 14 and 15, those of ended children 16 and 17.
fn account(stat: &str) -> Option<Account> {
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let seconds = |at: usize| fields.get(at)?.parse::<f64>().ok().map(|ticks| ticks / TICKS);
    Some(Account { parent: fields.get(1)?.parse().ok()?, own: seconds(11)? + seconds(12)?, ended: seconds(13)? + seconds(14)? })
}

fn sum(pid: u32, accounts: &HashMap<u32, Account>) -> f64 {
    let own = accounts.get(&pid).map_or(0.0, |account| account.own + account.ended);
    own + accounts.iter().filter(|(_, account)| account.parent == pid).map(|(child, _)| sum(*child, accounts)).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_counts_living_and_ended_children() {
        let stat = |pid, parent, times| format!("{pid} (a name) of (two) S {parent} 0 0 0 0 0 0 0 0 0 {times} 20 0 1 0");
        let lines =
            [(1, stat(1, 0, "100 50 700 0")), (2, stat(2, 1, "20 0 0 10")), (3, stat(3, 2, "5 0 0 0")), (4, stat(4, 0, "900 0 0 0"))];
        let accounts: HashMap<u32, Account> = lines.iter().map(|(pid, stat)| (*pid, account(stat).unwrap())).collect();
        assert_eq!(accounts[&1], Account { parent: 0, own: 1.5, ended: 7.0 });
        assert!((sum(1, &accounts) - 8.85).abs() < 1e-9, "{}", sum(1, &accounts));
    }
}
