//! A client that breaks its contract on demand: `--fault NAME`. The harness's
//! tests play it to see that each breach costs its row and nothing else.
//! Without a fault it is a plain and proper client, on blocking tungstenite.

use anyhow::{Context, Result, anyhow};
use clap::{Parser, ValueEnum};
use client_kit::{
    Class, ClientPlan, End, Identity, Outcome, QueueKind, QueueShape, Session, Taker,
};
use contract::FromClient;
use nix::sys::signal::{Signal, raise};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio, exit};
use std::thread::{park, sleep};
use std::time::{Duration, Instant};
use tungstenite::{Message, WebSocket, client::client};

/// A client that breaks its contract on demand.
#[derive(Debug, Clone, Copy, Parser)]
struct Args {
    /// How to break it.
    #[arg(long, value_enum, default_value_t = Fault::None)]
    fault: Fault,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Fault {
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

/// Messages before a fault in mid-run, and between two of one that comes again.
const EVERY: u64 = 1000;

fn main() -> ExitCode {
    let args = Args::parse();
    match args.fault {
        Fault::None
        | Fault::Gap
        | Fault::DropRare
        | Fault::SleepRandom
        | Fault::StallOnce
        | Fault::DoubleCount
        | Fault::Crash
        | Fault::EarlyExit
        | Fault::Disconnect
        | Fault::Killed
        | Fault::Paused
        | Fault::Reset
        | Fault::HalfClose
        | Fault::Lingers
        | Fault::Daemon
        | Fault::HoldsStdout
        | Fault::Chatty
        | Fault::TruncateMeter
        | Fault::WildMeter => play(),
        Fault::Silent => loop {
            park();
        },
        // Faults of what is said stand between a proper client and its stdout.
        fault => match speak_through(fault) {
            Ok(code) => code,
            Err(error) => {
                eprintln!("{error:#}");
                ExitCode::FAILURE
            }
        },
    }
}

fn play() -> ExitCode {
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
    session.adopt(&stream)?;
    let handshake = client(session.url(), stream);
    let (mut socket, _) = handshake.map_err(|e| anyhow!("the WebSocket handshake failed: {e}"))?;
    let plan = session.plan().clone();
    let mut taker = session.ready()?;
    let end = read(&mut socket, &mut taker, args.fault, &plan);
    Ok(taker.finish(end))
}

fn read(
    socket: &mut WebSocket<TcpStream>,
    taker: &mut Taker,
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
            Err(error) => return End::Broken(error.to_string()),
        };
        count += 1;
        sleeper.pass();
        let times = match fault {
            Fault::DropRare if count == EVERY => 0,
            Fault::Gap if count % EVERY == 0 => 0,
            Fault::DoubleCount if count % EVERY == 0 => 2,
            Fault::Disconnect if count == EVERY => return End::Broken("it hung up".to_owned()),
            _ => 1,
        };
        if count == EVERY {
            in_mid_run(fault, plan);
            hang_up(fault, socket.get_ref());
        }
        for _ in 0..times {
            let flow = match &message {
                Message::Text(text) => taker.take_text(text),
                other => taker.take_binary(&other.clone().into_data()),
            };
            if flow.is_break() {
                return End::Asked;
            }
        }
    }
}

/// Sleeps where its fault says so, as a garbage collector or a lock might.
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

    fn pass(&mut self) {
        if !matches!(self.fault, Fault::SleepRandom | Fault::StallOnce)
            || self.begin.elapsed() < self.next
        {
            return;
        }
        if self.fault == Fault::StallOnce {
            self.next = Duration::MAX;
            return sleep(Duration::from_millis(300));
        }
        // A linear congruential generator: seeded, and random enough for naps.
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        sleep(Duration::from_micros((self.random >> 33) % 20_000));
        self.next = self.begin.elapsed() + Duration::from_millis(50);
    }
}

fn hang_up(fault: Fault, socket: &TcpStream) {
    match fault {
        Fault::Reset => {
            // Linger 0: the kernel resets what a process that ends has left open.
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

/// Starts something that outlives it.
#[allow(clippy::zombie_processes)] // that is the fault
fn leave_behind(stdout: Stdio, own_group: bool) {
    let mut sleep = Command::new("sleep");
    if own_group {
        sleep.process_group(0);
    }
    sleep.arg("600").stdin(Stdio::null()).stdout(stdout).stderr(Stdio::null());
    sleep.spawn().expect("there is `sleep`");
}

/// Stops the whole process until `sh` lets it go on.
fn pause() {
    let waker = Command::new("sh").args(["-c", "sleep 2; kill -CONT $PPID"]).spawn();
    let mut waker = waker.expect("there is `sh`");
    raise(Signal::SIGSTOP).expect("a process may stop itself");
    waker.wait().expect("it has ended");
}

fn in_mid_run(fault: Fault, plan: &ClientPlan) {
    match fault {
        Fault::Crash => {
            eprintln!("a crash was asked for");
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
            // The kit soon writes over it; a writer of its own does not let it.
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
            // The kit stores to its mapping of the same page, and dies of it.
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

/// Runs a proper client with this one's stdin, and breaks what it says.
fn speak_through(fault: Fault) -> Result<ExitCode> {
    let mut inner = Command::new(std::env::current_exe()?)
        .args(["--fault", "none"])
        .stdout(Stdio::piped())
        .spawn()?;
    let lines = BufReader::new(inner.stdout.take().context("piped")?).lines();
    let mut is_first_sample = true;
    for line in lines {
        let mut line = line?;
        let is_hello = line.contains("\"type\":\"hello\"");
        let is_final = line.contains("\"type\":\"final\"");
        match fault {
            Fault::Hang if line.contains("\"type\":\"samples\"") || is_final => loop {
                park();
            },
            Fault::WrongVersion if is_hello => {
                line = line.replace("\"contract\":2", "\"contract\":3")
            }
            Fault::UnknownKey if is_hello => {
                line = line.replace("\"contract\":2", "\"contract\":2,\"mood\":\"fine\"")
            }
            Fault::NotJson if is_hello => line = "Hello, world!".to_owned(),
            Fault::Oversized if is_hello => {
                line = line.replace("one thread", &"long ".repeat(400_000))
            }
            Fault::Checksum if is_final => line = line.replace("\"checksum\":", "\"checksum\":1"),
            Fault::ClaimMore if is_final => line = with_more_processed(&line)?,
            Fault::StampFuture if line.contains("\"rows\"") => {
                line = with_rows(&line, |_, row| [row[0], row[1], row[2] + 1_000_000_000])?;
            }
            Fault::ProcessBeforeReceive if line.contains("\"rows\"") => {
                line = with_rows(&line, |_, row| [row[0], row[1], row[1] - 1])?;
            }
            Fault::AnswerSome if line.contains("\"rows\"") => {
                line = with_rows(&line, |index, row| if index % 10 == 9 { [0; 3] } else { row })?;
            }
            Fault::WrongSamples if line.contains("\"rows\":[[") && is_first_sample => {
                is_first_sample = false;
                line = without_first_row(&line);
            }
            _ => {}
        }
        println!("{line}");
        if fault == Fault::ExtraLine && is_final {
            println!("{line}");
        }
    }
    std::io::stdout().flush()?;
    Ok(if inner.wait()?.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The line with other rows; those that begin with zero, from the second on, are
/// left out.
fn with_rows(line: &str, change: impl Fn(usize, [u64; 3]) -> [u64; 3]) -> Result<String> {
    let Ok(FromClient::Samples(mut samples)) = contract::parse::<FromClient>(line) else {
        return Err(anyhow!("no samples line"));
    };
    let rows = samples.rows.iter().enumerate().map(|(index, &row)| change(index, row));
    samples.rows = rows.filter(|row| *row != [0; 3]).collect();
    Ok(serde_json::to_string(&FromClient::Samples(samples))?)
}

fn with_more_processed(line: &str) -> Result<String> {
    let Ok(FromClient::Final(mut books)) = contract::parse::<FromClient>(line) else {
        return Err(anyhow!("no final line"));
    };
    books.received += 5000;
    books.processed += 5000;
    Ok(serde_json::to_string(&FromClient::Final(books))?)
}

fn without_first_row(line: &str) -> String {
    match (line.find("[["), line.find("],[")) {
        (Some(from), Some(to)) => format!("{}{}", &line[..=from], &line[to + 2..]),
        _ => line.to_owned(),
    }
}
