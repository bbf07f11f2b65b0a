//! The control groups of this process (cgroups(7)): its children are in the same ones.

pub mod memory_shortage;

use std::fs;
use std::path::{Path, PathBuf};

/// The directories of the group that has this controller, and of those above it, in either
/// version. `root` is that of the file system: `/`, or a directory in tests.
pub(super) fn dirs_of(root: &Path, controller: &str) -> Vec<PathBuf> {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let cgroups = root.join("sys/fs/cgroup");
    let found = groups.lines().filter_map(|line| place(line, &cgroups, controller));
    found
        .flat_map(|(base, group)| {
            let above = group.ancestors().take_while(|dir| dir.starts_with(&base));
            above.map(Path::to_owned).collect::<Vec<_>>()
        })
        .collect()
}

/// From a line `number:controllers:path`: where that hierarchy is mounted, and the directory of
/// the group; `None`: it has not this controller.
fn place(line: &str, cgroups: &Path, controller: &str) -> Option<(PathBuf, PathBuf)> {
    let mut parts = line.splitn(3, ':');
    let (number, controllers) = (parts.next()?, parts.next()?);
    let path = parts.next()?.trim_start_matches('/');
    let base = match (number, controllers) {
        // Version 2, alone or beside version 1.
        ("0", "") => {
            let beside = cgroups.join("unified");
            if beside.is_dir() { beside } else { cgroups.to_owned() }
        }
        (_, names) if names.split(',').any(|name| name == controller) => cgroups.join(names),
        _ => return None,
    };
    // In a container the path may be that of the host.
    let group = Some(base.join(path)).filter(|dir| dir.is_dir()).unwrap_or_else(|| base.clone());
    Some((base, group))
}
