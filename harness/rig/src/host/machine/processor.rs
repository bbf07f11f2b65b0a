//! The processor's name.

use std::fs;
use std::path::Path;

/// Names of Arm's cores by their part numbers (arch/arm64/include/asm/cputype.h).
const ARM_PARTS: [(u32, &str); 15] = [
    (0xd03, "Cortex-A53"),
    (0xd04, "Cortex-A35"),
    (0xd05, "Cortex-A55"),
    (0xd07, "Cortex-A57"),
    (0xd08, "Cortex-A72"),
    (0xd09, "Cortex-A73"),
    (0xd0a, "Cortex-A75"),
    (0xd0b, "Cortex-A76"),
    (0xd0c, "Neoverse-N1"),
    (0xd40, "Neoverse-V1"),
    (0xd41, "Cortex-A78"),
    (0xd44, "Cortex-X1"),
    (0xd49, "Neoverse-N2"),
    (0xd4f, "Neoverse-V2"),
    (0xd84, "Neoverse-V3"),
];
/// Arm's own number among the implementers, in `/proc/cpuinfo`.
const ARM: u32 = 0x41;

/// The name as `/proc/cpuinfo` has it. On ARM it has numbers instead: then their names, or the
/// board's name from the device tree; `None` where nothing is known. `root` is that of the file
/// system: `/`, or a directory in tests.
pub(super) fn name(root: &Path) -> Option<String> {
    let cpuinfo = fs::read_to_string(root.join("proc/cpuinfo")).unwrap_or_default();
    let field = |name: &str| {
        let mut lines = cpuinfo.lines().filter_map(|line| line.split_once(':'));
        let value = lines.find(|(key, _)| key.trim() == name)?.1.trim();
        (!value.is_empty()).then(|| value.to_owned())
    };
    let board = || {
        let model = fs::read_to_string(root.join("proc/device-tree/model")).ok()?;
        Some(model.trim_matches(['\0', ' ', '\n']).to_owned()).filter(|model| !model.is_empty())
    };
    // s390 and POWER have other keys.
    let named = field("model name").or_else(|| field("cpu")).or_else(|| field("uarch"));
    named.or_else(|| match (arm_core(&cpuinfo), board()) {
        (Some(core), Some(board)) => Some(format!("{core} ({board})")),
        (core, board) => core.or(board),
    })
}

/// The kinds of its cores, each once: a board may have two.
fn arm_core(cpuinfo: &str) -> Option<String> {
    let numbers = |name: &'static str| {
        let lines = cpuinfo.lines().filter_map(|line| line.split_once(':'));
        lines.filter(move |(key, _)| key.trim() == name).filter_map(|(_, value)| {
            u32::from_str_radix(value.trim().trim_start_matches("0x"), 16).ok()
        })
    };
    let mut cores: Vec<String> = Vec::new();
    for (implementer, part) in numbers("CPU implementer").zip(numbers("CPU part")) {
        let known = ARM_PARTS.iter().find(|(number, _)| (ARM, *number) == (implementer, part));
        let core = match known {
            Some((_, name)) => format!("ARM {name}"),
            None => format!("ARM implementer {implementer:#x}, part {part:#x}"),
        };
        if !cores.contains(&core) {
            cores.push(core);
        }
    }
    (!cores.is_empty()).then(|| cores.join(" + "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(cpuinfo: &str, model: Option<&str>) -> Option<String> {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("proc/cpuinfo", cpuinfo);
        model.iter().for_each(|model| write("proc/device-tree/model", model));
        name(root.path())
    }

    #[test]
    fn processors_are_named() {
        let x86 = "processor\t: 0\nmodel name\t: AMD EPYC\n";
        assert_eq!(machine(x86, None).unwrap(), "AMD EPYC");
        let core = |part| format!("processor : 0\nCPU implementer : 0x41\nCPU part : {part}\n\n");
        assert_eq!(machine(&core("0xd40"), None).unwrap(), "ARM Neoverse-V1");
        let pi = machine(&core("0xd08").repeat(4), Some("Raspberry Pi 4 Model B Rev 1.4\0"));
        assert_eq!(pi.unwrap(), "ARM Cortex-A72 (Raspberry Pi 4 Model B Rev 1.4)");
        let both = core("0xd05") + &core("0xd0b");
        assert_eq!(machine(&both, None).unwrap(), "ARM Cortex-A55 + ARM Cortex-A76");
        let other = "CPU implementer : 0x61\nCPU part : 0x022\n";
        assert_eq!(machine(other, None).unwrap(), "ARM implementer 0x61, part 0x22");
        assert_eq!(machine("", Some("A board")).unwrap(), "A board");
        assert_eq!(machine("", None), None);
    }
}
