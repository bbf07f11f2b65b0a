//! The thread that draws. It takes what the harness hands over, and has the lowest
//! priority: a round never waits for a terminal.

use crate::affinity::{CpuList, Placement};
use crate::view::live::{Event, Live};
use anyhow::{Context, Result};
use nix::libc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tick::clock::now_ns;

/// From one drawing to the next.
const FRAME: Duration = Duration::from_millis(500);
/// Between the parts of a drawing.
const PAUSE: Duration = Duration::from_millis(1);
/// More looks than a thread can miss that still runs: what is beyond is not
/// kept for it.
const LOOKS_AHEAD: usize = 1024;

/// Something to draw on.
pub trait Canvas: Send + 'static {
    /// Shows the state at `now_ns`.
    ///
    /// # Errors
    /// When the terminal has gone.
    fn paint(&mut self, live: &Live, now_ns: u64) -> Result<()>;

    /// Waits so long, or until a key has been dealt with, or until it is woken.
    ///
    /// # Errors
    /// When the terminal has gone.
    fn wait(&mut self, limit: Duration, interrupted: &AtomicBool) -> Result<()>;

    /// Says a line that stays.
    fn say(&mut self, _line: &str) {}

    /// What others have written to standard error.
    fn words(&mut self) -> Vec<String> {
        Vec::new()
    }

    /// Leaves the terminal as it was.
    fn close(&mut self);
}

/// Events with their instants.
type Inbox = Mutex<Vec<(u64, Event)>>;

/// The harness's end of the drawing thread.
pub struct Drawer {
    inbox: Arc<Inbox>,
    /// What could not be handed over yet.
    pending: Vec<(u64, Event)>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drawer {
    /// Starts drawing, on the server's CPUs: the client's are its own.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn start(
        canvas: impl Canvas,
        placement: &Placement,
        interrupted: &Arc<AtomicBool>,
    ) -> Result<Self> {
        let inbox = Arc::new(Mutex::new(Vec::with_capacity(LOOKS_AHEAD)));
        let over = Arc::new(AtomicBool::new(false));
        let artist = Artist {
            canvas,
            inbox: Arc::clone(&inbox),
            taken: Vec::with_capacity(LOOKS_AHEAD),
            over: Arc::clone(&over),
            interrupted: Arc::clone(interrupted),
        };
        let cpus = placement.server.clone();
        let thread = std::thread::Builder::new()
            .name("view".into())
            .spawn(move || artist.work(cpus.as_ref()))
            .context("a thread for the view")?;
        Ok(Self { inbox, pending: Vec::new(), over, thread: Some(thread) })
    }

    /// Hands an event over; keeps it for the next time when the thread is just
    /// taking others.
    pub fn tell(&mut self, event: Event) {
        let is_look = matches!(event, Event::Look { .. });
        if self.has_gone() || is_look && self.pending.len() >= LOOKS_AHEAD {
            return;
        }
        self.pending.push((now_ns(), event));
        let Ok(mut inbox) = self.inbox.try_lock() else { return };
        let room = LOOKS_AHEAD.saturating_sub(inbox.len());
        if room < self.pending.len() {
            // Nobody has taken anything for long: it has no time to draw.
            self.pending.retain(|(_, event)| !matches!(event, Event::Look { .. }));
        }
        inbox.append(&mut self.pending);
    }

    /// Whether nothing is drawn any more, be it by a panic or a closed terminal.
    #[must_use]
    pub fn has_gone(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for Drawer {
    fn drop(&mut self) {
        if let Ok(mut inbox) = self.inbox.lock() {
            inbox.append(&mut self.pending);
        }
        self.over.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // Its panic, if any, has been told by the panic hook.
            let _ = thread.join();
        }
    }
}

/// The drawing thread.
struct Artist<C> {
    canvas: C,
    inbox: Arc<Inbox>,
    /// Swapped with what is in the inbox, so that no memory changes hands while a
    /// round is measured: its owner could wait for an allocator's lock.
    taken: Vec<(u64, Event)>,
    over: Arc<AtomicBool>,
    interrupted: Arc<AtomicBool>,
}

impl<C: Canvas> Artist<C> {
    fn work(mut self, cpus: Option<&CpuList>) {
        take_little(cpus);
        let mut live = Live::default();
        loop {
            let over = self.over.load(Ordering::SeqCst);
            let next = Instant::now() + FRAME;
            self.take_in(&mut live);
            if self.canvas.paint(&live, now_ns()).is_err() || over || self.rest(next).is_err() {
                break;
            }
        }
        self.canvas.close();
    }

    fn take_in(&mut self, live: &mut Live) {
        std::mem::swap(
            &mut *self.inbox.lock().unwrap_or_else(PoisonError::into_inner),
            &mut self.taken,
        );
        for (at_ns, event) in self.taken.drain(..) {
            if let Event::End(ended) = &event {
                self.canvas.say(&ended.line);
            }
            live.feed(at_ns, event);
        }
        for words in self.canvas.words() {
            live.feed(now_ns(), Event::Word(words));
        }
        live.ending = self.interrupted.load(Ordering::SeqCst);
    }

    fn rest(&mut self, until: Instant) -> Result<()> {
        while !self.over.load(Ordering::SeqCst) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            self.canvas.wait(left, &self.interrupted)?;
        }
        Ok(())
    }
}

/// Between two parts of a drawing, each of some tens of µs: where the server has no
/// other CPU to go to, it waits for a part and not for the whole.
pub fn pause() {
    std::thread::sleep(PAUSE);
}

/// Puts the calling thread behind everything else, and away from the client.
/// Where that is refused, it draws all the same.
fn take_little(cpus: Option<&CpuList>) {
    if let Some(cpus) = cpus {
        let _ = cpus.apply();
    }
    // SAFETY: setpriority takes numbers only. On Linux, process 0 is the calling
    // thread.
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, 0, 19);
    }
}
