//! The exit codes. They do not change: scripts rely on them.

use std::fmt;
use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It did what was asked; in a campaign, every row was measured and passed its audit.
    Done = 0,
    /// Something is missing or differs.
    Incomplete = 1,
    /// The command line, or a file that it names, is wrong.
    Usage = 2,
    /// A condition of `--fail-on` applies.
    Condition = 3,
    /// Measured, but not saved.
    Unsaved = 4,
    /// Ended by Ctrl-C or a termination signal.
    Interrupted = 130,
}

impl Exit {
    /// All exit codes, ascending.
    pub const ALL: [Self; 6] = [
        Self::Done,
        Self::Incomplete,
        Self::Usage,
        Self::Condition,
        Self::Unsaved,
        Self::Interrupted,
    ];

    /// The number that the process exits with.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }
}

/// What it means, as the help and the manual say it.
impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Done => "done; every row was measured and passed its audit",
            Self::Incomplete => {
                "some row was not measured, or some client could not be built; check: a case failed; doctor --strict: there is a warning; publish --check: a file differs"
            }
            Self::Usage => "the command line, or a file that it names, is wrong",
            Self::Condition => "--fail-on: something is slower or failed, or an objective is missed",
            Self::Unsaved => "measured, but not saved",
            Self::Interrupted => "interrupted; the completed rounds are saved",
        })
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
