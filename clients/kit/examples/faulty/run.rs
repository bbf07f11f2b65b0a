//! The run of a correct client, and the faults that happen in it.

use crate::Args;
use crate::fault::Fault;
use anyhow::{Context, Result, anyhow};
use client_kit::{
    Class, ClientPlan, End, Identity, Outcome, Processor, QueueKind, QueueShape, Session,
};
use nix::sys::signal::{Signal, raise};
use std::net::TcpStream;
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio, exit};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tungstenite::{Message, WebSocket, client::client};

/// Messages before a fault in the middle of a run, and between two repetitions of a fault.
const EVERY: u64 = 1000;

/// Runs a client with the fault of its arguments.
pub fn run_client() -> ExitCode {
    client_kit::main(
        |_: &Args, _: &ClientPlan| Identity {
            name: "faulty",
            class: Class::Library,
            runtime: "one thread".to_owned(),
            transport: "std TcpStream (blocking)",
            queue: QueueShape { kind: QueueKind::None, bound: None },
            crates: &["tungstenite"],
        },
        run,
    )
}

fn run(args: &Args, mut sessions: Vec<Session>) -> Result<Outcome> {
    let session = sessions.pop().context("a plan without connections")?;
    let stream = TcpStream::connect(session.address()).context("cannot connect")?;
    session.register_socket(&stream)?;
    let handshake = client(session.url(), stream);
    let (mut socket, _) = handshake.map_err(|e| anyhow!("the WebSocket handshake failed: {e}"))?;
    let plan = session.plan().clone();
    let mut processor = session.ready()?;
    let end = read(&mut socket, &mut processor, args.fault, &plan);
    Ok(processor.finish(end))
}

fn read(
    socket: &mut WebSocket<TcpStream>,
    processor: &mut Processor,
    fault: Fault,
    plan: &ClientPlan,
) -> End {
    let mut count = 0;
    let mut sleeper = Sleeper::new(fault);
    loop {
        let message = match socket.read() {
            Ok(Message::Close(frame)) => {
                let _ = socket.flush();
                return End::Close(frame.map_or(1005, |frame| frame.code.into()));
            }
            Ok(message @ (Message::Binary(_) | Message::Text(_))) => message,
            Ok(_) => continue,
            Err(error) => return End::Failed(error.to_string()),
        };
        count += 1;
        sleeper.sleep_if_due();
        let times = match fault {
            Fault::DropRare if count == EVERY => 0,
            Fault::Gap if count % EVERY == 0 => 0,
            Fault::DoubleCount if count % EVERY == 0 => 2,
            Fault::Disconnect if count == EVERY => {
                return End::Failed("it closed the connection".to_owned());
            }
            _ => 1,
        };
        if count == EVERY {
            fail_in_run(fault, plan);
            fail_connection(fault, socket.get_ref());
        }
        for _ in 0..times {
            let flow = match &message {
                Message::Text(text) => processor.process_text(text),
                other => processor.process_binary(&other.clone().into_data()),
            };
            if flow.is_break() {
                return End::Stopped;
            }
        }
    }
}

/// Sleeps as its fault demands, like a client that waits for a garbage collector or a lock.
struct Sleeper {
    fault: Fault,
    begin: Instant,
    next: Duration,
    random: u64,
}

impl Sleeper {
    fn new(fault: Fault) -> Self {
        let next = if fault == Fault::StallOnce { 1000 } else { 50 };
        Self { fault, begin: Instant::now(), next: Duration::from_millis(next), random: 1 }
    }

    fn sleep_if_due(&mut self) {
        if !matches!(self.fault, Fault::SleepRandom | Fault::StallOnce)
            || self.begin.elapsed() < self.next
        {
            return;
        }
        if self.fault == Fault::StallOnce {
            self.next = Duration::MAX;
            return sleep(Duration::from_millis(300));
        }
        // A linear congruential generator: seeded, and random enough here.
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        sleep(Duration::from_micros((self.random >> 33) % 20_000));
        self.next = self.begin.elapsed() + Duration::from_millis(50);
    }
}

fn fail_connection(fault: Fault, socket: &TcpStream) {
    match fault {
        Fault::Reset => {
            // Linger 0: the kernel resets the connection when the process ends.
            let lingering = socket2::SockRef::from(socket).set_linger(Some(Duration::ZERO));
            lingering.expect("an open socket");
            exit(4);
        }
        Fault::HalfClose => {
            socket.shutdown(std::net::Shutdown::Write).expect("an open socket");
        }
        _ => {}
    }
}

/// Starts a process that outlives this one.
#[allow(clippy::zombie_processes)] // that is the fault
fn leave_behind(stdout: Stdio, own_group: bool) {
    let mut sleep = Command::new("sleep");
    if own_group {
        sleep.process_group(0);
    }
    sleep.arg("600").stdin(Stdio::null()).stdout(stdout).stderr(Stdio::null());
    sleep.spawn().expect("there is `sleep`");
}

/// Stops the whole process until `sh` continues it.
fn pause() {
    let waker = Command::new("sh").args(["-c", "sleep 2; kill -CONT $PPID"]).spawn();
    let mut waker = waker.expect("there is `sh`");
    raise(Signal::SIGSTOP).expect("a process may stop itself");
    waker.wait().expect("it has ended");
}

fn fail_in_run(fault: Fault, plan: &ClientPlan) {
    match fault {
        Fault::Crash => {
            eprintln!("crashing as requested");
            exit(3);
        }
        Fault::EarlyExit => exit(0),
        Fault::Killed => raise(Signal::SIGKILL).expect("a process may kill itself"),
        Fault::Paused => pause(),
        Fault::Lingers => leave_behind(Stdio::null(), false),
        Fault::Daemon => leave_behind(Stdio::null(), true),
        Fault::HoldsStdout => leave_behind(Stdio::inherit(), false),
        Fault::Chatty => println!("{{\"type\":\"ready\"}}"),
        Fault::WildMeter => {
            // Again and again, as the kit soon overwrites it.
            let path = plan.meter.clone().expect("a plan with a meter");
            std::thread::spawn(move || {
                let file = std::fs::OpenOptions::new().write(true).open(path);
                let file = file.expect("its own meter can be opened");
                loop {
                    let written = file.write_all_at(&u64::MAX.to_le_bytes(), 128);
                    written.expect("its own meter can be written");
                }
            });
        }
        Fault::TruncateMeter => {
            // The kit's next store to its mapping kills the process.
            let path = plan.meter.as_ref().expect("a plan with a meter");
            std::fs::OpenOptions::new()
                .write(true)
                .open(path)
                .and_then(|file| file.set_len(0))
                .expect("its own meter can be written");
        }
        _ => {}
    }
}
