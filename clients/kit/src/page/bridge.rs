//! A run whose ticks are processed in the page: the plan to the page, its counts to the meter,
//! its report to the harness.

use super::channel::Event;
use super::clock::{Clock, Exchange};
use super::messages::{ConnectionReport, Ended, FromPage, ToPage};
use super::relay::Relayed;
use super::start::Until;
use super::view::{Next, Page};
use crate::session::Session;
use crate::ticks::{Counts, End, Outcome, PageConnection};
use anyhow::{Result, bail};
use contract::SampleRow;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Between two questions whether to stop.
const TURN: Duration = Duration::from_millis(10);
/// How long the page may take to report after it was sent the stop.
const REPORT: Duration = Duration::from_secs(5);
/// Longer than any run: the kit keeps the deadlines.
const LONG: Duration = Duration::from_secs(3600);

/// Stops the reader of a page by another way than its channels.
type OnStop = Box<dyn Fn() + Send>;

/// A page that is loaded, and the exchanges of times with it.
pub struct Bridge {
    page: Page,
    on_stop: Option<OnStop>,
    /// Before the run.
    exchanges: Vec<Exchange>,
}

/// Where the messages of a connection are received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counting {
    /// In the page: it counts both.
    InPage,
    /// In this process: the page counts what it has processed.
    InProcess,
}

/// What the page has reported.
#[derive(Debug)]
pub struct Report {
    ended: Ended,
    detail: Option<String>,
    connections: Vec<ConnectionReport>,
    /// How old the counts in the meter were at most.
    counts_age_ns: u64,
}

impl Bridge {
    /// Waits until the page is loaded, whose events come from there. `None`: not within the time.
    ///
    /// # Errors
    /// When it ends instead.
    pub fn load(events: Receiver<Event>, until: Until) -> Result<Option<Self>> {
        let mut page = Page::new(events);
        let is_loaded = page.load(until)?;
        Ok(is_loaded.then_some(Self { page, on_stop: None, exchanges: Vec::new() }))
    }

    /// Also calls this when the page is to stop: where messages of its channels wait behind those
    /// of a flood.
    pub fn on_stop(&mut self, stop: impl Fn() + Send + 'static) {
        self.on_stop = Some(Box::new(stop));
    }

    /// Exchanges times before the run; the maximum error of the page's clock, in ns.
    ///
    /// # Errors
    /// When the page does not answer.
    pub fn exchange_times(&mut self) -> Result<u64> {
        self.exchanges.extend(self.page.exchange_times()?);
        Ok(Clock::of(&self.exchanges)?.error_ns)
    }

    /// A run whose sockets are the page's own, or those of a library that the page talks to.
    ///
    /// # Errors
    /// When the page does not connect, ends, or does not report.
    pub fn run(mut self, sessions: Vec<Session>) -> Result<Outcome> {
        self.send_plan(&sessions[0])?;
        self.connect()?;
        let connections =
            sessions.into_iter().map(Session::ready_with_page).collect::<Result<Vec<_>>>()?;
        let report = self.read(&connections, Counting::InPage)?;
        let clock = self.clock()?;
        let (end, age_ns) = (report.end(), report.counts_age_ns);
        let outcomes = connections.into_iter().zip(report.connections).map(|(connection, page)| {
            let rows = page.rows.into_iter().map(|[seq, received_ns, processed_ns]| {
                [seq, clock.machine_ns(received_ns), clock.machine_ns(processed_ns)]
            });
            connection.finish(end.clone(), page.counts.into(), rows.collect())
        });
        Ok(Outcome::combine(outcomes).with_counts_age(age_ns))
    }

    /// Sends the page its plan.
    ///
    /// # Errors
    /// When it ends.
    pub fn send_plan(&mut self, session: &Session) -> Result<()> {
        self.page.send(&ToPage::Plan { plan: session.plan() })?;
        // The worker has to be there first, so that the page can be stopped.
        while !self.page.has_counts() {
            self.page.next(LONG)?;
        }
        Ok(())
    }

    /// Has the page open its connections.
    ///
    /// # Errors
    /// When it cannot.
    pub fn connect(&mut self) -> Result<()> {
        self.page.send(&ToPage::Connect)?;
        loop {
            match self.page.next(LONG)? {
                Next::Message(FromPage::Ready, _) => return Ok(()),
                Next::Message(FromPage::Report { ended, detail, .. }, _) => {
                    let detail = detail.unwrap_or_default();
                    match ended {
                        Ended::NotConnected => bail!("cannot connect to {detail}"),
                        _ => bail!("the page ended before it was connected: {detail}"),
                    }
                }
                _ => {}
            }
        }
    }

    /// Passes counts on until the page reports. A stop is sent to it once.
    ///
    /// # Errors
    /// When it ends, or does not report.
    pub fn read(&mut self, connections: &[PageConnection], counting: Counting) -> Result<Report> {
        let mut give_up = None;
        let mut max_age_ms = 0.0f64;
        loop {
            match self.page.next(TURN)? {
                Next::Counted(counts) => {
                    let Some((read_ms, counts)) = counts.split_first() else { continue };
                    max_age_ms = max_age_ms.max(unix_ms() - read_ms);
                    for (connection, pair) in connections.iter().zip(counts.as_chunks().0) {
                        let [received, processed] = pair.map(|count| count as u64);
                        if counting == Counting::InPage {
                            connection.set_received(received);
                        }
                        connection.set_processed(processed);
                    }
                }
                Next::Message(FromPage::Report { ended, detail, connections }, _) => {
                    let counts_age_ns = (max_age_ms * 1e6) as u64;
                    return Ok(Report { ended, detail, connections, counts_age_ns });
                }
                _ => {}
            }
            match give_up {
                None if connections[0].is_stopped() => {
                    self.page.stop()?;
                    if let Some(on_stop) = &self.on_stop {
                        on_stop();
                    }
                    give_up = Some(Instant::now() + REPORT);
                }
                Some(until) if Instant::now() > until => {
                    bail!("the page did not report within {REPORT:?} after it was told to stop");
                }
                _ => {}
            }
        }
    }

    /// The outcome of connections that were received in this process, with how each ended.
    ///
    /// # Errors
    /// When the page's clock has drifted.
    pub fn finish(
        mut self,
        report: Report,
        connections: Vec<PageConnection>,
        relayed: Vec<(End, Relayed)>,
    ) -> Result<Outcome> {
        let clock = self.clock()?;
        let (is_stopped, age_ns) = (report.ended == Ended::Stopped, report.counts_age_ns);
        let all = connections.into_iter().zip(report.connections).zip(relayed);
        let outcomes = all.map(|((connection, page), (end, relayed))| {
            let (counts, rows) = join(&relayed, &page, clock);
            connection.finish(if is_stopped { End::Stopped } else { end }, counts, rows)
        });
        Ok(Outcome::combine(outcomes).with_counts_age(age_ns))
    }

    /// The page's clock, from the exchanges before and after the run: if the clocks had drifted
    /// apart, no offset would fit all of them.
    fn clock(&mut self) -> Result<Clock> {
        self.exchanges.extend(self.page.exchange_times()?);
        let clock = Clock::of(&self.exchanges)?;
        eprintln!("clock within {} ns", clock.error_ns);
        Ok(clock)
    }
}

impl Report {
    /// How each connection ended.
    fn end(&self) -> End {
        match self.ended {
            Ended::Closed => End::Close(1000),
            Ended::Stopped => End::Stopped,
            Ended::Disconnected | Ended::NotConnected => {
                End::Failed(self.detail.clone().unwrap_or_default())
            }
        }
    }
}

/// What this process has received and what the page has processed, as one.
fn join(relayed: &Relayed, page: &ConnectionReport, clock: Clock) -> (Counts, Vec<SampleRow>) {
    let counts = Counts::from(page.counts);
    let undecodable = relayed.undecodable + counts.undecodable;
    // What was passed on, less what has come into the page: counted at both ends of the queue,
    // as nobody can count in it.
    let sent = relayed.received - relayed.undecodable;
    let queued = sent.saturating_sub(page.counts.received);
    let rows = page.rows.iter().map(|&[seq, in_page_ns, processed_ns]| {
        let received_ns = relayed.received_ns.get(&seq).copied();
        let received_ns = received_ns.unwrap_or_else(|| clock.machine_ns(in_page_ns));
        // Never earlier than it was received: that is known, and less than the clock's error.
        [seq, received_ns, clock.machine_ns(processed_ns).max(received_ns)]
    });
    (Counts { received: relayed.received, queued, undecodable, ..counts }, rows.collect())
}

fn unix_ms() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64() * 1e3)
}
