//! Open files: with many connections, each process of a round needs more of them than a shell
//! allows by default.

use anyhow::{Context, Result, bail};
use bench_core::load::workload::Workload;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Open files that a process needs besides one for each connection: its own files, pipes and
/// timers, those of its runtime, and handshakes in progress.
const OTHERS: u64 = 256;

/// Raises the soft limit of open files as far as the workloads need it; children
/// inherit it.
///
/// # Errors
/// When the hard limit is too low.
pub fn allow(workloads: &[Workload]) -> Result<()> {
    let most = workloads.iter().map(|workload| workload.connections * workload.clients).max();
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if let Some(limit) = raised(most.unwrap_or(1) as u64, soft, hard)? {
        setrlimit(Resource::RLIMIT_NOFILE, limit, hard)
            .context("raising the limit of open files")?;
    }
    Ok(())
}

/// The soft limit to set for these connections; `None` if the present one suffices or cannot be
/// raised. If a client then runs out of them, its row says so.
fn raised(connections: u64, soft: u64, hard: u64) -> Result<Option<u64>> {
    if connections > hard {
        bail!(
            "{connections} connections are more than the hard limit of open files ({hard}): \
             raise it (ulimit -Hn), or choose another --workload"
        );
    }
    let wanted = (connections + OTHERS).min(hard);
    Ok((wanted > soft).then_some(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_is_raised_only_if_needed_and_up_to_the_hard_limit() {
        assert_eq!(raised(1000, 1024, 4096).unwrap(), Some(1256));
        assert_eq!(raised(768, 1024, 4096).unwrap(), None);
        assert_eq!(raised(4000, 1024, 4096).unwrap(), Some(4096));
        assert_eq!(raised(1, 5, 5).unwrap(), None);
        let error = raised(5000, 1024, 4096).unwrap_err().to_string();
        assert!(error.contains("5000 connections") && error.contains("4096"), "{error}");
    }
}
