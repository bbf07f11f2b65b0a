//! What the cases share: a connected client, and the counts and rows of a run without a
//! fault.

use crate::case::Candidate;
use crate::child::{Child, Unavailable};
use crate::patience::PATIENCE;
use crate::plan::plan;
use crate::server::{Connection, Server, market};
use anyhow::{Result, bail, ensure};
use contract::{ClientEnd, ClientFinal, ClientHello, ClientPlan, FromClient, SampleRow};
use std::ops::Range;
use std::time::{Duration, Instant};

/// A client that has said hello and ready, and its connection.
pub(crate) struct Scene<'a> {
    pub(crate) plan: ClientPlan,
    pub(crate) hello: ClientHello,
    pub(crate) child: Child<'a>,
    pub(crate) connection: Connection,
}

impl<'a> Candidate<'a> {
    /// Starts it and sends it nothing.
    pub(crate) fn start(&self) -> Result<Child<'a>> {
        Child::spawn(self.program.command(), self.keeper)
    }

    /// A directory for its meter.
    pub(crate) fn directory(&self) -> Result<tempfile::TempDir> {
        Ok(match self.keeper.meter_dir() {
            Some(room) => tempfile::tempdir_in(room)?,
            None => tempfile::tempdir()?,
        })
    }

    /// Starts it with a plan for a server of this suite, and waits until it has connected.
    pub(crate) fn connect(&self, plan: impl FnOnce(&str) -> ClientPlan) -> Result<Scene<'a>> {
        let server = Server::bind()?;
        let plan = plan(&server.url()?);
        let mut child = self.start()?;
        child.plan(&plan);
        let hello = child.hello()?;
        let stream = accept(&server, &mut child)?;
        let connection = Connection::open(stream, plan.format)?;
        child.ready()?;
        Ok(Scene { plan, hello, child, connection })
    }

    /// Checks that it can run on this machine, with a plan for a server that does not exist.
    pub(crate) fn is_available(&self) -> Result<()> {
        let mut child = self.start()?;
        child.plan(&plan("ws://127.0.0.1:1/", tick::Format::Binary));
        child.gives_up(1).map(|_| ())
    }
}

/// Waits for a client to connect, as long as it is running.
pub(crate) fn accept(server: &Server, child: &mut Child<'_>) -> Result<std::net::TcpStream> {
    let begin = Instant::now();
    loop {
        if let Some(stream) = server.accept_now()? {
            return Ok(stream);
        }
        match child.poll()? {
            Some(FromClient::Unavailable { reason }) => return Err(Unavailable(reason).into()),
            Some(other) => bail!("it writes {} before it has connected", contract::quote(&other)),
            None => {}
        }
        ensure!(begin.elapsed() < PATIENCE, "it does not connect");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The counts of a run of `count` ticks without a fault.
pub(crate) fn whole(count: u64, ended: ClientEnd) -> ClientFinal {
    ClientFinal {
        received: count,
        processed: count,
        queued: 0,
        gaps: 0,
        duplicates: 0,
        reorders: 0,
        undecodable: 0,
        checksum: market().checksum(0..count),
        ended,
        detail: None,
        counts_age_ns: None,
    }
}

/// Checks that the counts and the end are the wanted ones.
pub(crate) fn same_counts(found: &ClientFinal, wanted: &ClientFinal) -> Result<()> {
    let numbers = |counts: &ClientFinal| {
        [
            ("received", counts.received),
            ("processed", counts.processed),
            ("queued", counts.queued),
            ("gaps", counts.gaps),
            ("duplicates", counts.duplicates),
            ("reorders", counts.reorders),
            ("undecodable", counts.undecodable),
            ("checksum", counts.checksum),
        ]
    };
    for ((what, found), (_, wanted)) in numbers(found).into_iter().zip(numbers(wanted)) {
        ensure!(found == wanted, "its final says {what} {found} instead of {wanted}");
    }
    ensure!(
        found.ended == wanted.ended,
        "its final says `ended` {} (`detail` {}) instead of {}",
        contract::quote(&found.ended),
        contract::quote(&found.detail),
        contract::quote(&wanted.ended)
    );
    Ok(())
}

/// Checks that the rows are exactly those of the planned seqs, with stamps that rise.
pub(crate) fn check_rows(rows: &[SampleRow], plan: &ClientPlan, seqs: Range<u64>) -> Result<()> {
    let planned = plan.sample.count_below(seqs.end);
    let same = rows.len() as u64 == planned
        && rows.iter().zip(0..).all(|(row, index)| row[0] == plan.sample.nth(index));
    ensure!(same, "{} sample rows, not the {planned} planned ones below {}", rows.len(), seqs.end);
    check_stamps(rows)
}

/// Checks that stamps rise, each received before it is processed.
pub(crate) fn check_stamps(rows: &[SampleRow]) -> Result<()> {
    let wrong = rows.iter().find(|row| row[1] == 0 || row[1] > row[2]);
    if let Some(row) = wrong {
        bail!("processed before it was received, or without a stamp: row {row:?}");
    }
    let falls = rows.windows(2).find(|pair| pair[0][1] > pair[1][1] || pair[0][2] > pair[1][2]);
    if let Some(rows) = falls {
        bail!("stamps decrease from row to row: {rows:?}");
    }
    Ok(())
}
