//! Tracks the processes of children.

use nix::unistd::Pid;
use std::io;
use std::path::Path;
use std::process::Command;

/// Is informed of every process group that is started, so that none outlives a harness that
/// is killed.
pub trait Keeper {
    /// Marks a program that is about to be started, so that processes which it leaves
    /// behind can be found.
    fn prepare(&self, _command: &mut Command) {}

    /// A directory for meter files that is removed even if this program is killed;
    /// `None`: use the system's temporary directory.
    fn meter_dir(&self) -> Option<&Path> {
        None
    }

    /// A process group has been started.
    ///
    /// # Errors
    /// When it cannot be tracked: the child is then killed.
    fn started(&self, group: Pid) -> io::Result<()>;

    /// A process group is about to be killed and reaped.
    fn ending(&self, group: Pid);
}

/// Tracks nothing: for tests that cargo runs.
impl Keeper for () {
    fn started(&self, _group: Pid) -> io::Result<()> {
        Ok(())
    }

    fn ending(&self, _group: Pid) {}
}
