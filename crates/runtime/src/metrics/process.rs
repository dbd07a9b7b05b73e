//! Metrics of the process: build, processor time, memory.

use std::fs;

use opentelemetry::KeyValue;

use super::meter;

/// Ticks per second in `/proc`: a constant of Linux' user interface.
const TICKS_PER_SECOND: f64 = 100.0;

/// Declares the metrics. Without `/proc`, there is no time and no memory.
pub(crate) fn process(role: &str) {
    let (meter, role) = (meter(), role.to_owned());
    meter
        .u64_observable_gauge("xtsync_build_info")
        .with_description("Always 1; the labels name the build and the role.")
        .with_callback(move |observer| {
            observer.observe(1, &[KeyValue::new("version", env!("CARGO_PKG_VERSION")), KeyValue::new("role", role.clone())]);
        })
        .build();
    meter
        .f64_observable_counter("process_cpu_seconds")
        .with_description("Processor time used, user and system.")
        .with_callback(|observer| cpu_seconds().into_iter().for_each(|seconds| observer.observe(seconds, &[])))
        .build();
    meter
        .u64_observable_gauge("process_resident_memory_bytes")
        .with_description("Memory in use.")
        .with_callback(|observer| resident_bytes().into_iter().for_each(|bytes| observer.observe(bytes, &[])))
        .build();
}

fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The process name, in parentheses, may contain any character; numbers follow it. User and system time are fields 14 and 15.
    let (_, numbers) = stat.rsplit_once(')')?;
    let mut numbers = numbers.split_whitespace().skip(11).map(str::parse::<f64>);
    Some((numbers.next()?.ok()? + numbers.next()?.ok()?) / TICKS_PER_SECOND)
}

fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn process_time_and_memory_are_measured() {
        assert!(cpu_seconds().is_some_and(|seconds| (0.0..1e6).contains(&seconds)));
        assert!(resident_bytes().is_some_and(|bytes| bytes > 1 << 20));
    }
}
