//! A client program that plays a case: the lines of the contract, with the errors that a
//! case reports.

use crate::patience::PATIENCE;
use anyhow::{Context, Error, Result, bail, ensure};
use contract::child::{self, Exit, Keeper};
use contract::fault::{Awaited, ExitStatus, Peer};
use contract::{
    ClientFinal, ClientHello, ClientPlan, Empty, FromClient, LineError, SampleRow, ToClient,
};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// The client reported that it cannot run here.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unavailable(pub(crate) String);

/// A client program and its arguments.
#[derive(Debug, Clone, Copy)]
pub struct Program<'a> {
    /// Its path.
    pub path: &'a str,
    /// Its arguments.
    pub args: &'a [&'a str],
    /// Its working directory; `None`: the current one.
    pub dir: Option<&'a Path>,
    /// Variables that are set for it.
    pub env: &'a [(&'a str, &'a str)],
}

impl Program<'_> {
    /// The command that starts it.
    #[must_use]
    pub fn command(self) -> Command {
        let mut command = Command::new(self.path);
        command.args(self.args).envs(self.env.iter().copied());
        if let Some(dir) = self.dir {
            command.current_dir(dir);
        }
        command
    }
}

/// A running client. However its case ends, it is killed with everything that it started.
pub struct Child<'a> {
    child: child::Child<'a, FromClient>,
}

impl<'a> Child<'a> {
    /// Starts a program that has not been sent anything yet.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(command: Command, keeper: &'a dyn Keeper) -> Result<Self> {
        Ok(Self { child: child::Child::spawn(Peer::Client, command, keeper)? })
    }

    /// Sends it its plan.
    pub fn plan(&mut self, plan: &ClientPlan) {
        self.child.send(&ToClient::Plan(plan.clone()));
    }

    /// Writes any text to its stdin; it may have closed it already.
    pub fn send_text(&mut self, text: &str) {
        self.child.send_text(text);
    }

    /// Sends it `stop`.
    pub fn stop(&mut self) {
        self.child.send(&ToClient::Stop(Empty {}));
    }

    /// Closes its stdin.
    pub fn close_stdin(&mut self) {
        self.child.close_stdin();
    }

    /// Its next line if there is one now.
    ///
    /// # Errors
    /// When it has ended, or writes anything that is not a line.
    pub(crate) fn poll(&mut self) -> Result<Option<FromClient>> {
        Ok(self.child.poll(Awaited::Connection, Duration::ZERO)?)
    }

    /// Its next line.
    ///
    /// # Errors
    /// When none comes, it has ended, or it writes anything that is not a line.
    pub fn expect(&mut self, awaited: Awaited) -> Result<FromClient> {
        Ok(self.child.expect(awaited, PATIENCE)?)
    }

    /// Its next line, which has to be a hello.
    ///
    /// # Errors
    /// When it is not.
    pub fn hello(&mut self) -> Result<ClientHello> {
        match self.expect(Awaited::Hello)? {
            FromClient::Hello(hello) => Ok(hello),
            other => Err(self.child.unexpected(&other, Awaited::Hello).into()),
        }
    }

    /// Its next line, which has to be `ready`.
    ///
    /// # Errors
    /// When it is not, or the client is not available here.
    pub fn ready(&mut self) -> Result<()> {
        match self.expect(Awaited::Ready)? {
            FromClient::Ready(_) => Ok(()),
            FromClient::Unavailable { reason } => Err(Unavailable(reason).into()),
            other => Err(self.child.unexpected(&other, Awaited::Ready).into()),
        }
    }

    /// Why its connection broke: its own end, if it ends within a second.
    pub(crate) fn end_or(&mut self, error: Error) -> Error {
        match self.child.poll(Awaited::Report, Duration::from_secs(1)) {
            Err(fault) => fault.into(),
            Ok(Some(line)) => {
                error.context(format!("it writes {} meanwhile", contract::quote(&line)))
            }
            Ok(None) => error,
        }
    }

    /// Its samples by connection, and its last line; then it exits with 0.
    ///
    /// # Errors
    /// When it writes anything else.
    pub fn reports(&mut self, connections: usize) -> Result<(Vec<Vec<SampleRow>>, ClientFinal)> {
        let mut rows = vec![Vec::new(); connections];
        let last = loop {
            match self.expect(Awaited::Report)? {
                FromClient::Samples(samples) => {
                    let of = rows.get_mut(samples.connection);
                    of.context("samples of a connection that is not in its plan")?
                        .extend(samples.rows);
                }
                FromClient::Final(last) => break last,
                other => return Err(self.child.unexpected(&other, Awaited::Report).into()),
            }
        };
        if let Some(line) = self.child.line_or_end(PATIENCE)? {
            bail!("another line after its `final`: {}", shown(line));
        }
        let Exit { status, stderr } = self.exit()?;
        ensure!(status == ExitStatus::Code(0), "{status} after its report: {stderr}");
        Ok((rows, last))
    }

    /// The same with one connection.
    ///
    /// # Errors
    /// As [`Child::reports`].
    pub fn report(&mut self) -> Result<(Vec<SampleRow>, ClientFinal)> {
        let (mut rows, last) = self.reports(1)?;
        Ok((rows.remove(0), last))
    }

    /// Checks that it exits with this code and a message on stderr, and writes no further
    /// line except its hello.
    ///
    /// # Errors
    /// When it does not.
    pub fn gives_up(&mut self, code: i32) -> Result<Exit> {
        match self.child.line_or_end(PATIENCE)? {
            Some(Ok(FromClient::Hello(_))) | None => self.refuses(code),
            Some(line) => bail!("{} instead of its hello", shown(line)),
        }
    }

    /// Checks that it exits with this code and a message on stderr, and writes no further
    /// line.
    ///
    /// # Errors
    /// When it does not.
    pub fn refuses(&mut self, code: i32) -> Result<Exit> {
        match self.child.line_or_end(PATIENCE)? {
            None => {}
            Some(Ok(FromClient::Unavailable { reason })) => return Err(Unavailable(reason).into()),
            Some(line) => bail!("it continues with {}", shown(line)),
        }
        let exit = self.exit()?;
        let Exit { status, stderr } = &exit;
        ensure!(*status == ExitStatus::Code(code), "{status} instead of {code}: {stderr}");
        ensure!(!stderr.is_empty(), "it writes nothing to stderr");
        Ok(exit)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it does not end.
    pub fn exit(&mut self) -> Result<Exit> {
        Ok(self.child.exit(PATIENCE)?)
    }
}

/// What it wrote: a line as it stands in the contract, or what is wrong with it.
fn shown(line: Result<FromClient, LineError>) -> String {
    line.map_or_else(|error| error.to_string(), |line| contract::quote(&line))
}
