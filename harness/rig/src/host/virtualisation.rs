//! Whether this is a virtual machine, and of which hypervisor: from files alone, by the order of
//! `detect_vm` in systemd's `src/basic/virt.c`. It asks the CPU for the hypervisor's signature;
//! here its place is taken by the CPU's flag and the clock source that the kernel registers for
//! that hypervisor.

use bench_core::record::machine::Virtualisation;
use std::fs;
use std::path::Path;

/// What the firmware's names begin with. An OpenStack or KubeVirt guest runs on KVM, and a
/// VirtualBox guest may still have the name of its first maker.
const FIRMWARES: [(&str, Virtualisation); 17] = [
    ("KVM", Virtualisation::Kvm),
    ("OpenStack", Virtualisation::Kvm),
    ("KubeVirt", Virtualisation::Kvm),
    ("Amazon EC2", Virtualisation::Amazon),
    ("QEMU", Virtualisation::Qemu),
    ("VMware", Virtualisation::Vmware),
    ("VMW", Virtualisation::Vmware),
    ("innotek GmbH", Virtualisation::VirtualBox),
    ("VirtualBox", Virtualisation::VirtualBox),
    ("Oracle Corporation", Virtualisation::VirtualBox),
    ("Xen", Virtualisation::Xen),
    ("Bochs", Virtualisation::Bochs),
    ("Parallels", Virtualisation::Parallels),
    ("BHYVE", Virtualisation::Bhyve),
    ("Hyper-V", Virtualisation::HyperV),
    ("Apple Virtualization", Virtualisation::Apple),
    ("Google Compute Engine", Virtualisation::Google),
];
/// Where they are, in this order: the product of a KVM guest tells more than its maker, QEMU.
const FIRMWARE_FILES: [&str; 5] =
    ["product_name", "sys_vendor", "board_vendor", "bios_vendor", "product_version"];
/// Clock sources that exist only under one hypervisor.
const CLOCKS: [(&str, Virtualisation); 3] = [
    ("kvm-clock", Virtualisation::Kvm),
    ("hyperv_clocksource", Virtualisation::HyperV),
    ("xen", Virtualisation::Xen),
];

/// Detects it from the files below `root`, which is `/` except in tests. `None`: nothing tells.
#[must_use]
pub fn detect(root: &Path) -> Option<Virtualisation> {
    let files = Files(root);
    let cpu = files.text("proc/cpuinfo").unwrap_or_default();
    let firmware = files.firmware();
    // These use KVM, Hyper-V's interface or nothing at all, and are more than that.
    if let Some(
        Virtualisation::VirtualBox
        | Virtualisation::Xen
        | Virtualisation::Amazon
        | Virtualisation::Parallels
        | Virtualisation::Google,
    ) = firmware
    {
        return firmware;
    }
    if field(&cpu, "vendor_id").is_some_and(|vendor| vendor.starts_with("User Mode Linux")) {
        return Some(Virtualisation::UserModeLinux);
    }
    let is_xen = files.has("proc/xen");
    let is_host = is_xen && files.is_xen_host();
    if is_xen && !is_host {
        return Some(Virtualisation::Xen);
    }
    let flags = field(&cpu, "flags");
    let is_guest = flags.is_some_and(|flags| flags.split(' ').any(|flag| flag == "hypervisor"));
    let by_clock = files.by_clock().filter(|_| is_guest);
    // Xen's host may itself be a guest; what follows would be about Xen.
    let found = match is_host {
        true => by_clock.filter(|by_clock| *by_clock != Virtualisation::Xen),
        // QEMU may offer Hyper-V's interface, so that is believed last.
        false => by_clock
            .filter(|by_clock| *by_clock != Virtualisation::HyperV)
            .or(firmware)
            .or_else(|| files.by_type())
            .or_else(|| files.device_tree())
            .or_else(|| files.mainframe())
            .or(by_clock),
    };
    let is_known =
        flags.is_some() || files.has("sys/class/dmi/id") || files.has("proc/device-tree");
    let otherwise =
        if is_guest && !is_host { Virtualisation::Unidentified } else { Virtualisation::BareMetal };
    found.or_else(|| is_known.then_some(otherwise))
}

/// The value of the first line `name : value`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        (found.trim() == name).then(|| value.trim())
    })
}

struct Files<'a>(&'a Path);

impl Files<'_> {
    fn has(&self, path: &str) -> bool {
        self.0.join(path).exists()
    }

    /// Its content; a file of the device tree ends with a zero byte.
    fn text(&self, path: &str) -> Option<String> {
        let text = fs::read_to_string(self.0.join(path)).ok()?;
        Some(text.trim_end_matches(['\n', '\0']).to_owned())
    }

    /// By the firmware's names, or its bit for virtual machines, which only root can read.
    fn firmware(&self) -> Option<Virtualisation> {
        let names = FIRMWARE_FILES.iter();
        let texts = names.filter_map(|name| self.text(&format!("sys/class/dmi/id/{name}")));
        let of = |text: String| FIRMWARES.iter().find(|(start, _)| text.starts_with(start));
        let named = texts.filter_map(of).map(|(_, found)| *found).next();
        match (named, self.firmware_bit()) {
            (Some(Virtualisation::Amazon), Some(false)) => None,
            // Amazon's machines without a hypervisor have the same names, but for the size.
            (Some(Virtualisation::Amazon), None) if self.is_metal() => None,
            (None, Some(true)) => Some(Virtualisation::Unidentified),
            (named, _) => named,
        }
    }

    /// Bit 4 of the second extension byte of the BIOS characteristics (SMBIOS 3.4, 7.1.2.2).
    fn firmware_bit(&self) -> Option<bool> {
        let table = fs::read(self.0.join("sys/firmware/dmi/entries/0-0/raw")).ok()?;
        let is_long = table.get(1).is_some_and(|length| *length >= 20);
        Some(table.get(19).filter(|_| is_long)? & 1 << 4 != 0)
    }

    fn is_metal(&self) -> bool {
        let product = self.text("sys/class/dmi/id/product_name").unwrap_or_default();
        product
            .split_once(".metal")
            .is_some_and(|(_, rest)| rest.is_empty() || rest.starts_with('-'))
    }

    /// Whether this is the system that Xen itself is controlled from (`XENFEAT_dom0`).
    fn is_xen_host(&self) -> bool {
        let features = self.text("sys/hypervisor/properties/features");
        if let Some(features) = features.and_then(|text| u64::from_str_radix(&text, 16).ok()) {
            return features & 1 << 11 != 0;
        }
        let capabilities = self.text("proc/xen/capabilities").unwrap_or_default();
        capabilities.split(',').any(|capability| capability == "control_d")
    }

    fn by_clock(&self) -> Option<Virtualisation> {
        let all = self.text("sys/devices/system/clocksource/clocksource0/available_clocksource")?;
        let has = |name: &str| all.split_whitespace().any(|clock| clock.starts_with(name));
        CLOCKS.iter().find(|(name, _)| has(name)).map(|(_, found)| *found)
    }

    fn by_type(&self) -> Option<Virtualisation> {
        Some(match self.text("sys/hypervisor/type")?.as_str() {
            "xen" => Virtualisation::Xen,
            _ => Virtualisation::Unidentified,
        })
    }

    /// On ARM, POWER and RISC-V.
    fn device_tree(&self) -> Option<Virtualisation> {
        let has = |name: &str| self.has(&format!("proc/device-tree/{name}"));
        if let Some(compatible) = self.text("proc/device-tree/hypervisor/compatible") {
            return Some(match compatible.as_str() {
                "linux,kvm" => Virtualisation::Kvm,
                text if text.contains("xen") => Virtualisation::Xen,
                text if text.contains("vmware") => Virtualisation::Vmware,
                _ => Virtualisation::Unidentified,
            });
        }
        let is_partition = has("ibm,partition-name") && has("hmc-managed?");
        if is_partition && !has("chosen/qemu,graphic-width") {
            return Some(Virtualisation::PowerVm);
        }
        let mut entries =
            fs::read_dir(self.0.join("proc/device-tree")).into_iter().flatten().flatten();
        let is_qemu = entries.any(|entry| entry.file_name().to_string_lossy().contains("fw-cfg"))
            || self.text("proc/device-tree/compatible").is_some_and(|text| text == "qemu,pseries");
        is_qemu.then_some(Virtualisation::Qemu)
    }

    /// On IBM's mainframes.
    fn mainframe(&self) -> Option<Virtualisation> {
        let system = self.text("proc/sysinfo")?;
        let program = field(&system, "VM00 Control Program")?.split_whitespace().next();
        Some(if program == Some("z/VM") { Virtualisation::ZVm } else { Virtualisation::Kvm })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUEST: &str =
        "processor\t: 0\nvendor_id\t: AuthenticAMD\nflags\t\t: fpu vme hypervisor lahf_lm\n";
    const HOST: &str = "processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: fpu vme lahf_lm\n";
    const CLOCKS: &str = "sys/devices/system/clocksource/clocksource0/available_clocksource";

    /// What is detected from these files.
    fn on(files: &[(&str, &str)]) -> Option<Virtualisation> {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        detect(root.path())
    }

    fn dmi(cpu: &str, names: &[(&str, &str)]) -> Option<Virtualisation> {
        let paths: Vec<(String, &str)> =
            names.iter().map(|(name, text)| (format!("sys/class/dmi/id/{name}"), *text)).collect();
        let mut files: Vec<(&str, &str)> =
            paths.iter().map(|(path, text)| (path.as_str(), *text)).collect();
        files.push(("proc/cpuinfo", cpu));
        on(&files)
    }

    #[test]
    fn a_machine_without_a_hypervisor_is_bare_metal_and_one_that_reports_nothing_is_unknown() {
        let names = [("product_name", "PowerEdge R650\n"), ("sys_vendor", "Dell Inc.\n")];
        assert_eq!(dmi(HOST, &names), Some(Virtualisation::BareMetal));
        assert_eq!(on(&[("proc/cpuinfo", HOST)]), Some(Virtualisation::BareMetal));
        assert_eq!(on(&[("proc/cpuinfo", "processor\t: 0\nFeatures\t: fp asimd\n")]), None);
        assert_eq!(on(&[]), None);
    }

    /// Firecracker has no firmware tables, as on the machine of the published campaigns.
    #[test]
    fn the_clock_of_a_hypervisor_tells_its_guests_without_firmware() {
        let with = |cpu, clocks| on(&[("proc/cpuinfo", cpu), (CLOCKS, clocks)]);
        assert_eq!(with(GUEST, "kvm-clock tsc acpi_pm\n"), Some(Virtualisation::Kvm));
        assert_eq!(with(GUEST, "tsc acpi_pm\n"), Some(Virtualisation::Unidentified));
        let hyper_v = "hyperv_clocksource_tsc_page hyperv_clocksource_msr acpi_pm\n";
        assert_eq!(with(GUEST, hyper_v), Some(Virtualisation::HyperV));
        assert_eq!(with(HOST, "tsc hpet acpi_pm\n"), Some(Virtualisation::BareMetal));
    }

    #[test]
    fn the_firmware_names_the_hypervisor() {
        let kvm = [("product_name", "KVM\n"), ("sys_vendor", "QEMU\n")];
        assert_eq!(dmi(GUEST, &kvm), Some(Virtualisation::Kvm));
        let qemu = [("product_name", "Standard PC (Q35 + ICH9, 2009)\n"), ("sys_vendor", "QEMU\n")];
        assert_eq!(dmi(GUEST, &qemu), Some(Virtualisation::Qemu));
        let vmware = [("product_name", "VMware7,1\n"), ("sys_vendor", "VMware, Inc.\n")];
        assert_eq!(dmi(GUEST, &vmware), Some(Virtualisation::Vmware));
        let google = [("product_name", "Google Compute Engine\n"), ("sys_vendor", "Google\n")];
        assert_eq!(dmi(GUEST, &google), Some(Virtualisation::Google));
        let azure = [("product_name", "Virtual Machine\n"), ("product_version", "Hyper-V UEFI\n")];
        assert_eq!(dmi(GUEST, &azure), Some(Virtualisation::HyperV));
        let oracle = [("product_name", "VirtualBox\n"), ("sys_vendor", "innotek GmbH\n")];
        assert_eq!(dmi(GUEST, &oracle), Some(Virtualisation::VirtualBox));
    }

    #[test]
    fn machines_of_one_cloud_are_virtual_or_not_by_their_size() {
        let amazon = |size| dmi(GUEST, &[("product_name", size), ("sys_vendor", "Amazon EC2\n")]);
        assert_eq!(amazon("c7i.xlarge\n"), Some(Virtualisation::Amazon));
        let metal = |size| dmi(HOST, &[("product_name", size), ("sys_vendor", "Amazon EC2\n")]);
        assert_eq!(metal("c7i.metal-24xl\n"), Some(Virtualisation::BareMetal));
        assert_eq!(metal("c5.metal\n"), Some(Virtualisation::BareMetal));
    }

    #[test]
    fn xen_guests_are_told_from_its_host() {
        let xen = |features: &str| {
            on(&[
                ("proc/cpuinfo", GUEST),
                ("proc/xen/capabilities", ""),
                ("sys/hypervisor/type", "xen\n"),
                ("sys/hypervisor/properties/features", features),
            ])
        };
        assert_eq!(xen("00002705\n"), Some(Virtualisation::Xen));
        assert_eq!(xen("00002f05\n"), Some(Virtualisation::BareMetal), "the host");
        let by_type = [("proc/cpuinfo", GUEST), ("sys/hypervisor/type", "xen\n")];
        assert_eq!(on(&by_type), Some(Virtualisation::Xen));
    }

    #[test]
    fn device_trees_and_mainframes_name_theirs() {
        let arm = |compatible| on(&[("proc/device-tree/hypervisor/compatible", compatible)]);
        assert_eq!(arm("linux,kvm\0"), Some(Virtualisation::Kvm));
        assert_eq!(arm("xen,xen-4.17\0xen,xen\0"), Some(Virtualisation::Xen));
        assert_eq!(on(&[("proc/device-tree/fw-cfg@9020000/reg", "")]), Some(Virtualisation::Qemu));
        let board = [("proc/device-tree/compatible", "radxa,rock-5b\0rockchip,rk3588\0")];
        assert_eq!(on(&board), Some(Virtualisation::BareMetal));
        let partition = [
            ("proc/device-tree/ibm,partition-name", "lp1\0"),
            ("proc/device-tree/hmc-managed?", "\0"),
        ];
        assert_eq!(on(&partition), Some(Virtualisation::PowerVm));
        let mainframe = |program| {
            let system = format!("VM00 Name:            LNX\nVM00 Control Program: {program}\n");
            on(&[("proc/sysinfo", &system)])
        };
        assert_eq!(mainframe("z/VM    7.2.0"), Some(Virtualisation::ZVm));
        assert_eq!(mainframe("KVM/Linux"), Some(Virtualisation::Kvm));
    }

    #[test]
    fn user_mode_linux_is_a_guest() {
        assert_eq!(
            on(&[("proc/cpuinfo", "vendor_id\t: User Mode Linux\n")]),
            Some(Virtualisation::UserModeLinux)
        );
    }
}
