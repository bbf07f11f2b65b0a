//! The ways in which this client can break its contract.

use clap::ValueEnum;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Fault {
    /// Nothing.
    None,
    /// Loses every 1000th message before it is counted.
    #[value(alias = "skip-ticks")]
    Gap,
    /// Loses one single message, the 1000th.
    DropRare,
    /// Counts every 1000th message twice.
    DoubleCount,
    /// Says in the end that it processed more than it got.
    ClaimMore,
    /// Stamps what it processed a second late.
    StampFuture,
    /// Stamps ticks as processed before it received them.
    ProcessBeforeReceive,
    /// Leaves out every tenth sampled tick.
    AnswerSome,
    /// Sleeps now and then, and is honest otherwise.
    SleepRandom,
    /// Sleeps 300 ms once, a second after its first message, and is honest otherwise.
    StallOnce,
    /// Exits with 3 after 1000 messages.
    Crash,
    /// Exits with 0 after 1000 messages, without a report.
    EarlyExit,
    /// Hangs up after 1000 messages.
    Disconnect,
    /// Is killed after 1000 messages.
    Killed,
    /// Is stopped (SIGSTOP) after 1000 messages, for 2 s.
    Paused,
    /// Resets its connection after 1000 messages, and exits with 4.
    Reset,
    /// Closes its half of the connection after 1000 messages, and reads on.
    HalfClose,
    /// Leaves a process in its group behind.
    Lingers,
    /// Leaves a process behind that has left its group, as a daemon does.
    Daemon,
    /// Leaves a process behind that holds its stdout.
    HoldsStdout,
    /// Writes a line while it is measured.
    Chatty,
    /// Cuts its meter file off after 1000 messages.
    TruncateMeter,
    /// Writes an impossible count into its meter after 1000 messages.
    WildMeter,
    /// Never says anything, and never ends.
    Silent,
    /// Says nothing after `ready`, and never ends.
    Hang,
    /// Reports a wrong checksum.
    Checksum,
    /// Leaves out one sampled tick.
    WrongSamples,
    /// Says hello in another version of the contract.
    WrongVersion,
    /// Says hello with a key that does not exist.
    UnknownKey,
    /// Writes a hello of 2 MiB.
    Oversized,
    /// Writes words instead of JSON.
    NotJson,
    /// Writes another line after the last.
    ExtraLine,
}

/// Where a fault happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In a run, which is proper otherwise.
    Run,
    /// In what a proper client writes to stdout.
    Output,
    /// It never does anything.
    Nothing,
}

impl Fault {
    /// Where it happens.
    pub fn place(self) -> Place {
        match self {
            Self::None
            | Self::Gap
            | Self::DropRare
            | Self::SleepRandom
            | Self::StallOnce
            | Self::DoubleCount
            | Self::Crash
            | Self::EarlyExit
            | Self::Disconnect
            | Self::Killed
            | Self::Paused
            | Self::Reset
            | Self::HalfClose
            | Self::Lingers
            | Self::Daemon
            | Self::HoldsStdout
            | Self::Chatty
            | Self::TruncateMeter
            | Self::WildMeter => Place::Run,
            Self::Silent => Place::Nothing,
            Self::ClaimMore
            | Self::StampFuture
            | Self::ProcessBeforeReceive
            | Self::AnswerSome
            | Self::Hang
            | Self::Checksum
            | Self::WrongSamples
            | Self::WrongVersion
            | Self::UnknownKey
            | Self::Oversized
            | Self::NotJson
            | Self::ExtraLine => Place::Output,
        }
    }
}
