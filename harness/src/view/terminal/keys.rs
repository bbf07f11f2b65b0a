//! The file that keys are read from.

use anyhow::Result;
use std::fs::File;
use std::io::IsTerminal;
use std::os::fd::AsFd;

/// Standard input, or the terminal that controls this process: crossterm chooses the same
/// one when it sets raw mode.
///
/// # Errors
/// When there is neither.
pub(in crate::view) fn open() -> Result<File> {
    let stdin = std::io::stdin();
    Ok(match stdin.is_terminal() {
        true => stdin.as_fd().try_clone_to_owned()?.into(),
        false => File::open("/dev/tty")?,
    })
}
