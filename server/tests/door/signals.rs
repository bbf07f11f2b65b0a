//! Signals that the parent ignores: `nohup`, and shells that start programs in the background.

use crate::common::clients::{connect, next_seq};
use crate::common::standalone::{Standalone, command, ignoring};
use crate::common::wait_until;
use nix::sys::signal::Signal;

/// Whether a signal was received: the kernel shows those that wait, and none does.
fn none_waits(server: &Standalone) -> bool {
    let status = format!("/proc/{}/status", server.process.child.id());
    let status = std::fs::read_to_string(status).unwrap();
    let waiting = |name| {
        let mask = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        u64::from_str_radix(mask.trim(), 16).unwrap()
    };
    waiting("ShdPnd:") == 0 && waiting("SigPnd:") == 0
}

#[test]
fn an_ignored_signal_stays_ignored() {
    for signal in [Signal::SIGHUP, Signal::SIGINT] {
        let server = Standalone::from_command(ignoring(command(&["--rate", "2000"]), signal));
        let mut client = connect(&server.url);
        for _ in 0..2 {
            server.signal(signal);
            wait_until("it has the signal", || none_waits(&server));
        }
        let seq = next_seq(&mut client);
        while next_seq(&mut client) < seq + 200 {}
        server.signal(Signal::SIGTERM);
        assert!(server.wait().0.success(), "{signal}");
    }
}

#[test]
fn a_signal_that_nobody_ignores_ends_it_in_order() {
    for signal in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM] {
        let server = Standalone::new(&["--rate", "2000"]);
        next_seq(&mut connect(&server.url));
        server.signal(signal);
        assert!(server.wait().0.success(), "{signal}");
    }
}
