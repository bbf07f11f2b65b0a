//! What is asked of the kernel about a connection.

use nix::libc;
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::socket::{getsockopt, setsockopt, sockopt};
use std::ffi::OsString;
use std::io::{Error, Result};
use std::net::TcpStream;
use std::os::fd::AsRawFd;

/// Offset of `tcpi_bytes_acked` in `struct tcp_info` (include/uapi/linux/tcp.h,
/// since Linux 4.1; libc's own struct ends before it).
const BYTES_ACKED_AT: usize = 120;

mod request {
    #![allow(missing_docs)] // made by a macro that takes no docs
    use nix::libc;
    nix::ioctl_read_bad!(unsent_or_unacked, libc::TIOCOUTQ, libc::c_int);
}

/// Bytes that the peer's kernel has acknowledged since the connection began.
///
/// # Errors
/// When the socket is gone, or the kernel is older than 4.1.
pub fn acked_bytes(socket: &TcpStream) -> Result<u64> {
    let mut info = [0u8; 256];
    let mut len = info.len() as libc::socklen_t;
    // SAFETY: the kernel writes at most `len` bytes into `info`.
    let failed = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            info.as_mut_ptr().cast(),
            &raw mut len,
        )
    };
    if failed != 0 {
        return Err(Error::last_os_error());
    }
    let field =
        info.get(BYTES_ACKED_AT..BYTES_ACKED_AT + 8).filter(|_| len as usize >= BYTES_ACKED_AT + 8);
    let field =
        field.ok_or_else(|| Error::other("this kernel's TCP_INFO tells no acknowledged bytes"))?;
    Ok(u64::from_ne_bytes(field.try_into().map_err(Error::other)?))
}

/// Bytes in the send queue: not sent, or not acknowledged (`SIOCOUTQ`).
///
/// # Errors
/// When the socket is gone.
pub fn queued_bytes(socket: &TcpStream) -> Result<u64> {
    let mut queued = 0;
    // SAFETY: the request writes one int.
    unsafe { request::unsent_or_unacked(socket.as_raw_fd(), &raw mut queued) }?;
    Ok(u64::try_from(queued).unwrap_or(0))
}

/// Sets what the plan asks for; `TCP_NODELAY` always.
///
/// # Errors
/// When the kernel refuses, as it does for an unknown congestion control.
pub fn tune(
    socket: &TcpStream,
    send_buffer_bytes: Option<u32>,
    congestion: Option<&str>,
) -> Result<()> {
    socket.set_nodelay(true)?;
    if let Some(bytes) = send_buffer_bytes {
        socket2::SockRef::from(socket).set_send_buffer_size(bytes as usize)?;
    }
    if let Some(name) = congestion {
        setsockopt(socket, sockopt::TcpCongestion, &OsString::from(name))?;
    }
    Ok(())
}

/// The congestion control in force.
///
/// # Errors
/// When the socket is gone.
pub fn congestion(socket: &TcpStream) -> Result<String> {
    let name = getsockopt(socket, sockopt::TcpCongestion)?;
    Ok(name.to_string_lossy().trim_end_matches('\0').to_owned())
}

/// `SO_SNDBUF` in force, in bytes.
///
/// # Errors
/// When the socket is gone.
pub fn send_buffer_bytes(socket: &TcpStream) -> Result<u64> {
    Ok(socket2::SockRef::from(socket).send_buffer_size()? as u64)
}

/// How many descriptors this process may have (`RLIMIT_NOFILE`, the soft one).
///
/// # Errors
/// Never on Linux.
pub fn descriptor_limit() -> Result<usize> {
    let (soft, _) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(usize::try_from(soft).unwrap_or(usize::MAX))
}
