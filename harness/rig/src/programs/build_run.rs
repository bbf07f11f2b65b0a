//! One run of a build tool: its output to whoever watches and to a log, its first error, and an
//! end if it prints nothing for too long.

use super::beside::Beside;
use super::first_error::FirstError;
use crate::host::processes::spawn::end_with_harness;
use bench_core::analysis::verdict::build_failure::{BuildEnd, BuildFailure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, PipeReader, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// Between two looks at whether a tool has ended.
const TICK: Duration = Duration::from_millis(50);
/// How long output is awaited of a tool that has ended: a process that it started may hold its
/// streams open for ever.
const REST: Duration = Duration::from_millis(500);

/// What a build tool writes to its standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stdout {
    /// Messages for people, as to its standard error.
    Messages,
    /// Data for the harness.
    Data,
}

/// A build tool that is about to be run.
pub(super) struct BuildRun<'a> {
    /// The name of its log.
    pub(super) log: &'a str,
    /// What is before each of its lines on the terminal, where several builds run at a time.
    pub(super) prefix: &'a str,
    /// The command, as it would be typed.
    pub(super) shown: String,
    pub(super) stdout: Stdout,
    /// It is ended when it prints nothing for so long.
    pub(super) silence: Duration,
    pub(super) beside: &'a Beside,
}

impl BuildRun<'_> {
    /// Runs it to its end. Also returns the data that it wrote, however it ended.
    pub(super) fn run(self, mut command: Command) -> (Vec<u8>, Result<(), BuildFailure>) {
        log::debug!("in {}: {}", dir_of(&command), all_of(&command));
        let mut output = Output::new(&self);
        let ended = match self.start(&mut command) {
            Ok((child, streams)) => {
                // Its ends of the pipes, which would keep them open.
                drop(command);
                self.wait(child, streams, &mut output)
            }
            Err(error) => Err(BuildEnd::NotRun { error: error.to_string() }),
        };
        let data = std::mem::take(&mut output.data);
        match ended {
            Ok(()) => (data, Ok(())),
            Err(end) => (data, Err(output.failure(end))),
        }
    }

    /// Starts it, and returns what to read.
    fn start(&self, command: &mut Command) -> io::Result<(Child, Vec<(Stream, PipeReader)>)> {
        let (messages, writer) = io::pipe()?;
        let mut streams = vec![(Stream::Messages, messages)];
        let stdout = match self.stdout {
            // One pipe for both keeps their lines in order.
            Stdout::Messages => writer.try_clone()?,
            Stdout::Data => {
                let (data, writer) = io::pipe()?;
                streams.push((Stream::Data, data));
                writer
            }
        };
        command.stdin(Stdio::null()).stdout(stdout).stderr(writer);
        end_with_harness(command);
        Ok((command.spawn()?, streams))
    }

    fn wait(
        &self,
        mut child: Child,
        streams: Vec<(Stream, PipeReader)>,
        output: &mut Output,
    ) -> Result<(), BuildEnd> {
        let (sender, pieces) = channel();
        // Never joined, as they may never end.
        for (stream, from) in streams {
            let sender = sender.clone();
            std::thread::spawn(move || read(stream, from, &sender));
        }
        drop(sender);
        let status = match self.watch(&mut child, &pieces, output) {
            Ok(status) => status,
            Err(end) => {
                end_tree(child.id());
                let _ = child.wait();
                return Err(end);
            }
        };
        match status.success() {
            true => Ok(()),
            false => Err(BuildEnd::Exit { status: status.to_string() }),
        }
    }

    fn watch(
        &self,
        child: &mut Child,
        pieces: &Receiver<Piece>,
        output: &mut Output,
    ) -> Result<ExitStatus, BuildEnd> {
        let not_run = |error: io::Error| BuildEnd::NotRun { error: error.to_string() };
        let mut last = Instant::now();
        let mut ended: Option<(ExitStatus, Instant)> = None;
        loop {
            match pieces.recv_timeout(TICK) {
                Ok(piece) => {
                    last = Instant::now();
                    output.add(&piece).map_err(not_run)?;
                }
                Err(RecvTimeoutError::Disconnected) => {
                    output.end().map_err(not_run)?;
                    return child.wait().map_err(not_run);
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            match ended {
                Some((status, at)) if at.elapsed() > REST => {
                    output.end().map_err(not_run)?;
                    return Ok(status);
                }
                Some(_) => {}
                None if last.elapsed() > self.silence => {
                    output.end().map_err(not_run)?;
                    let limit_ms = self.silence.as_millis() as u64;
                    return Err(BuildEnd::Silent { limit_ms });
                }
                None => {
                    let status = child.try_wait().map_err(not_run)?;
                    ended = status.map(|status| (status, Instant::now()));
                }
            }
        }
    }
}

/// A command with all of its arguments.
fn all_of(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

fn dir_of(command: &Command) -> String {
    command.get_current_dir().map_or_else(String::new, |dir| dir.display().to_string())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stream {
    Messages,
    Data,
}

/// What a tool wrote at a time, with or without whole lines.
type Piece = (Stream, Vec<u8>);

fn read(stream: Stream, mut from: PipeReader, to: &Sender<Piece>) {
    let mut buffer = [0; 1 << 14];
    while let Ok(bytes @ 1..) = from.read(&mut buffer) {
        if to.send((stream, buffer[..bytes].to_vec())).is_err() {
            return;
        }
    }
}

/// The output of a build.
struct Output {
    data: Vec<u8>,
    /// The beginning of a line.
    begun: Vec<u8>,
    prefix: String,
    command: String,
    /// All of it, where only errors are printed: it is printed if the build fails.
    withheld: Option<Vec<u8>>,
    log: Option<(File, String)>,
    first_error: FirstError,
}

impl Output {
    fn new(run: &BuildRun<'_>) -> Self {
        let log = run.beside.log(run.log);
        let log = log.and_then(|(mut file, name)| {
            writeln!(file, "{}", run.shown).ok()?;
            Some((file, name))
        });
        Self {
            data: Vec::new(),
            begun: Vec::new(),
            prefix: run.prefix.to_owned(),
            command: run.shown.clone(),
            withheld: (!log::log_enabled!(log::Level::Info)).then(Vec::new),
            log,
            first_error: FirstError::default(),
        }
    }

    fn add(&mut self, (stream, bytes): &Piece) -> io::Result<()> {
        if *stream == Stream::Data {
            self.data.extend(bytes);
            return Ok(());
        }
        let mut rest = std::mem::take(&mut self.begun);
        rest.extend(bytes);
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = rest.drain(..=end).collect();
            self.line(&line[..end])?;
        }
        self.begun = rest;
        Ok(())
    }

    /// A line that did not end.
    fn end(&mut self) -> io::Result<()> {
        match std::mem::take(&mut self.begun) {
            line if line.is_empty() => Ok(()),
            line => self.line(&line),
        }
    }

    fn line(&mut self, line: &[u8]) -> io::Result<()> {
        self.first_error.line(&String::from_utf8_lossy(line));
        // A full disk does not end a build.
        if let Some((file, _)) = &mut self.log
            && file.write_all(&[line, b"\n"].concat()).is_err()
        {
            self.log = None;
        }
        match &mut self.withheld {
            // It is printed in one go, so that lines of other builds are not among it.
            Some(withheld) => withheld.extend([line, b"\n"].concat()),
            None => {
                let printed = [self.prefix.as_bytes(), line, b"\n"].concat();
                // Not an error if the terminal was closed.
                drop(io::stderr().write_all(&printed));
            }
        }
        Ok(())
    }

    fn failure(self, end: BuildEnd) -> BuildFailure {
        if let Some(withheld) = &self.withheld {
            drop(io::stderr().write_all(withheld));
        }
        BuildFailure {
            command: self.command,
            end,
            error_line: self.first_error.found(),
            log: self.log.map(|(_, name)| name),
        }
    }
}

/// Ends a process and all that it has started.
fn end_tree(root: u32) {
    // One that is just being started is found by the second search.
    for _ in 0..2 {
        for pid in tree(root as i32) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}

/// The numbers of a process and of its descendants.
fn tree(root: i32) -> Vec<i32> {
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for process in procfs::process::all_processes().into_iter().flatten().flatten() {
        if let Ok(stat) = process.stat() {
            children.entry(stat.ppid).or_default().push(stat.pid);
        }
    }
    let mut tree = vec![root];
    let mut place = 0;
    while let Some(pid) = tree.get(place) {
        tree.extend(children.remove(pid).unwrap_or_default());
        place += 1;
    }
    tree
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn run(script: &str, stdout: Stdout, silence: Duration) -> (Vec<u8>, Result<(), BuildFailure>) {
        let root = tempfile::tempdir().unwrap();
        let beside = Beside::at(&root.path().join("target"), root.path());
        let mut command = Command::new("sh");
        command.args(["-c", script]).current_dir(root.path());
        let run = BuildRun {
            log: "a",
            prefix: "",
            shown: "sh build.sh".to_owned(),
            stdout,
            silence,
            beside: &beside,
        };
        let (data, ended) = run.run(command);
        if let Some(log) = ended.as_ref().err().and_then(|failure| failure.log.as_deref()) {
            let text = std::fs::read_to_string(root.path().join(log)).unwrap();
            assert!(text.starts_with("sh build.sh\n"), "{text}");
        }
        (data, ended)
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_failed_build_reports_why_and_where_its_output_is() {
        let script = "echo first >&2; echo 'no such library: install it'; exit 3";
        let failure = run(script, Stdout::Messages, LONG).1.unwrap_err();
        let text = failure.to_string();
        assert_eq!(
            text,
            "its build `sh build.sh` failed (exit status: 3): no such library: install it; all of its output is in target/tick-bench/logs/a.log"
        );
        let (data, ended) = run("echo data; echo people >&2; exit 1", Stdout::Data, LONG);
        assert_eq!(data, b"data\n");
        assert_eq!(ended.unwrap_err().error_line.unwrap(), "people");
        assert!(run("true", Stdout::Messages, LONG).1.is_ok());
    }

    #[test]
    fn a_build_that_prints_nothing_is_ended_with_all_that_it_started() {
        let room = tempfile::tempdir().unwrap();
        let file = room.path().join("pid");
        let script = format!("echo begun; sh -c 'echo $$ > {}; sleep 600; :'; :", file.display());
        let failure = run(&script, Stdout::Messages, Duration::from_millis(700)).1.unwrap_err();
        assert_eq!(failure.end, BuildEnd::Silent { limit_ms: 700 });
        assert_eq!(failure.error_line.as_deref(), Some("begun"));
        let pid = std::fs::read_to_string(&file).unwrap();
        let stat = Path::new("/proc").join(pid.trim()).join("stat");
        // It may be a zombie of another parent for a moment.
        let is_gone = || match std::fs::read_to_string(&stat) {
            Ok(text) => text.contains(") Z "),
            Err(_) => true,
        };
        while !is_gone() {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn output_counts_even_without_the_end_of_a_line() {
        let script = "for i in 1 2 3 4 5 6 7 8; do printf .; sleep 0.3; done";
        assert!(run(script, Stdout::Messages, Duration::from_secs(2)).1.is_ok());
    }

    #[test]
    fn a_process_that_holds_the_streams_open_does_not_hold_up_the_build() {
        assert!(run("sleep 2 & echo built", Stdout::Messages, LONG).1.is_ok());
    }

    #[test]
    fn a_command_that_cannot_be_run_is_a_failed_build() {
        let root = tempfile::tempdir().unwrap();
        let beside = Beside::at(root.path(), root.path());
        let run = BuildRun {
            log: "a",
            prefix: "",
            shown: "nothing".to_owned(),
            stdout: Stdout::Messages,
            silence: LONG,
            beside: &beside,
        };
        let failure = run.run(Command::new("/no/such/tool")).1.unwrap_err();
        let BuildEnd::NotRun { error } = failure.end else { panic!("{failure}") };
        assert!(error.contains("No such file"), "{error}");
    }
}
