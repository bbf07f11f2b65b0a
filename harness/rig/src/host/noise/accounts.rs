//! The account of a round's CPU time: what its CPUs did from before its first process until after
//! its last, and what of it its own processes used – also those that had ended by then, or were
//! never seen. A client cannot hide work in processes that look like strangers.

use super::signals::{SignalReader, own_cpu_ns};
use bench_core::record::placement::Placement;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

/// The counters before a round.
#[derive(Debug)]
pub struct Account {
    reader: SignalReader,
    busy_ns: Option<u64>,
    own_ns: u64,
}

impl Account {
    /// Begins the account of a round.
    #[must_use]
    pub fn open(placement: &Placement) -> Self {
        let mut reader = SignalReader::open(placement);
        let busy_ns = reader.busy_ns();
        Self { reader, busy_ns, own_ns: own_ns() }
    }

    /// CPU time that neither this process nor any child of it that has ended since then used, in
    /// ns: at most so much is other processes'. To be called once all children of the round are
    /// reaped. `None`: not known.
    #[must_use]
    pub fn others_ns(mut self) -> Option<u64> {
        let used_ns = self.reader.busy_ns()?.saturating_sub(self.busy_ns?);
        let error_ns = self.reader.error_ns();
        Some(used_ns.saturating_sub(own_ns().saturating_sub(self.own_ns)) + error_ns)
    }
}

/// CPU time of this process and of its children that were reaped, with theirs (getrusage(2)).
fn own_ns() -> u64 {
    let children = getrusage(UsageWho::RUSAGE_CHILDREN);
    let reaped_us = children.map_or(0, |usage| {
        usage.user_time().num_microseconds() + usage.system_time().num_microseconds()
    });
    own_cpu_ns() + reaped_us as u64 * 1000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::affinity;
    use std::process::Command;

    fn everywhere() -> Placement {
        let all = affinity::allowed().unwrap();
        let (server, harness) = (all.clone(), all.clone());
        Placement { server, client: all, harness, spin: false, why: Vec::new() }
    }

    /// A busy child is no stranger, even if nobody knew of it.
    #[test]
    fn reaped_children_are_the_rounds_own() {
        let busy = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        let mut account = Account::open(&everywhere());
        let before_ns = own_ns();
        assert!(Command::new("sh").args(["-c", busy]).status().unwrap().success());
        let child_ns = own_ns() - before_ns;
        assert!(child_ns > 10_000_000);
        let all_ns = account.reader.busy_ns().unwrap() - account.busy_ns.unwrap();
        let others_ns = account.others_ns().unwrap();
        // Whatever else the machine does meanwhile, the child's time is taken off.
        assert!(others_ns < all_ns.saturating_sub(child_ns / 2) + 200_000_000);
    }
}
