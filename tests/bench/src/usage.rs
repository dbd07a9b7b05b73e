//! What a process has used, by the kernel's account.

use std::time::Duration;

use anyhow::{Context as _, Result};

/// The kernel's clock ticks in a second, as `/proc` counts them; 100 on every Linux.
const TICKS: f64 = 100.0;

/// Processor time that a process has used, its threads' included.
///
/// # Errors
/// If there is no such process.
pub(crate) fn cpu(pid: u32) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).with_context(|| format!("no process {pid}"))?;
    // After the name in brackets, which may hold spaces: fields 3 and on; user and system time are fields 14 and 15.
    let (_, fields) = stat.rsplit_once(')').context("no name in /proc")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).context("no time in /proc");
    Ok(Duration::from_secs_f64((ticks(11)? + ticks(12)?) / TICKS))
}

/// The most memory that a process has had resident, in MiB.
///
/// # Errors
/// If there is no such process.
pub(crate) fn peak_rss_mib(pid: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).with_context(|| format!("no process {pid}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no peak in /proc")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse().context("no number in /proc")?;
    Ok(kib / 1024.0)
}
