//! What bears on memory, limits, network and clock.

use super::{Check, Finding, IoUring, Limit, Readings, Topic, fine, note, warning};
use crate::kernel::Method;
use crate::units::shown_bytes;
use crate::workload::MATCHED_BYTES;

/// In the order of the table.
pub(super) const CHECKS: &[Check] = &[
    clock,
    swap,
    huge_pages,
    shared_memory,
    memlock,
    io_uring,
    open_files,
    queues,
    congestion,
    buffers,
    autotuning,
];

/// Swap in use from which on pages are likely to come back while measuring.
const MUCH_SWAP_BYTES: u64 = 100 << 20;
/// Room for the meters of a thousand connections.
const METERS_BYTES: u64 = 16 << 20;
/// What the rings of one executor need.
const RINGS_BYTES: u64 = 512 << 10;
/// A thousand connections, and what a process has open besides.
const FILES: u64 = 1100;
/// The files of the default workloads' processes.
const FEW_FILES: u64 = 128;
/// The kernel's defaults are 4 MiB and more.
const AUTOTUNING_BYTES: u64 = 4 << 20;
/// Clocks that are read without leaving the process, or nearly so.
const QUICK_CLOCKS: [&str; 5] =
    ["tsc", "kvm-clock", "arch_sys_counter", "hyperv_clocksource_tsc_page", "riscv_clocksource"];

fn clock(readings: &Readings) -> Finding {
    let topic = Topic {
        check: "clock source",
        why: "every tick is stamped several times; a clock that costs a microsecond is measured with it",
        untold: "see `dmesg | grep clocksource`",
    };
    topic.judge(readings.clocksource.as_ref(), |source| {
        if QUICK_CLOCKS.contains(&source.as_str()) {
            return fine(source);
        }
        let others = readings.clocksources.iter().flatten();
        let quick = others.map(String::as_str).find(|other| QUICK_CLOCKS.contains(other));
        warning(source, match quick {
            Some(quick) => format!(
                "`echo {quick} | sudo tee /sys/devices/system/clocksource/clocksource0/current_clocksource`"
            ),
            None => "find out why the kernel dismissed the TSC: `dmesg | grep -i -e tsc -e clocksource`".into(),
        })
    })
}

fn swap(readings: &Readings) -> Finding {
    let topic = Topic {
        check: "swap",
        why: "a page that comes back from disk stops its process for milliseconds",
        untold: "see `free`",
    };
    let swappiness = readings.swappiness.map_or(String::new(), |n| format!(", swappiness {n}"));
    topic.judge(readings.swap_bytes.zip(readings.swap_used_bytes), |(all, used)| {
        let seen = match all {
            0 => "none".to_owned(),
            _ => format!("{} of {} in use{swappiness}", shown_bytes(used), shown_bytes(all)),
        };
        let advice =
            "end what fills the memory, then `sudo swapoff -a` (`sudo swapon -a` undoes it)";
        match used {
            0 => fine(seen),
            used if used < MUCH_SWAP_BYTES => note(seen, advice),
            _ => warning(seen, advice),
        }
    })
}

fn huge_pages(readings: &Readings) -> Finding {
    let topic = Topic {
        check: "huge pages",
        why: "when the kernel makes huge pages for everybody, it stops processes to gather them",
        untold: "see /sys/kernel/mm/transparent_hugepage/enabled",
    };
    topic.judge(readings.huge_pages.as_ref(), |mode| match mode.as_str() {
        "always" => {
            note(mode, "`echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled`")
        }
        _ => fine(mode),
    })
}

fn shared_memory(readings: &Readings) -> Finding {
    let topic = Topic {
        check: "/dev/shm",
        why: "the meters lie in it: in a file on a disk, writing back would stop the processes that count",
        untold: "see `df /dev/shm`",
    };
    topic.judge(readings.shared_memory_bytes, |free| match free {
        0 => warning("none, or full", "`sudo mount -t tmpfs tmpfs /dev/shm`, or empty it"),
        free if free < METERS_BYTES => warning(
            format!("{} free", shown_bytes(free)),
            "empty it; in a container give more by `docker run --shm-size 64m`",
        ),
        free => fine(format!("{} free", shown_bytes(free))),
    })
}

fn memlock(readings: &Readings) -> Finding {
    let topic = Topic {
        check: "locked memory",
        why: "clients on io_uring lock their rings in memory, and do not run without",
        untold: "see `ulimit -l`",
    };
    topic.judge(readings.memlock_bytes, |limit| match limit {
        Limit::Unlimited => fine("unlimited"),
        Limit::Most(bytes) if bytes >= RINGS_BYTES => fine(format!("up to {}", shown_bytes(bytes))),
        Limit::Most(bytes) => warning(
            format!("up to {}, of {} needed", shown_bytes(bytes), shown_bytes(RINGS_BYTES)),
            "`ulimit -l 8192`, a line `* - memlock 8192` in /etc/security/limits.conf, or `docker run --ulimit memlock=-1`",
        ),
    })
}

fn io_uring(readings: &Readings) -> Finding {
    let topic = Topic {
        check: "io_uring",
        why: "clients on io_uring do not run without",
        untold: "see `sysctl kernel.io_uring_disabled`",
    };
    topic.judge(readings.io_uring, |answer| match answer {
        IoUring::Available => fine("available"),
        IoUring::Forbidden => warning(
            "forbidden",
            "`sudo sysctl kernel.io_uring_disabled=0`; in a container, a seccomp profile that allows it",
        ),
        IoUring::Absent => warning(
            "unknown to this kernel",
            "use Linux 5.8 or later with CONFIG_IO_URING; in a sandbox, leave that",
        ),
    })
}

fn open_files(readings: &Readings) -> Finding {
    let topic = Topic {
        check: "open files",
        why: "a workload may have a thousand connections, each of which is a file to server and client",
        untold: "see `ulimit -n`",
    };
    let advice = "`ulimit -n 4096`";
    topic.judge(readings.open_files, |limit| match limit {
        Limit::Unlimited => fine("unlimited"),
        Limit::Most(files) if files >= FILES => fine(format!("up to {files}")),
        Limit::Most(files) if files >= FEW_FILES => note(format!("up to {files}"), advice),
        Limit::Most(files) => warning(format!("up to {files}"), advice),
    })
}

fn queues(readings: &Readings) -> Finding {
    let topic = Topic {
        check: "sock_diag",
        why: "it tells the kernel's queues of one connection; without, every look walks over all sockets",
        untold: "see whether a connection over loopback can be made, and whether /proc/net/tcp is there",
    };
    topic.judge(readings.queues_by, |method| match method {
        Method::SockDiag => fine("usable"),
        Method::ProcNetTcp => warning(
            "not usable: /proc/net/tcp is read instead",
            "`sudo modprobe tcp_diag`; in a sandbox, allow netlink sockets",
        ),
    })
}

fn congestion(readings: &Readings) -> Finding {
    let topic = Topic {
        check: "congestion control",
        why: "it decides when the kernel sends, over loopback too, and may pace",
        untold: "see `sysctl net.ipv4.tcp_congestion_control`",
    };
    topic.judge(readings.congestion.as_ref(), |name| match name.as_str() {
        "cubic" | "reno" => fine(name),
        _ => note(
            name,
            "`sudo sysctl net.ipv4.tcp_congestion_control=cubic`, or `congestion = \"cubic\"` in the workload; compare only campaigns with the same",
        ),
    })
}

fn buffers(readings: &Readings) -> Finding {
    let topic = Topic {
        check: "buffer limits",
        why: "workloads with matched buffers ask for sizes that the kernel cuts to these",
        untold: "see `sysctl net.core.rmem_max net.core.wmem_max`",
    };
    let least = u64::from(MATCHED_BYTES);
    topic.judge(readings.receive_buffer_bytes.zip(readings.send_buffer_bytes), |(receive, send)| {
        let seen = format!("receive {}, send {}", shown_bytes(receive), shown_bytes(send));
        match receive.min(send) >= least {
            true => fine(seen),
            false => warning(
                seen,
                format!("`sudo sysctl net.core.rmem_max={least} net.core.wmem_max={least}`"),
            ),
        }
    })
}

fn autotuning(readings: &Readings) -> Finding {
    let topic = Topic {
        check: "buffer autotuning",
        why: "where it ends decides how much of a backlog the kernel holds",
        untold: "see `sysctl net.ipv4.tcp_rmem net.ipv4.tcp_wmem`",
    };
    let ends = readings.receive_autotuning_bytes.zip(readings.send_autotuning_bytes);
    topic.judge(ends, |(receive, send)| {
        let seen = format!("receive to {}, send to {}", shown_bytes(receive), shown_bytes(send));
        match receive.min(send) >= AUTOTUNING_BYTES {
            true => fine(seen),
            false => note(
                seen,
                "`sudo sysctl net.ipv4.tcp_rmem='4096 131072 6291456' net.ipv4.tcp_wmem='4096 16384 4194304'`, Linux's usual",
            ),
        }
    })
}
