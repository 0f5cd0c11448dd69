//! What the kernel says about a process. Linux only, as Lambda is.

use std::fs;

/// Processor time of all threads so far, user and system, in nanoseconds. The scheduler's own count, since
/// `/proc/<pid>/stat` counts in hundredths of a second, which is longer than a whole start.
pub(crate) fn cpu_ns(pid: u32) -> u64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("a running process on Linux");
    let spent = |thread: fs::DirEntry| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    };
    threads.filter_map(|thread| spent(thread.ok()?)).sum()
}

/// A line of `/proc/<pid>/status`: `VmRSS` is the resident memory now, `VmHWM` its peak.
pub(crate) fn kilobytes(pid: u32, name: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).expect("a running process on Linux");
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).expect("a size in kB")
}
