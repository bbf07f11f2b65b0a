//! A client program as a child process that is told what to do.

use super::PATIENCE;
use contract::{ClientFinal, ClientPlan, Empty, FromClient, Lines, SampleRow, ToClient};
use std::io::{BufReader, Read, Write};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

/// A client program and its arguments.
#[derive(Debug, Clone, Copy)]
pub struct Program<'a> {
    /// Where it is.
    pub path: &'a str,
    /// The arguments of one of its variants.
    pub args: &'a [&'a str],
}

impl Program<'_> {
    /// How to start it.
    #[must_use]
    pub fn command(self) -> Command {
        let mut command = Command::new(self.path);
        command.args(self.args);
        command
    }
}

/// A running client. Ends with its test, whatever happens.
#[derive(Debug)]
pub struct Child {
    process: std::process::Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<FromClient>,
    stderr: Option<JoinHandle<String>>,
}

/// What is left of a client.
#[derive(Debug, PartialEq, Eq)]
pub struct Exit {
    /// Its exit code; `None` after a signal.
    pub code: Option<i32>,
    /// Its last line on stderr.
    pub last_words: String,
}

impl Child {
    /// Starts a program that has not been told anything yet.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn spawn(mut command: Command) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().expect("the client starts");
        let (stdin, stdout) = (process.stdin.take(), process.stdout.take().expect("piped"));
        let mut stderr = process.stderr.take().expect("piped");
        let (sender, lines) = channel();
        spawn(move || {
            let mut from = Lines::new(BufReader::new(stdout));
            while let Some(line) = from.next_line().expect("a line of the contract") {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let stderr = spawn(move || {
            let mut words = String::new();
            stderr.read_to_string(&mut words).expect("stderr is text");
            words
        });
        Self { process, stdin, lines, stderr: Some(stderr) }
    }

    /// Starts a client and gives it its plan.
    #[must_use]
    pub fn with_plan(program: Program, plan: &ClientPlan) -> Self {
        let mut child = Self::spawn(program.command());
        child.tell(&ToClient::Plan(plan.clone()));
        child
    }

    /// Writes one line to its stdin.
    ///
    /// # Panics
    /// When it does not listen.
    pub fn tell(&mut self, line: &ToClient) {
        contract::write(self.stdin.as_mut().expect("stdin is open"), line).expect("it listens");
    }

    /// Writes anything to its stdin; it may have hung up already.
    pub fn tell_text(&mut self, text: &str) {
        let _ = self.stdin.as_mut().expect("stdin is open").write_all(text.as_bytes());
    }

    /// Tells it to stop.
    pub fn stop(&mut self) {
        self.tell(&ToClient::Stop(Empty {}));
    }

    /// Ends its stdin.
    pub fn hang_up(&mut self) {
        self.stdin = None;
    }

    /// Its next line; `None` when stdout has ended.
    ///
    /// # Panics
    /// When it says nothing.
    pub fn hear(&mut self) -> Option<FromClient> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => None,
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("the client says nothing"),
        }
    }

    /// Its samples and its last line, and that it then exits with 0.
    ///
    /// # Panics
    /// When it says anything else.
    pub fn report(mut self) -> (Vec<SampleRow>, ClientFinal) {
        let mut rows = Vec::new();
        let books = loop {
            match self.hear() {
                Some(FromClient::Samples(samples)) => rows.extend(samples.rows),
                Some(FromClient::Final(books)) => break books,
                other => panic!("{other:?} instead of a report: {:?}", self.exit()),
            }
        };
        let more = self.hear();
        let exit = self.exit();
        assert_eq!((more, exit.code), (None, Some(0)), "{}", exit.last_words);
        (rows, books)
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not end.
    pub fn exit(&mut self) -> Exit {
        let begin = Instant::now();
        let status = loop {
            match self.process.try_wait().expect("it is our child") {
                Some(status) => break status,
                None if begin.elapsed() > PATIENCE => panic!("the client does not end"),
                None => sleep(Duration::from_millis(2)),
            }
        };
        let words = self.stderr.take().map(|thread| thread.join().expect("stderr is read"));
        let last = words.unwrap_or_default().lines().last().unwrap_or_default().to_owned();
        Exit { code: status.code(), last_words: last }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
