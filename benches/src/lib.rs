//! What the measurements share: medians, the machine they ran on, and a load of requests.

pub mod double_entry;
pub mod market;
pub mod requests;

/// The middle of some numbers; of an even count, the lower of the two.
///
/// # Panics
/// If there are none.
pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[(numbers.len() - 1) / 2]
}

/// Cores, processor and load, for the head of a report.
pub fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name =
        info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map_or("", |name| name.1);
    format!("{cores} cores, {name}, load {}", load())
}

/// The load average of the last minute.
pub fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or("?").to_owned()
}

/// The most memory that this process had, in megabytes.
pub fn memory_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kb = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kb.unwrap_or(f64::NAN) / 1_024.0
}

/// Processor time that the threads of this process with a name took so far, in seconds.
pub fn thread_seconds(name: &str) -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let stats = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("stat")).ok());
    let ticks = stats.filter_map(|stat| {
        let (head, fields) = stat.rsplit_once(')')?;
        head.ends_with(&format!("({name}")).then_some(())?;
        // User and system time, in hundredths of a second (proc_pid_stat(5), fields 14 and 15).
        fields.split_whitespace().skip(11).take(2).map(|field| field.parse::<f64>().ok()).sum::<Option<f64>>()
    });
    ticks.sum::<f64>() / 100.0
}

/// How many a second.
pub fn rate(count: usize, begun: std::time::Instant) -> f64 {
    count as f64 / begun.elapsed().as_secs_f64()
}

/// The memory that this process has now, in bytes.
pub fn resident_bytes() -> f64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    pages.split(' ').nth(1).and_then(|pages| pages.parse::<f64>().ok()).unwrap_or(f64::NAN) * 4_096.0
}
