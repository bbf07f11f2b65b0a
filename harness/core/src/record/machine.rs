//! The machine that a campaign ran on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The machine, as a campaign records it.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Machine {
    /// Host name.
    pub host: String,
    /// Kernel release.
    pub kernel: String,
    /// CPU architecture.
    pub architecture: String,
    /// CPU model.
    pub cpu_model: Option<String>,
    /// CPU flags.
    pub cpu_flags: Vec<String>,
    /// CPUs that the harness may use.
    pub cpus_allowed: String,
    /// CPUs that are online.
    pub cpus_online: usize,
    /// Total memory, in bytes.
    pub memory_bytes: Option<u64>,
    /// Frequency governor of CPU 0; `None`: not reported (as in most virtual machines).
    pub governor: Option<String>,
    /// Default TCP congestion control.
    pub congestion_control: Option<String>,
    /// `min default max` of receive buffers, in bytes.
    pub tcp_rmem_bytes: Option<String>,
    /// `min default max` of send buffers, in bytes.
    pub tcp_wmem_bytes: Option<String>,
    /// The kernel's clock source, such as `tsc`.
    pub clocksource: Option<String>,
    /// Further defaults of the kernel and the processor that move results, by name, such as
    /// `net.ipv4.tcp_autocorking`; null: not readable. Absent in older campaigns.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kernel_settings: BTreeMap<String, Option<String>>,
    /// Load average over one minute before the campaign.
    pub load_before: Option<f32>,
}

impl Machine {
    /// What the system is set to, by name; `unknown` where it does not report it.
    #[must_use]
    pub fn settings(&self) -> [(&'static str, String); 5] {
        [
            ("governor", &self.governor),
            ("clock", &self.clocksource),
            ("congestion control", &self.congestion_control),
            ("receive buffers", &self.tcp_rmem_bytes),
            ("send buffers", &self.tcp_wmem_bytes),
        ]
        .map(|(name, value)| (name, value.clone().unwrap_or_else(|| "unknown".to_owned())))
    }

    /// The machine in one line, with the congestion control that was in force on it.
    #[must_use]
    pub fn with_congestion(&self, in_force: &str) -> String {
        let memory_gib = self.memory_bytes.unwrap_or(0) as f64 / f64::from(1 << 30);
        format!(
            "{}, {} CPUs, {memory_gib:.0} GiB, Linux {}, TCP {in_force}",
            self.cpu_model.as_deref().unwrap_or("unknown CPU"),
            self.cpus_online,
            self.kernel,
        )
    }
}

/// One line: processor, CPUs, memory, kernel, the default congestion control.
impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.with_congestion(self.congestion_control.as_deref().unwrap_or("?")))
    }
}
