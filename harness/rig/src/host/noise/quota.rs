//! The time for which control groups waited, as their quota of CPU time was used up.

use crate::host::control_groups::dirs_of;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// The control groups of this process that have a quota, with those above them: its children are
/// in the same ones.
#[derive(Debug)]
pub(super) struct Quotas(Vec<File>);

impl Quotas {
    /// `root` is that of the file system: `/`, or a directory in tests.
    pub fn open(root: &Path) -> Self {
        let limited = dirs_of(root, "cpu").into_iter().filter(|dir| has_quota(dir));
        let stats = limited.map(|dir| dir.join("cpu.stat"));
        Self(stats.filter_map(|path| File::open(path).ok()).collect())
    }

    /// Time for which they have waited so far, in ns, over all CPUs.
    pub fn throttled_ns(&self) -> u64 {
        self.0.iter().map(|file| read(file).unwrap_or(0)).sum()
    }
}

fn has_quota(dir: &Path) -> bool {
    let text = |name: &str| fs::read_to_string(dir.join(name)).ok();
    text("cpu.max").is_some_and(|max| !max.starts_with("max"))
        || text("cpu.cfs_quota_us").is_some_and(|us| us.trim().parse().is_ok_and(|us: i64| us > 0))
}

/// `throttled_time` in ns (version 1), or `throttled_usec` (version 2).
fn read(file: &File) -> Option<u64> {
    let mut buffer = [0; 1024];
    let length = file.read_at(&mut buffer, 0).ok()?;
    let text = std::str::from_utf8(&buffer[..length]).ok()?;
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(' ')?;
        let value: u64 = value.parse().ok()?;
        match name {
            "throttled_time" => Some(value),
            "throttled_usec" => Some(value * 1000),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn quotas_of_both_versions_are_found_with_those_above() {
        let second = machine(&[
            ("proc/self/cgroup", "0::/user.slice/job\n"),
            ("sys/fs/cgroup/user.slice/cpu.max", "50000 100000\n"),
            ("sys/fs/cgroup/user.slice/cpu.stat", "usage_usec 9\nthrottled_usec 7\n"),
            ("sys/fs/cgroup/user.slice/job/cpu.max", "max 100000\n"),
            ("sys/fs/cgroup/user.slice/job/cpu.stat", "throttled_usec 900\n"),
        ]);
        assert_eq!(Quotas::open(second.path()).throttled_ns(), 7_000);
        let first = machine(&[
            ("proc/self/cgroup", "4:memory:/job\n2:cpu,cpuacct:/job\n0::/\n"),
            ("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "20000\n"),
            ("sys/fs/cgroup/cpu,cpuacct/job/cpu.stat", "nr_throttled 2\nthrottled_time 5000\n"),
            ("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n"),
        ]);
        assert_eq!(Quotas::open(first.path()).throttled_ns(), 5_000);
        // In a container, the path is that of the host.
        let container = machine(&[
            ("proc/self/cgroup", "0::/docker/0123\n"),
            ("sys/fs/cgroup/cpu.max", "50000 100000\n"),
            ("sys/fs/cgroup/cpu.stat", "throttled_usec 3\n"),
        ]);
        assert_eq!(Quotas::open(container.path()).throttled_ns(), 3_000);
        assert_eq!(Quotas::open(machine(&[]).path()).throttled_ns(), 0);
    }
}
