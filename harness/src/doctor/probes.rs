//! Observes processes, and asks the kernel what it allows.

use super::readings::{Activity, IoUring, Task};
use bench_core::record::placement::Placement;
use bench_core::record::snapshot::Method;
use bench_rig::host::noise::surroundings::Surroundings;
use bench_rig::host::sockets::kernel_queues::Probe;
use procfs::{CurrentSI, KernelStats};
use std::collections::HashMap;
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// How long the CPUs are observed.
const OBSERVED: Duration = Duration::from_millis(500);
/// Number of the busiest processes that are named.
const BUSIEST: usize = 3;

/// The activity on the CPUs of server and client, and of all processes, over half a second.
pub(super) fn activity(placement: &Placement) -> Option<Activity> {
    KernelStats::current().ok()?;
    let (before, used_before) = (Surroundings::now(placement), used());
    let begin = Instant::now();
    std::thread::sleep(OBSERVED);
    let (after, used_after) = (Surroundings::now(placement), used());
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
    Some(Activity {
        cpus: seen.cpus,
        others_cpus: seen.others_cpus,
        stolen_share: seen.stolen_share,
        busiest,
        are_others_hidden: are_others_hidden(),
    })
}

/// Name and CPU ticks of every process that can be seen.
fn used() -> HashMap<i32, (String, u64)> {
    let all = procfs::process::all_processes().into_iter().flatten().flatten();
    all.filter_map(|process| process.stat().ok())
        .map(|stat| (stat.pid, (stat.comm, stat.utime + stat.stime)))
        .collect()
}

/// `None`: other users' processes are hidden, and it is none of the others.
pub(super) fn is_running(name: &str) -> Option<bool> {
    let mut all = procfs::process::all_processes().ok()?.flatten();
    let is_seen = all.any(|process| process.stat().is_ok_and(|stat| stat.comm == name));
    (is_seen || !are_others_hidden()).then_some(is_seen)
}

/// Whether /proc shows this user's processes only, or less of others (`hidepid`, proc(5)): every
/// PID namespace has a first process.
fn are_others_hidden() -> bool {
    std::fs::read("/proc/1/stat").is_err()
}

/// Requests a ring of no entries at no address: a kernel with `io_uring` rejects the
/// request as invalid; one that lacks or forbids `io_uring` rejects it for that reason first.
pub(super) fn io_uring() -> Option<IoUring> {
    use nix::errno::Errno;
    use nix::libc;
    // SAFETY: with a null pointer for its parameters the call can only fail; it
    // reads and writes none of our memory.
    let answer =
        unsafe { libc::syscall(libc::SYS_io_uring_setup, 0, std::ptr::null_mut::<libc::c_void>()) };
    let is_filtered = || {
        // A kernel with this setting has io_uring, and 0 forbids it to nobody.
        let setting = std::fs::read_to_string("/proc/sys/kernel/io_uring_disabled");
        let own = procfs::process::Process::myself().and_then(|own| own.status());
        setting.is_ok_and(|setting| setting.trim() == "0")
            && own.is_ok_and(|own| own.seccomp == Some(2))
    };
    match Errno::result(answer) {
        Err(Errno::EFAULT | Errno::EINVAL) => Some(IoUring::Available),
        Err(Errno::EPERM | Errno::EACCES | Errno::ENOSYS) if is_filtered() => {
            Some(IoUring::Filtered)
        }
        Err(Errno::EPERM | Errno::EACCES) => Some(IoUring::Forbidden),
        Err(Errno::ENOSYS) => Some(IoUring::Absent),
        _ => None,
    }
}

/// How the queues of a connection over loopback can be read.
pub(super) fn queues_by() -> Option<Method> {
    let listener = TcpListener::bind("127.0.0.1:0").ok()?;
    let client = TcpStream::connect(listener.local_addr().ok()?).ok()?;
    let (server, _) = listener.accept().ok()?;
    let mut probe = Probe::new(server.local_addr().ok()?, client.local_addr().ok()?);
    probe.read().ok()?;
    Some(probe.method())
}
