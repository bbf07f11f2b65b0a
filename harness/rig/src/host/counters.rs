//! What the kernel and the processor count of a client and of all that it starts:
//! `perf_event_open(2)`.

use bench_core::record::counters::{Availability, Count, Counter, Counts, Missing, NotCounted};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use perf_event::events::{Hardware, Software};
use perf_event::{Builder, Counter as Event};
use procfs::process::Process;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::fd::{AsRawFd, BorrowedFd};

/// Where tracefs may be mounted; the second place is within debugfs.
const TRACEFS: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];
/// The tracepoint that every system call passes.
const SYSTEM_CALLS: &str = "events/raw_syscalls/sys_enter/id";
/// What an unprivileged user may count.
const PARANOID: &str = "/proc/sys/kernel/perf_event_paranoid";
/// `Seccomp` of a process with a filter (proc_pid_status(5)).
const FILTERED: u32 = 2;
/// Capabilities to count whatever the sysctl says: `CAP_PERFMON` and `CAP_SYS_ADMIN`.
const MAY_COUNT: u64 = 1 << 38 | 1 << 21;
/// `PERF_TYPE_TRACEPOINT`, for which the library has no name.
const TRACEPOINT: u32 = 2;

/// The counters of the programs that a thread starts.
///
/// They are opened on the thread that is about to start a client: a client that runs already
/// has threads, and those would have to be found one by one. Whatever that thread starts
/// inherits them (`inherit`), and they count in it from the execution of its program on
/// (`enable_on_exec`); the thread itself and its other threads execute nothing, and so are
/// not counted. Each counter is apart: events that are inherited cannot be read as a group.
#[derive(Debug)]
pub struct Counters {
    open: Vec<Open>,
    missing: Vec<Missing>,
    /// What had been counted when the window began, and the ticks processed by then.
    begin: Option<(Vec<Count>, u64)>,
}

#[derive(Debug)]
struct Open {
    counter: Counter,
    event: Event,
    user_space_only: bool,
}

impl Counters {
    /// Opens all counters that are available, for the programs that this thread starts from
    /// now on.
    #[must_use]
    pub fn open() -> Self {
        let mut counters = Self { open: Vec::new(), missing: Vec::new(), begin: None };
        for counter in Counter::ALL {
            match open(counter) {
                Ok((event, user_space_only)) => {
                    counters.open.push(Open { counter, event, user_space_only });
                }
                Err(why) => counters.missing.push(Missing { counter, why }),
            }
        }
        counters
    }

    /// Which counters there are.
    #[must_use]
    pub fn availability(&self) -> Availability {
        let of = |user_space_only| {
            let open = self.open.iter().filter(|open| open.user_space_only == user_space_only);
            open.map(|open| open.counter).collect()
        };
        Availability {
            all: of(false),
            user_space_only: of(true),
            not_counted: self.missing.clone(),
        }
    }

    /// The window begins; the client has processed so many ticks.
    pub fn begin(&mut self, processed: u64) {
        self.begin = Some((self.read(), processed));
    }

    /// What was counted since the window began; `None` if it did not.
    pub fn end(&mut self, processed: u64) -> Option<Counts> {
        let (begin, processed_before) = self.begin.take()?;
        let now = self.read();
        let since = |count: &Count| {
            let before = begin.iter().find(|before| before.counter == count.counter)?;
            Some(count.since(before))
        };
        Some(Counts {
            processed: processed.saturating_sub(processed_before),
            counted: now.iter().filter_map(since).collect(),
            not_counted: self.missing.clone(),
        })
    }

    /// What has been counted so far; without those that can no longer be read.
    fn read(&mut self) -> Vec<Count> {
        let count = |open: &mut Open| {
            let read = open.event.read_count_and_time().ok()?;
            Some(Count {
                counter: open.counter,
                count: read.count,
                enabled_ns: read.time_enabled,
                running_ns: read.time_running,
                user_space_only: open.user_space_only,
            })
        };
        self.open.iter_mut().filter_map(count).collect()
    }
}

/// Opens a counter; without the kernel's part, if that is not permitted and makes sense.
fn open(counter: Counter) -> Result<(Event, bool), NotCounted> {
    let number = match counter {
        Counter::SystemCalls => Some(tracepoint()?),
        _ => None,
    };
    match event(counter, number, false) {
        Ok(event) => Ok((event, false)),
        // Those two happen in the kernel only.
        Err(error)
            if is_refusal(&error)
                && !matches!(counter, Counter::SystemCalls | Counter::ContextSwitches) =>
        {
            let event =
                event(counter, number, true).map_err(|error| reason(counter, true, &error))?;
            Ok((event, true))
        }
        Err(error) => Err(reason(counter, false, &error)),
    }
}

fn event(counter: Counter, number: Option<u64>, user_space_only: bool) -> io::Result<Event> {
    let mut builder = match counter {
        Counter::SystemCalls => Builder::new(),
        Counter::ContextSwitches => Builder::new().kind(Software::CONTEXT_SWITCHES),
        Counter::PageFaults => Builder::new().kind(Software::PAGE_FAULTS),
        Counter::Cycles => Builder::new().kind(Hardware::CPU_CYCLES),
        Counter::Instructions => Builder::new().kind(Hardware::INSTRUCTIONS),
        Counter::CacheMisses => Builder::new().kind(Hardware::CACHE_MISSES),
        Counter::BranchMisses => Builder::new().kind(Hardware::BRANCH_MISSES),
    };
    if let Some(number) = number {
        let attributes = builder.attrs_mut();
        (attributes.type_, attributes.config) = (TRACEPOINT, number);
    }
    builder.exclude_kernel(user_space_only).exclude_hv(user_space_only);
    builder.inherit(true).enable_on_exec(true);
    let event = builder.build()?;
    // SAFETY: `event` owns this descriptor and outlives the borrow.
    let descriptor = unsafe { BorrowedFd::borrow_raw(event.as_raw_fd()) };
    // The client inherits what is counted, and must not inherit the descriptor.
    fcntl(descriptor, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    Ok(event)
}

/// The number of the tracepoint of system calls.
fn tracepoint() -> Result<u64, NotCounted> {
    let mut is_refused = false;
    for tracefs in TRACEFS {
        match fs::read_to_string(format!("{tracefs}/{SYSTEM_CALLS}")) {
            Ok(text) => {
                let number = text.trim().parse();
                return number.map_err(|_| NotCounted::NoTracepoint);
            }
            Err(error) => is_refused |= error.kind() == ErrorKind::PermissionDenied,
        }
    }
    let is_mounted =
        || TRACEFS.iter().any(|tracefs| fs::exists(format!("{tracefs}/events")).unwrap_or(false));
    Err(match is_refused {
        true => NotCounted::TracefsNotReadable,
        false if is_mounted() => NotCounted::NoTracepoint,
        false => NotCounted::NoTracefs,
    })
}

fn is_refusal(error: &io::Error) -> bool {
    matches!(errno(error), Errno::EACCES | Errno::EPERM)
}

fn errno(error: &io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(0))
}

/// Why the kernel did not open a counter (perf_event_open(2), "Errors").
fn reason(counter: Counter, user_space_only: bool, error: &io::Error) -> NotCounted {
    // Each kernel with counters has this file.
    let paranoid = fs::read_to_string(PARANOID).ok();
    let paranoid = paranoid.and_then(|text| text.trim().parse().ok());
    let status = Process::myself().and_then(|own| own.status()).ok();
    let is_filtered = status.as_ref().is_some_and(|own| own.seccomp == Some(FILTERED));
    let is_privileged = status.is_some_and(|own| own.capeff & MAY_COUNT != 0);
    let most_paranoid = if user_space_only { 2 } else { 1 };
    match errno(error) {
        Errno::EACCES | Errno::EPERM
            if is_filtered
                && paranoid.is_some_and(|level| is_privileged || level <= most_paranoid) =>
        {
            NotCounted::Filtered
        }
        Errno::EACCES | Errno::EPERM => NotCounted::NotPermitted { paranoid },
        Errno::ENOSYS if is_filtered && paranoid.is_some() => NotCounted::Filtered,
        Errno::ENOSYS => NotCounted::NoPerfEvents,
        Errno::ENOENT | Errno::ENODEV | Errno::EOPNOTSUPP if counter.is_of_hardware() => {
            NotCounted::NoHardware
        }
        _ => NotCounted::Other { error: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::process::{Command, Stdio};

    /// Counts what `script` does between its first line and the end of its input.
    fn counted(script: &str) -> Counts {
        let mut counters = Counters::open();
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = [0; 6];
        io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut line).unwrap();
        assert_eq!(&line, b"ready\n");
        counters.begin(100);
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success());
        counters.end(350).unwrap()
    }

    fn count(counts: &Counts, counter: Counter) -> Result<u64, NotCounted> {
        if let Some(found) = counts.counted.iter().find(|count| count.counter == counter) {
            return Ok(found.count);
        }
        let missing = counts.not_counted.iter().find(|missing| missing.counter == counter);
        Err(missing.unwrap_or_else(|| panic!("{counter} is neither")).why.clone())
    }

    /// The count, unless this machine, or this user, cannot have it.
    fn available(counts: &Counts, counter: Counter) -> Option<u64> {
        match count(counts, counter) {
            Ok(count) => Some(count),
            Err(NotCounted::Other { error }) => panic!("{counter}: {error}"),
            Err(why) => {
                // Written directly, so that it is in the output of a test that passes.
                writeln!(io::stderr(), "SKIPPED: {counter}: {why}").unwrap();
                None
            }
        }
    }

    #[test]
    fn every_counter_counts_or_has_a_reason() {
        let counts = counted("echo ready; read x; exit 0");
        assert_eq!(counts.processed, 250);
        for counter in Counter::ALL {
            if let Some(count) = available(&counts, counter) {
                assert!(count < 1_000_000_000, "{counter}: {count}");
            }
        }
        let availability = Counters::open().availability();
        let lists = [availability.all, availability.user_space_only];
        let all = lists.iter().map(Vec::len).sum::<usize>() + availability.not_counted.len();
        assert_eq!(all, Counter::ALL.len());
    }

    /// `dd` reads and writes each byte by a call of its own.
    #[test]
    fn system_calls_of_a_child_are_counted() {
        let copied = |bytes: u64| {
            let dd = "dd if=/dev/zero of=/dev/null bs=1";
            counted(&format!("echo ready; read x; {dd} count={bytes} 2>/dev/null"))
        };
        let [few, many] = [1000, 3000].map(|bytes| available(&copied(bytes), Counter::SystemCalls));
        let Some((few, many)) = few.zip(many) else { return };
        assert!((2000..3000).contains(&few), "{few} calls for 1000 bytes");
        let more = many - few;
        assert!((3950..=4050).contains(&more), "{more} calls for 2000 more bytes");
    }

    #[test]
    fn what_the_child_starts_is_counted_with_it() {
        let counts =
            counted("echo ready; read x; for i in 1 2 3 4 5 6 7 8; do sh -c 'sleep 0.01'; done");
        if let Some(switches) = available(&counts, Counter::ContextSwitches) {
            assert!((16..2000).contains(&switches), "{switches}");
        }
        if let Some(faults) = available(&counts, Counter::PageFaults) {
            assert!(faults > 200, "{faults}");
        }
    }

    #[test]
    fn the_thread_that_opened_them_is_not_counted() {
        let mut counters = Counters::open();
        counters.begin(0);
        for _ in 0..1000 {
            std::thread::yield_now();
        }
        std::thread::spawn(std::thread::yield_now).join().unwrap();
        let counts = counters.end(0).unwrap();
        for count in &counts.counted {
            assert_eq!((count.count, count.enabled_ns), (0, 0), "{count:?}");
        }
        assert!(counters.end(0).is_none(), "no window has begun");
    }

    #[test]
    fn a_child_inherits_no_descriptor() {
        let _counters = Counters::open();
        let output = Command::new("ls").args(["-l", "/proc/self/fd"]).output().unwrap();
        let listed = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && !listed.contains("perf_event"), "{listed}");
    }

    #[test]
    fn errors_of_the_kernel_have_their_reasons() {
        let of = |counter, errno: Errno| reason(counter, false, &errno.into());
        assert!(matches!(of(Counter::Cycles, Errno::EACCES), NotCounted::NotPermitted { .. }));
        assert_eq!(of(Counter::Cycles, Errno::ENOENT), NotCounted::NoHardware);
        assert_eq!(of(Counter::PageFaults, Errno::ENOSYS), NotCounted::NoPerfEvents);
        let other = of(Counter::PageFaults, Errno::EMFILE);
        assert!(matches!(other, NotCounted::Other { error } if error.contains("open files")));
    }
}
