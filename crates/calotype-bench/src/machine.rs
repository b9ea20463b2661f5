//! What ran the measurements.

use std::fs;

use serde::{Deserialize, Serialize};

/// The machine, as far as the system tells.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's name, or its architecture.
    pub cpu: String,
    /// Logical cores.
    pub cores: usize,
    /// The operating system.
    pub os: String,
}

impl Machine {
    /// This one.
    pub fn this() -> Machine {
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        Machine { cpu: cpu_name().unwrap_or_else(|| std::env::consts::ARCH.to_string()), cores, os: std::env::consts::OS.to_string() }
    }
}

/// Linux tells it in a file.
fn cpu_name() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(':').map(|(_, name)| name.trim().to_string())
}

/// Mean number of runnable processes over the last minute; `None` where the system does not tell it in a file.
pub fn load_average() -> Option<f64> {
    fs::read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}
