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
    /// Whether it is a virtual machine, and of which hypervisor; absent in older campaigns, and
    /// where nothing tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtualisation: Option<Virtualisation>,
}

/// What a machine runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // names of hypervisors
pub enum Virtualisation {
    /// No hypervisor.
    BareMetal,
    /// A hypervisor that nothing names.
    Unidentified,
    Amazon,
    Apple,
    Bhyve,
    Bochs,
    Google,
    HyperV,
    Kvm,
    Parallels,
    PowerVm,
    Qemu,
    UserModeLinux,
    VirtualBox,
    Vmware,
    Xen,
    ZVm,
}

impl Virtualisation {
    /// Whether two machines run on something different, as far as is known.
    #[must_use]
    pub fn differs(self, other: Self) -> bool {
        let is_metal = |it| it == Self::BareMetal;
        let may_be_any = self == Self::Unidentified || other == Self::Unidentified;
        is_metal(self) != is_metal(other) || self != other && !may_be_any
    }
}

impl fmt::Display for Virtualisation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::BareMetal => "bare metal",
            Self::Unidentified => "a virtual machine",
            Self::Amazon => "Amazon EC2",
            Self::Apple => "Apple Virtualization",
            Self::Bhyve => "bhyve",
            Self::Bochs => "Bochs",
            Self::Google => "Google Compute Engine",
            Self::HyperV => "Hyper-V",
            Self::Kvm => "KVM",
            Self::Parallels => "Parallels",
            Self::PowerVm => "PowerVM",
            Self::Qemu => "QEMU",
            Self::UserModeLinux => "User Mode Linux",
            Self::VirtualBox => "VirtualBox",
            Self::Vmware => "VMware",
            Self::Xen => "Xen",
            Self::ZVm => "z/VM",
        })
    }
}

impl Machine {
    /// What it runs on: as recorded; for older campaigns, what a flag of x86 CPUs tells. `None`:
    /// unknown.
    #[must_use]
    pub fn virtualisation(&self) -> Option<Virtualisation> {
        let is_x86 = matches!(self.architecture.as_str(), "x86_64" | "i686");
        let is_guest = self.cpu_flags.iter().any(|flag| flag == "hypervisor");
        let by_flag = match (is_guest, is_x86 && !self.cpu_flags.is_empty()) {
            (true, _) => Some(Virtualisation::Unidentified),
            (false, true) => Some(Virtualisation::BareMetal),
            (false, false) => None,
        };
        self.virtualisation.or(by_flag)
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(architecture: &str, flags: &[&str]) -> Machine {
        let cpu_flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        Machine { architecture: architecture.into(), cpu_flags, ..Machine::default() }
    }

    #[test]
    fn the_flags_of_older_campaigns_tell_whether_it_was_a_virtual_machine() {
        let guest = machine("x86_64", &["fpu", "hypervisor"]);
        assert_eq!(guest.virtualisation(), Some(Virtualisation::Unidentified));
        let metal = machine("x86_64", &["fpu"]);
        assert_eq!(metal.virtualisation(), Some(Virtualisation::BareMetal));
        assert_eq!(machine("x86_64", &[]).virtualisation(), None, "no flags were recorded");
        assert_eq!(machine("aarch64", &["fp"]).virtualisation(), None, "there is no such flag");
        let recorded = Machine { virtualisation: Some(Virtualisation::Kvm), ..guest };
        assert_eq!(recorded.virtualisation(), Some(Virtualisation::Kvm));
    }

    #[test]
    fn a_hypervisor_that_nothing_names_may_be_any_but_none() {
        use Virtualisation::{BareMetal, Kvm, Unidentified, Xen};
        for (a, b) in [(Kvm, Xen), (Kvm, BareMetal), (Unidentified, BareMetal)] {
            assert!(a.differs(b) && b.differs(a), "{a} and {b}");
        }
        for (a, b) in [(Kvm, Kvm), (BareMetal, BareMetal), (Unidentified, Kvm)] {
            assert!(!a.differs(b) && !b.differs(a), "{a} and {b}");
        }
    }
}
