//! Reads /proc, /sys and the kernel's answers for [`crate::doctor`]. Nothing is
//! judged here; what cannot be read is absent.

use crate::affinity::{CpuList, Placement};
use crate::kernel::{Method, Probe};
use crate::surroundings;
use anyhow::Result;
use nix::sys::statvfs::statvfs;
use procfs::process::{LimitValue, Process};
use procfs::{Current, CurrentSI, KernelStats, LoadAverage, Meminfo};
use serde::Serialize;
use std::collections::HashMap;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, Instant};

/// For so long the CPUs are watched.
const WATCH: Duration = Duration::from_millis(500);
/// So many of the busiest processes are named.
const BUSIEST: usize = 3;

/// What a machine tells of itself; `None`: it does not.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Readings {
    /// CPUs that this process may use.
    pub allowed: Option<CpuList>,
    /// Who would run where.
    pub placement: Option<Placement>,
    /// The frequency governors of these CPUs, each once.
    pub governors: Option<Vec<String>>,
    /// Whether the clock rises beyond its base.
    pub turbo: Option<bool>,
    /// The hardware threads of each of their cores.
    pub cores: Option<Vec<CpuList>>,
    /// CPUs that the scheduler leaves alone.
    pub isolated: Option<CpuList>,
    /// CPUs without a timer tick.
    pub tickless: Option<CpuList>,
    /// CPU time that the control group grants, in CPUs.
    pub quota_cpus: Option<Limit<f64>>,
    /// What went on when nobody measured.
    pub activity: Option<Activity>,
    /// Load average over one minute.
    pub load: Option<f32>,
    /// Whether irqbalance runs.
    pub irqbalance: Option<bool>,
    /// Swap there is, in bytes.
    pub swap_bytes: Option<u64>,
    /// Swap in use, in bytes.
    pub swap_used_bytes: Option<u64>,
    /// How readily memory is swapped out.
    pub swappiness: Option<u32>,
    /// The mode of transparent huge pages.
    pub huge_pages: Option<String>,
    /// Free shared memory, in bytes; 0: there is no /dev/shm.
    pub shared_memory_bytes: Option<u64>,
    /// Memory that may be locked, in bytes.
    pub memlock_bytes: Option<Limit<u64>>,
    /// Files that may be open.
    pub open_files: Option<Limit<u64>>,
    /// Whether `io_uring` may be used.
    pub io_uring: Option<IoUring>,
    /// TCP congestion control.
    pub congestion: Option<String>,
    /// The largest `SO_RCVBUF`, in bytes.
    pub receive_buffer_bytes: Option<u64>,
    /// The largest `SO_SNDBUF`, in bytes.
    pub send_buffer_bytes: Option<u64>,
    /// Where the autotuning of receive buffers ends, in bytes.
    pub receive_autotuning_bytes: Option<u64>,
    /// Where that of send buffers ends, in bytes.
    pub send_autotuning_bytes: Option<u64>,
    /// How the kernel's socket queues are read.
    pub queues_by: Option<Method>,
    /// Whether there is a hypervisor below.
    pub hypervisor: Option<bool>,
    /// Maker and product, as the firmware tells.
    pub product: Option<String>,
    /// What time the kernel's clock comes from.
    pub clocksource: Option<String>,
    /// What it could come from.
    pub clocksources: Option<Vec<String>>,
    /// Vulnerabilities of the CPU that the kernel mitigates.
    pub mitigated: Option<Vec<String>>,
}

/// A limit that there may not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Limit<T> {
    /// So much.
    Most(T),
    /// None.
    Unlimited,
}

/// What the kernel answers to a request for an `io_uring`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum IoUring {
    /// It looks at what is asked.
    Available,
    /// It refuses.
    Forbidden,
    /// It does not know what that is.
    Absent,
}

/// What went on for half a second.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Activity {
    /// CPU time used on the CPUs of server and client, in CPUs.
    pub others_cpus: f64,
    /// Share of these CPUs' time that the hypervisor took.
    pub stolen_share: f64,
    /// The processes that used most of any CPU.
    pub busiest: Vec<Task>,
}

/// A process and what it used.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Task {
    /// Its command's name.
    pub name: String,
    /// Its id.
    pub pid: i32,
    /// CPU time, in CPUs.
    pub cpus: f64,
}

impl Readings {
    /// Reads everything; takes half a second. The CPUs are those that server and client
    /// are going to have, if they are not to be chosen.
    ///
    /// # Errors
    /// CPUs that are not allowed.
    pub fn take(server: Option<CpuList>, client: Option<CpuList>) -> Result<Self> {
        let allowed = CpuList::allowed().ok();
        let placement = match &allowed {
            Some(all) => Some(Placement::plan(all, server, client)?),
            None => None,
        };
        let memory = Meminfo::current().ok();
        let limits = Process::myself().and_then(|me| me.limits()).ok();
        let limit = |value: LimitValue| match value {
            LimitValue::Unlimited => Limit::Unlimited,
            LimitValue::Value(most) => Limit::Most(most),
        };
        let cpus = Path::new("/sys/devices/system/cpu");
        Ok(Self {
            governors: allowed.as_ref().and_then(|all| governors(cpus, all)),
            turbo: turbo(cpus),
            cores: allowed.as_ref().and_then(|all| cores(cpus, all)),
            isolated: cpu_list(&cpus.join("isolated")),
            tickless: cpu_list(&cpus.join("nohz_full")),
            quota_cpus: quota_cpus(),
            activity: placement.as_ref().and_then(watch),
            load: LoadAverage::current().ok().map(|load| load.one),
            irqbalance: runs("irqbalance"),
            swap_bytes: memory.as_ref().map(|m| m.swap_total),
            swap_used_bytes: memory.map(|m| m.swap_total.saturating_sub(m.swap_free)),
            swappiness: number("/proc/sys/vm/swappiness"),
            huge_pages: text("/sys/kernel/mm/transparent_hugepage/enabled")
                .as_deref()
                .and_then(chosen),
            shared_memory_bytes: shared_memory_bytes(),
            memlock_bytes: limits.as_ref().map(|all| limit(all.max_locked_memory.soft_limit)),
            open_files: limits.map(|all| limit(all.max_open_files.soft_limit)),
            io_uring: io_uring(),
            congestion: text("/proc/sys/net/ipv4/tcp_congestion_control"),
            receive_buffer_bytes: number("/proc/sys/net/core/rmem_max"),
            send_buffer_bytes: number("/proc/sys/net/core/wmem_max"),
            receive_autotuning_bytes: last_number("/proc/sys/net/ipv4/tcp_rmem"),
            send_autotuning_bytes: last_number("/proc/sys/net/ipv4/tcp_wmem"),
            queues_by: queues_by(),
            hypervisor: hypervisor(),
            product: product(),
            clocksource: text("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
            clocksources: text(
                "/sys/devices/system/clocksource/clocksource0/available_clocksource",
            )
            .map(|all| all.split_whitespace().map(str::to_owned).collect()),
            mitigated: mitigated(&cpus.join("vulnerabilities")),
            allowed,
            placement,
        })
    }
}

fn text(path: impl AsRef<Path>) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.trim().to_owned())
}

fn number<N: FromStr>(path: impl AsRef<Path>) -> Option<N> {
    text(path)?.parse().ok()
}

fn last_number(path: &str) -> Option<u64> {
    text(path)?.split_whitespace().last()?.parse().ok()
}

/// A list of CPUs, which may be empty.
fn cpu_list(path: &Path) -> Option<CpuList> {
    match text(path)?.as_str() {
        "" | "(null)" => Some(CpuList::from_iter([])),
        list => list.parse().ok(),
    }
}

/// The word in brackets of a list of choices.
fn chosen(choices: &str) -> Option<String> {
    Some(choices.split_once('[')?.1.split_once(']')?.0.to_owned())
}

fn governors(cpus: &Path, allowed: &CpuList) -> Option<Vec<String>> {
    let of = |cpu: usize| text(cpus.join(format!("cpu{cpu}/cpufreq/scaling_governor")));
    let mut found: Vec<String> = allowed.iter().map(of).collect::<Option<_>>()?;
    found.sort();
    found.dedup();
    Some(found)
}

fn turbo(cpus: &Path) -> Option<bool> {
    let off = number::<u8>(cpus.join("intel_pstate/no_turbo")).map(|off| off == 0);
    off.or_else(|| number::<u8>(cpus.join("cpufreq/boost")).map(|on| on == 1))
}

fn cores(cpus: &Path, allowed: &CpuList) -> Option<Vec<CpuList>> {
    let of = |cpu: usize| cpu_list(&cpus.join(format!("cpu{cpu}/topology/thread_siblings_list")));
    let mut cores: Vec<CpuList> = allowed.iter().map(of).collect::<Option<_>>()?;
    cores.sort_by_key(CpuList::first);
    cores.dedup();
    Some(cores)
}

/// Reads the quota of a control group.
type Quota = fn(&Path) -> Option<Limit<f64>>;

/// The least quota of this process's control group and those above, of either
/// version.
fn quota_cpus() -> Option<Limit<f64>> {
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
    // Within a container the group may lie outside of what is to be seen.
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
fn share(words: &str) -> Option<Limit<f64>> {
    let (quota, period) = words.split_once(' ')?;
    if ["max", "-1"].contains(&quota) {
        return Some(Limit::Unlimited);
    }
    let cpus = quota.parse::<f64>().ok()? / period.parse::<f64>().ok()?;
    (cpus > 0.0).then_some(Limit::Most(cpus))
}

/// Watches the CPUs of server and client, and all processes.
fn watch(placement: &Placement) -> Option<Activity> {
    KernelStats::current().ok()?;
    let (before, used_before) = (surroundings::Surroundings::now(placement), used());
    let begin = Instant::now();
    std::thread::sleep(WATCH);
    let (after, used_after) = (surroundings::Surroundings::now(placement), used());
    let elapsed_s = begin.elapsed().as_secs_f64();
    let seen = after.since(&before, 0);
    let ticks_per_s = procfs::ticks_per_second() as f64;
    let own = i32::try_from(std::process::id()).unwrap_or(0);
    let mut busiest: Vec<Task> = used_after
        .into_iter()
        .filter(|(pid, _)| *pid != own)
        .filter_map(|(pid, (name, ticks))| {
            let ticks = ticks - used_before.get(&pid)?.1.min(ticks);
            Some(Task { name, pid, cpus: ticks as f64 / ticks_per_s / elapsed_s })
        })
        .filter(|task| task.cpus > 0.0)
        .collect();
    busiest.sort_by(|a, b| b.cpus.total_cmp(&a.cpus).then(a.pid.cmp(&b.pid)));
    busiest.truncate(BUSIEST);
    Some(Activity { others_cpus: seen.others_cpus, stolen_share: seen.stolen_share, busiest })
}

/// Name and CPU ticks of every process that can be seen.
fn used() -> HashMap<i32, (String, u64)> {
    let all = procfs::process::all_processes().into_iter().flatten().flatten();
    all.filter_map(|process| process.stat().ok())
        .map(|stat| (stat.pid, (stat.comm, stat.utime + stat.stime)))
        .collect()
}

fn runs(name: &str) -> Option<bool> {
    let mut all = procfs::process::all_processes().ok()?.flatten();
    Some(all.any(|process| process.stat().is_ok_and(|stat| stat.comm == name)))
}

fn shared_memory_bytes() -> Option<u64> {
    let place = PathBuf::from("/dev/shm");
    if !place.is_dir() {
        return Some(0);
    }
    let space = statvfs(&place).ok()?;
    Some(space.blocks_available() * space.fragment_size())
}

/// Asks for a ring of no entries at no address: a kernel that would give one
/// complains of the request, one that would not says so first.
fn io_uring() -> Option<IoUring> {
    use nix::errno::Errno;
    use nix::libc;
    // SAFETY: with a null pointer for its parameters the call can only fail; it
    // reads and writes none of our memory.
    let answer =
        unsafe { libc::syscall(libc::SYS_io_uring_setup, 0, std::ptr::null_mut::<libc::c_void>()) };
    match Errno::result(answer) {
        Err(Errno::EFAULT | Errno::EINVAL) => Some(IoUring::Available),
        Err(Errno::EPERM | Errno::EACCES) => Some(IoUring::Forbidden),
        Err(Errno::ENOSYS) => Some(IoUring::Absent),
        _ => None,
    }
}

/// How the queues of a connection over loopback can be read.
fn queues_by() -> Option<Method> {
    let listener = TcpListener::bind("127.0.0.1:0").ok()?;
    let client = TcpStream::connect(listener.local_addr().ok()?).ok()?;
    let (server, _) = listener.accept().ok()?;
    let mut probe = Probe::new(server.local_addr().ok()?, client.local_addr().ok()?);
    probe.read().ok()?;
    Some(probe.method())
}

/// As the CPU tells, which only x86 does.
fn hypervisor() -> Option<bool> {
    if !cfg!(any(target_arch = "x86", target_arch = "x86_64")) {
        return None;
    }
    let cpu = procfs::CpuInfo::current().ok()?;
    Some(cpu.flags(0)?.contains(&"hypervisor"))
}

fn product() -> Option<String> {
    let part = |name: &str| text(Path::new("/sys/class/dmi/id").join(name));
    let words: Vec<String> = ["sys_vendor", "product_name"].into_iter().filter_map(part).collect();
    Some(words.join(" ")).filter(|product| !product.trim().is_empty())
}

fn mitigated(folder: &Path) -> Option<Vec<String>> {
    let mut names: Vec<String> = fs::read_dir(folder)
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
    fn what_this_machine_tells_is_sensible() {
        let readings = Readings::take(None, None).unwrap();
        let allowed = readings.allowed.unwrap();
        assert!(allowed.count() > 0);
        let activity = readings.activity.unwrap();
        assert!((0.0..=1.01).contains(&activity.stolen_share), "{activity:?}");
        assert!(readings.swap_used_bytes.unwrap() <= readings.swap_bytes.unwrap());
        assert!(readings.open_files.is_some() && readings.memlock_bytes.is_some());
        for core in readings.cores.into_iter().flatten() {
            assert!(core.overlaps(&allowed), "{core}");
        }
    }

    #[test]
    fn lists_and_choices_of_the_kernel_are_read() {
        assert_eq!(chosen("always [madvise] never"), Some("madvise".into()));
        assert_eq!(chosen("no choice"), None);
        assert_eq!(share("150000 100000"), Some(Limit::Most(1.5)));
        for words in ["max 100000", "-1 100000"] {
            assert_eq!(share(words), Some(Limit::Unlimited));
        }
        assert_eq!(share("what 100000"), None);
        let room = tempfile::tempdir().unwrap();
        let file = room.path().join("list");
        for (list, cpus) in [("\n", vec![]), ("(null)\n", vec![]), ("2-3,7\n", vec![2, 3, 7])] {
            fs::write(&file, list).unwrap();
            assert_eq!(cpu_list(&file).unwrap().iter().collect::<Vec<_>>(), cpus);
        }
        assert_eq!(cpu_list(&room.path().join("nothing")), None);
    }
}
