//! The ways in which this client can break the contract.

use clap::ValueEnum;

/// What is wrong.
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
    /// Reports more processed ticks than there were.
    ClaimMore,
    /// Stamps processed ticks a second late.
    StampFuture,
    /// Stamps ticks as processed before it received them.
    ProcessBeforeReceive,
    /// Stamps ticks that waited together as processed at one instant, when the last of them is.
    StampPerRead,
    /// Leaves out every tenth sampled tick.
    AnswerSome,
    /// Sleeps at random times, and is correct otherwise.
    SleepRandom,
    /// Sleeps 300 ms once, a second after its first message, and is correct otherwise.
    StallOnce,
    /// Exits with 3 after 1000 messages.
    Crash,
    /// Exits with 0 after 1000 messages, without a report.
    EarlyExit,
    /// Closes its connection after 1000 messages.
    Disconnect,
    /// Is killed after 1000 messages.
    Killed,
    /// Is stopped (SIGSTOP) after 1000 messages, for 2 s.
    Paused,
    /// Resets its connection after 1000 messages, and exits with 4.
    Reset,
    /// Closes its half of the connection after 1000 messages, and continues to read.
    HalfClose,
    /// Leaves a process in its group behind.
    Lingers,
    /// Leaves a process behind that is not in its group, like a daemon.
    Daemon,
    /// Leaves a process behind that holds its stdout.
    HoldsStdout,
    /// Writes a line while it is measured.
    Chatty,
    /// Truncates its meter file after 1000 messages.
    TruncateMeter,
    /// Writes an impossible count into its meter after 1000 messages.
    WildMeter,
    /// Never writes anything, and never ends.
    Silent,
    /// Writes nothing after `ready`, and never ends.
    Hang,
    /// Reports a wrong checksum.
    Checksum,
    /// Leaves out one sampled tick.
    WrongSamples,
    /// Writes a hello of another contract version.
    WrongVersion,
    /// Writes a hello with an unknown key.
    UnknownKey,
    /// Writes a hello of 2 MiB.
    Oversized,
    /// Writes a line that is not JSON.
    NotJson,
    /// Writes another line after the last.
    ExtraLine,
}

/// Where a fault happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In a run that is correct otherwise.
    Run,
    /// In the output of a run that is correct otherwise.
    Output,
    /// The client never does anything.
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
            | Self::StampPerRead
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
