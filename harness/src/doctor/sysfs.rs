//! Reads files of /proc and /sys.

use super::readings::Limit;
use bench_core::record::cpus::CpuList;
use nix::sys::statvfs::statvfs;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

pub(super) fn text(path: impl AsRef<Path>) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.trim().to_owned())
}

pub(super) fn number<N: FromStr>(path: impl AsRef<Path>) -> Option<N> {
    text(path)?.parse().ok()
}

pub(super) fn last_number(path: &str) -> Option<u64> {
    text(path)?.split_whitespace().last()?.parse().ok()
}

/// A list of CPUs, which may be empty.
pub(super) fn cpu_list(path: &Path) -> Option<CpuList> {
    match text(path)?.as_str() {
        "" | "(null)" => Some(CpuList::from_iter([])),
        list => list.parse().ok(),
    }
}

/// The choice in brackets, as sysfs files list choices.
pub(super) fn chosen(choices: &str) -> Option<String> {
    Some(choices.split_once('[')?.1.split_once(']')?.0.to_owned())
}

pub(super) fn governors(cpus: &Path, allowed: &CpuList) -> Option<Vec<String>> {
    let of = |cpu: usize| text(cpus.join(format!("cpu{cpu}/cpufreq/scaling_governor")));
    let mut found: Vec<String> = allowed.iter().map(of).collect::<Option<_>>()?;
    found.sort();
    found.dedup();
    Some(found)
}

pub(super) fn turbo(cpus: &Path) -> Option<bool> {
    let off = number::<u8>(cpus.join("intel_pstate/no_turbo")).map(|off| off == 0);
    off.or_else(|| number::<u8>(cpus.join("cpufreq/boost")).map(|on| on == 1))
}

pub(super) fn cores(cpus: &Path, allowed: &CpuList) -> Option<Vec<CpuList>> {
    let of = |cpu: usize| cpu_list(&cpus.join(format!("cpu{cpu}/topology/thread_siblings_list")));
    let mut cores: Vec<CpuList> = allowed.iter().map(of).collect::<Option<_>>()?;
    cores.sort_by_key(CpuList::first);
    cores.dedup();
    Some(cores)
}

/// Reads the quota of a control group.
type Quota = fn(&Path) -> Option<Limit<f64>>;

/// The lowest CPU quota of this process's control group and its ancestors, of cgroup version
/// 1 or 2 (cgroups(7)).
pub(super) fn quota_cpus() -> Option<Limit<f64>> {
    let groups = text("/proc/self/cgroup")?;
    let top = Path::new("/sys/fs/cgroup");
    let unified = top.join("cgroup.controllers").exists();
    let (top, quota): (_, Quota) = match unified {
        true => (top.to_owned(), |dir| share(&text(dir.join("cpu.max"))?)),
        false => (top.join("cpu"), |dir| {
            let part = |name: &str| text(dir.join(name));
            share(&format!("{} {}", part("cpu.cfs_quota_us")?, part("cpu.cfs_period_us")?))
        }),
    };
    // `hierarchy:controllers:path`; version 2 names no controllers.
    let own = groups.lines().find_map(|line| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        let is_it = if unified {
            controllers.is_empty()
        } else {
            controllers.split(',').any(|c| c == "cpu")
        };
        is_it.then(|| path.trim_start_matches('/'))
    })?;
    top.is_dir().then_some(())?;
    let dirs: Vec<PathBuf> = top
        .join(own)
        .ancestors()
        .take_while(|dir| dir.starts_with(&top))
        .map(Path::to_owned)
        .collect();
    // Within a container the group may lie outside of the visible tree.
    let own =
        quota(dirs.first()?).or_else(|| dirs.first()?.is_dir().then_some(Limit::Unlimited))?;
    let all = dirs.iter().skip(1).filter_map(|dir| quota(dir)).chain([own]);
    let least = all.filter_map(|limit| match limit {
        Limit::Most(cpus) => Some(cpus),
        Limit::Unlimited => None,
    });
    Some(least.min_by(f64::total_cmp).map_or(Limit::Unlimited, Limit::Most))
}

/// `quota period`, in CPUs; unlimited where the quota is `max` or -1.
fn share(text: &str) -> Option<Limit<f64>> {
    let (quota, period) = text.split_once(' ')?;
    if ["max", "-1"].contains(&quota) {
        return Some(Limit::Unlimited);
    }
    let cpus = quota.parse::<f64>().ok()? / period.parse::<f64>().ok()?;
    (cpus > 0.0).then_some(Limit::Most(cpus))
}

pub(super) fn shared_memory_bytes() -> Option<u64> {
    let place = PathBuf::from("/dev/shm");
    if !place.is_dir() {
        return Some(0);
    }
    let space = statvfs(&place).ok()?;
    Some(space.blocks_available() * space.fragment_size())
}

pub(super) fn product() -> Option<String> {
    let part = |name: &str| text(Path::new("/sys/class/dmi/id").join(name));
    let parts: Vec<String> = ["sys_vendor", "product_name"].into_iter().filter_map(part).collect();
    Some(parts.join(" ")).filter(|product| !product.trim().is_empty())
}

pub(super) fn mitigated(dir: &Path) -> Option<Vec<String>> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .ok()?
        .flatten()
        .filter(|entry| text(entry.path()).is_some_and(|state| state.contains("Mitigation")))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_choices_of_the_kernel_are_read() {
        assert_eq!(chosen("always [madvise] never"), Some("madvise".into()));
        assert_eq!(chosen("no choice"), None);
        assert_eq!(share("150000 100000"), Some(Limit::Most(1.5)));
        for text in ["max 100000", "-1 100000"] {
            assert_eq!(share(text), Some(Limit::Unlimited));
        }
        assert_eq!(share("what 100000"), None);
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("list");
        for (list, cpus) in [("\n", vec![]), ("(null)\n", vec![]), ("2-3,7\n", vec![2, 3, 7])] {
            fs::write(&file, list).unwrap();
            assert_eq!(cpu_list(&file).unwrap().iter().collect::<Vec<_>>(), cpus);
        }
        assert_eq!(cpu_list(&dir.path().join("nothing")), None);
    }
}
