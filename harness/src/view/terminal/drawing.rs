//! The thread that draws. It receives the harness's events and has the lowest priority: a round
//! never waits for a terminal.

use crate::view::state::{Event, State};
use anyhow::{Context, Result};
use bench_core::record::cpus::CpuList;
use bench_core::record::placement::Placement;
use bench_rig::host::affinity;
use nix::libc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tick::clock::now_ns;

/// Time from one frame to the next.
const FRAME: Duration = Duration::from_millis(500);
/// Time between the parts of a frame.
const PAUSE: Duration = Duration::from_millis(1);
/// Limit of unread events, which a running thread never reaches; further snapshots are dropped.
const EVENTS_KEPT: usize = 1024;

/// Something to draw on.
pub trait Canvas: Send + 'static {
    /// Shows the state at `now_ns`.
    ///
    /// # Errors
    /// When the terminal has gone.
    fn paint(&mut self, state: &State, now_ns: u64) -> Result<()>;

    /// Waits for `limit`, or until a key was handled or the thread is woken.
    ///
    /// # Errors
    /// When the terminal has gone.
    fn wait(&mut self, limit: Duration, interrupted: &AtomicBool) -> Result<()>;

    /// Prints a line above what is drawn.
    fn print(&mut self, _line: &str) {}

    /// Lines that processes have written to standard error.
    fn stderr_lines(&mut self) -> Vec<String> {
        Vec::new()
    }

    /// Restores the terminal.
    fn close(&mut self);
}

/// Events with their instants.
type Inbox = Mutex<Vec<(u64, Event)>>;

/// The harness's end of the drawing thread.
pub struct DrawingThread {
    inbox: Arc<Inbox>,
    /// Events that are not in the inbox yet.
    pending: Vec<(u64, Event)>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl DrawingThread {
    /// Starts drawing, on the harness's CPUs: nothing else runs on the client's.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(
        canvas: impl Canvas,
        placement: &Placement,
        interrupted: &Arc<AtomicBool>,
    ) -> Result<Self> {
        let inbox = Arc::new(Mutex::new(Vec::with_capacity(EVENTS_KEPT)));
        let over = Arc::new(AtomicBool::new(false));
        let worker = Worker {
            canvas,
            inbox: Arc::clone(&inbox),
            taken: Vec::with_capacity(EVENTS_KEPT),
            over: Arc::clone(&over),
            interrupted: Arc::clone(interrupted),
        };
        let cpus = placement.harness.clone();
        let thread = std::thread::Builder::new()
            .name("view".into())
            .spawn(move || worker.work(&cpus))
            .context("a thread for the view")?;
        Ok(Self { inbox, pending: Vec::new(), over, thread: Some(thread) })
    }

    /// Passes an event on; keeps it for the next call while the thread is reading others.
    pub fn send(&mut self, event: Event) {
        let is_snapshot = matches!(event, Event::Snapshot { .. });
        if self.has_ended() || is_snapshot && self.pending.len() >= EVENTS_KEPT {
            return;
        }
        self.pending.push((now_ns(), event));
        let Ok(mut inbox) = self.inbox.try_lock() else { return };
        let room = EVENTS_KEPT.saturating_sub(inbox.len());
        if room < self.pending.len() {
            // The thread has not been scheduled for a long time.
            self.pending.retain(|(_, event)| !matches!(event, Event::Snapshot { .. }));
        }
        inbox.append(&mut self.pending);
    }

    /// Whether it has ended early, by a panic or a closed terminal.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for DrawingThread {
    fn drop(&mut self) {
        if let Ok(mut inbox) = self.inbox.lock() {
            inbox.append(&mut self.pending);
        }
        self.over.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A panic was reported by the panic hook.
            let _ = thread.join();
        }
    }
}

/// The drawing thread.
struct Worker<C> {
    canvas: C,
    inbox: Arc<Inbox>,
    /// Swapped with the inbox, so that no memory moves between threads while a round is
    /// measured: the harness could wait for an allocator's lock.
    taken: Vec<(u64, Event)>,
    over: Arc<AtomicBool>,
    interrupted: Arc<AtomicBool>,
}

impl<C: Canvas> Worker<C> {
    fn work(mut self, cpus: &CpuList) {
        lower_priority(cpus);
        let mut state = State::default();
        loop {
            let over = self.over.load(Ordering::SeqCst);
            let next = Instant::now() + FRAME;
            self.read_events(&mut state);
            if self.canvas.paint(&state, now_ns()).is_err() || over || self.rest(next).is_err() {
                break;
            }
        }
        self.canvas.close();
    }

    fn read_events(&mut self, state: &mut State) {
        std::mem::swap(
            &mut *self.inbox.lock().unwrap_or_else(PoisonError::into_inner),
            &mut self.taken,
        );
        for (at_ns, event) in self.taken.drain(..) {
            match &event {
                Event::End(ended) => self.canvas.print(&ended.line),
                Event::Counted(counted) => self.canvas.print(&counted.line),
                _ => {}
            }
            state.add(at_ns, event);
        }
        for line in self.canvas.stderr_lines() {
            state.add(now_ns(), Event::Stderr(line));
        }
        state.ending = self.interrupted.load(Ordering::SeqCst);
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

/// Yields the CPU between two parts of a frame, each of some tens of µs: a server that
/// shares the CPU waits for one part and not for the whole frame.
pub fn pause() {
    std::thread::sleep(PAUSE);
}

/// Gives the calling thread the lowest priority and the harness's CPUs. If either is refused, it
/// draws all the same.
fn lower_priority(cpus: &CpuList) {
    let _ = affinity::apply(cpus);
    // SAFETY: setpriority takes numbers only. On Linux, process 0 is the calling
    // thread.
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, 0, 19);
    }
}
