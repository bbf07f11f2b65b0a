//! Checks of memory, limits, network and clock.

use super::finding::{Check, Finding, Topic, fine, note, warning};
use super::readings::{IoUring, Limit, Readings, Settable};
use bench_core::load::workload::MATCHED_BYTES;
use bench_core::record::snapshot::Method;
use bench_core::text::units::shown_bytes;

/// The checks, in the order of the table.
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
    workloads_congestion,
    buffers,
    autotuning,
];

/// From this much swap in use on, pages are likely to be swapped in while measuring.
const MUCH_SWAP_BYTES: u64 = 100 << 20;
/// Size of the meter files of a thousand connections.
const METERS_BYTES: u64 = 16 << 20;
/// Size of the rings of one executor.
const RINGS_BYTES: u64 = 512 << 10;
/// Open files of a process with a thousand connections.
const FILES: u64 = 1100;
/// Open files under the default workloads.
const FEW_FILES: u64 = 128;
/// The kernel's defaults are 4 MiB and more.
const AUTOTUNING_BYTES: u64 = 4 << 20;
/// Clock sources that are fast to read.
const QUICK_CLOCKS: [&str; 5] =
    ["tsc", "kvm-clock", "arch_sys_counter", "hyperv_clocksource_tsc_page", "riscv_clocksource"];

fn clock(readings: &Readings) -> Finding {
    let topic = Topic {
        check: "clock source",
        why: "every tick is stamped several times, so the cost of reading a slow clock is in the figures",
        if_unknown: "see `dmesg | grep clocksource`",
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
            None => "find out why the kernel rejected the TSC: `dmesg | grep -i -e tsc -e clocksource`".into(),
        })
    })
}

fn swap(readings: &Readings) -> Finding {
    let topic = Topic {
        check: "swap",
        why: "a page read back from disk stops its process for milliseconds",
        if_unknown: "see `free`",
    };
    let swappiness = readings.swappiness.map_or(String::new(), |n| format!(", swappiness {n}"));
    topic.judge(readings.swap_bytes.zip(readings.swap_used_bytes), |(all, used)| {
        let seen = match all {
            0 => "none".to_owned(),
            _ => format!("{} of {} in use{swappiness}", shown_bytes(used), shown_bytes(all)),
        };
        let advice =
            "end processes that fill the memory, then `sudo swapoff -a` (`sudo swapon -a` undoes it)";
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
        why: "in mode `always` the kernel stops processes while it gathers huge pages",
        if_unknown: "see /sys/kernel/mm/transparent_hugepage/enabled",
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
        why: "the meter files are in it: on a disk, writeback would stop the processes that count",
        if_unknown: "see `df /dev/shm`",
    };
    topic.judge(readings.shared_memory_bytes, |free| match free {
        0 => warning("missing or full", "`sudo mount -t tmpfs tmpfs /dev/shm`, or empty it"),
        free if free < METERS_BYTES => warning(
            format!("{} free", shown_bytes(free)),
            "empty it; in a container use `docker run --shm-size 64m`",
        ),
        free => fine(format!("{} free", shown_bytes(free))),
    })
}

fn memlock(readings: &Readings) -> Finding {
    let topic = Topic {
        check: "locked memory",
        why: "clients on io_uring lock their rings in memory, and do not run without it",
        if_unknown: "see `ulimit -l`",
    };
    topic.judge(readings.memlock_bytes, |limit| match limit {
        Limit::Unlimited => fine("unlimited"),
        Limit::Most(bytes) if bytes >= RINGS_BYTES => fine(format!("up to {}", shown_bytes(bytes))),
        Limit::Most(bytes) => warning(
            format!("up to {}, but {} are needed", shown_bytes(bytes), shown_bytes(RINGS_BYTES)),
            "`ulimit -l 8192`, a line `* - memlock 8192` in /etc/security/limits.conf, or `docker run --ulimit memlock=-1`",
        ),
    })
}

fn io_uring(readings: &Readings) -> Finding {
    let topic = Topic {
        check: "io_uring",
        why: "clients on io_uring do not run without it",
        if_unknown: "see `sysctl kernel.io_uring_disabled`",
    };
    topic.judge(readings.io_uring, |answer| match answer {
        IoUring::Available => fine("available"),
        IoUring::Forbidden => warning(
            "forbidden",
            "`sudo sysctl kernel.io_uring_disabled=0`; in a container, a seccomp profile that allows it",
        ),
        IoUring::Filtered => warning(
            "refused by a seccomp filter",
            "allow io_uring_setup, io_uring_enter and io_uring_register in the container's seccomp profile",
        ),
        IoUring::Absent => warning(
            "not supported by this kernel",
            "use Linux 5.8 or later with CONFIG_IO_URING, outside of sandboxes that lack it",
        ),
    })
}

fn open_files(readings: &Readings) -> Finding {
    let topic = Topic {
        check: "open files",
        why: "a workload may have a thousand connections, and each is an open file of server and client",
        if_unknown: "see `ulimit -n`",
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
        why: "it gives the kernel queues of one connection; without it, every snapshot scans all sockets",
        if_unknown: "see whether connections over loopback work, and whether there is a /proc/net/tcp",
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
        why: "it decides when the kernel sends, also over loopback, and may pace; servers set what the workload asks for, and this default counts for workloads with `congestion = \"inherit\"` only",
        if_unknown: "see `sysctl net.ipv4.tcp_congestion_control`",
    };
    topic.judge(readings.congestion.as_ref(), |name| match name.as_str() {
        "cubic" | "reno" => fine(name),
        _ => note(
            name,
            "leave out `congestion = \"inherit\"`, or `sudo sysctl net.ipv4.tcp_congestion_control=cubic`; compare only campaigns with the same one",
        ),
    })
}

fn workloads_congestion(readings: &Readings) -> Finding {
    let topic = Topic {
        check: "congestion of workloads",
        why: "a workload sets cubic for all its connections, unless it says otherwise",
        if_unknown: "see `sysctl net.ipv4.tcp_allowed_congestion_control`",
    };
    topic.judge(readings.workloads_congestion.as_ref(), |settable| match settable {
        Settable::Yes => fine("cubic can be set"),
        Settable::Refused(why) => warning("cubic cannot be set", why),
    })
}

fn buffers(readings: &Readings) -> Finding {
    let topic = Topic {
        check: "buffer limits",
        why: "workloads with matched buffers ask for sizes that the kernel limits to these",
        if_unknown: "see `sysctl net.core.rmem_max net.core.wmem_max`",
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
        why: "its limit decides how much of a backlog the kernel holds",
        if_unknown: "see `sysctl net.ipv4.tcp_rmem net.ipv4.tcp_wmem`",
    };
    let ends = readings.receive_autotuning_bytes.zip(readings.send_autotuning_bytes);
    topic.judge(ends, |(receive, send)| {
        let seen = format!("receive up to {}, send up to {}", shown_bytes(receive), shown_bytes(send));
        match receive.min(send) >= AUTOTUNING_BYTES {
            true => fine(seen),
            false => note(
                seen,
                "`sudo sysctl net.ipv4.tcp_rmem='4096 131072 6291456' net.ipv4.tcp_wmem='4096 16384 4194304'`, the default of Linux",
            ),
        }
    })
}
