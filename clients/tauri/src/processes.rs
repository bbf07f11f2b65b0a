//! WebKit's processes, and the sockets that they have.

use std::fs;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

/// Their names begin with this.
const NAMES: &str = "WebKit";

/// Those that this process has started and that run.
pub fn of_webkit() -> impl Iterator<Item = u32> {
    descendants(std::process::id()).into_iter().filter(is_webkit)
}

/// Shuts down the reading side of their sockets that are connected to these addresses, as the kit
/// does it with sockets of its own process. What WebKit's network process has not read by then
/// stays in the kernel: otherwise it would read as long as anything comes, and do nothing else.
pub fn shut_down_reading(addresses: &[SocketAddr]) {
    for socket in of_webkit().flat_map(sockets) {
        if socket.peer_addr().is_ok_and(|address| addresses.contains(&address)) {
            // A connection that is gone has no more to be read.
            let _ = socket.shutdown(Shutdown::Read);
        }
    }
}

/// Duplicates of all sockets of a process.
fn sockets(pid: u32) -> impl Iterator<Item = TcpStream> {
    // SAFETY: the call takes numbers, and returns a descriptor that nobody else owns.
    let process = owned(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) });
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let is_socket = |path: &std::path::PathBuf| {
        fs::read_link(path).is_ok_and(|to| to.to_string_lossy().starts_with("socket:"))
    };
    let paths = entries.map(|entry| entry.path()).filter(is_socket);
    let numbers = paths.filter_map(|path| path.file_name()?.to_str()?.parse::<RawFd>().ok());
    numbers.filter_map(move |number| {
        let process = std::os::fd::AsRawFd::as_raw_fd(process.as_ref()?);
        // SAFETY: as above.
        owned(unsafe { libc::syscall(libc::SYS_pidfd_getfd, process, number, 0) })
            .map(TcpStream::from)
    })
}

/// The descriptor that a system call has returned.
fn owned(result: libc::c_long) -> Option<OwnedFd> {
    let number = RawFd::try_from(result).ok().filter(|&number| number >= 0)?;
    // SAFETY: the kernel has just created it for this process.
    Some(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Whether it is a running process of WebKit.
fn is_webkit(pid: &u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let (name, rest) = match (stat.find('('), stat.rfind(')')) {
        (Some(begin), Some(end)) => (&stat[begin + 1..end], &stat[end + 1..]),
        _ => return false,
    };
    name.starts_with(NAMES) && !rest.starts_with(" Z")
}

/// All that a process has started, and what those have.
fn descendants(pid: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    let children: Vec<u32> = lists
        .flat_map(|list| list.split_whitespace().flat_map(str::parse).collect::<Vec<_>>())
        .collect();
    children.into_iter().flat_map(|child| [vec![child], descendants(child)].concat()).collect()
}
