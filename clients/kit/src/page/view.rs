//! The page as this process sees it: what comes from its two channels, and what it is sent.

use super::channel::{Event, Sink};
use super::clock::Exchange;
use super::messages::{FromPage, ToPage};
use super::start::Until;
use anyhow::Result;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};
use tick::clock::now_ns;

/// Exchanges of times before and after the run, and how long all of them may take.
const EXCHANGES: usize = 200;
const EXCHANGES_TIME: Duration = Duration::from_millis(250);

/// Why the page cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// It has ended, or its web process has.
    #[error("the page has closed its connection to the app")]
    Gone,
    /// It said something else than it should.
    #[error("the page says what cannot be read: {0}")]
    Fault(String),
}

/// A page in its WebView.
#[derive(Debug)]
pub struct Page {
    events: Receiver<Event>,
    reader: Option<Sink>,
    counts: Option<Sink>,
}

/// What came next.
#[derive(Debug)]
pub enum Next {
    /// A message of the reader, with the instant at which it had come.
    Message(FromPage, u64),
    /// Counts of the worker, as [`Event::Counted`] has them.
    Counted(Vec<f64>),
    /// One of its channels was opened.
    Opened,
    /// Nothing, in the given time.
    Nothing,
}

impl Page {
    /// A page whose events come from there.
    pub fn new(events: Receiver<Event>) -> Self {
        Self { events, reader: None, counts: None }
    }

    /// What comes next, within that time.
    pub fn next(&mut self, within: Duration) -> Result<Next, PageError> {
        match self.events.recv_timeout(within) {
            Ok(Event::Reader(sink)) => self.reader = Some(sink),
            Ok(Event::Counts(sink)) => self.counts = Some(sink),
            Ok(Event::Message { message, received_ns }) => {
                return Ok(Next::Message(message, received_ns));
            }
            Ok(Event::Counted(counts)) => return Ok(Next::Counted(counts)),
            Ok(Event::Gone) | Err(RecvTimeoutError::Disconnected) => return Err(PageError::Gone),
            Ok(Event::Fault(text)) => return Err(PageError::Fault(text)),
            Err(RecvTimeoutError::Timeout) => return Ok(Next::Nothing),
        }
        Ok(Next::Opened)
    }

    /// Whether the worker that sends counts is there.
    pub fn has_counts(&self) -> bool {
        self.counts.is_some()
    }

    /// Sends a message to the reader.
    pub fn send(&mut self, message: &ToPage<'_>) -> Result<()> {
        self.reader.as_mut().ok_or(PageError::Gone)?.send(message)
    }

    /// Sends the stop to both: the reader gets it sooner when it is idle, the worker in a flood.
    pub fn stop(&mut self) -> Result<()> {
        for sink in [&mut self.counts, &mut self.reader].into_iter().flatten() {
            sink.send(&ToPage::Stop)?;
        }
        Ok(())
    }

    /// Waits until its reader is there. False: not by then.
    pub fn load(&mut self, until: Until) -> Result<bool> {
        loop {
            match self.next(until.left())? {
                Next::Message(FromPage::Loaded, _) => return Ok(true),
                Next::Nothing => return Ok(false),
                _ => {}
            }
        }
    }

    /// Exchanges times with the thread that stamps. After a flood that its server continues,
    /// WebKit may be busy for seconds with what it discards: then there are fewer, or none.
    pub fn exchange_times(&mut self) -> Result<Vec<Exchange>> {
        let mut exchanges = Vec::new();
        let until = Instant::now() + EXCHANGES_TIME;
        while exchanges.len() < EXCHANGES {
            let sent_ns = now_ns();
            self.send(&ToPage::Time)?;
            let answer = loop {
                let left = until.saturating_duration_since(Instant::now());
                match self.next(left)? {
                    Next::Message(FromPage::Time { page_ns }, answered_ns) => {
                        break Some(Exchange { sent_ns, page_ns, answered_ns });
                    }
                    Next::Nothing => break None,
                    _ => {}
                }
            };
            match answer {
                Some(exchange) => exchanges.push(exchange),
                None => break,
            }
        }
        Ok(exchanges)
    }
}
