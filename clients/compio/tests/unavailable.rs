//! On a machine without io_uring the client is unavailable, with a reason.

use client_kit::testing::{Child, plan};
use contract::FromClient;
use contract::fault::{Awaited, ExitStatus};
use std::process::Command;
use tick::Format;

#[test]
fn without_a_ring_it_is_unavailable() {
    let mut command = Command::new("sh");
    let path = env!("CARGO_BIN_EXE_client-compio");
    // One open file is allowed besides the three standard ones, which loading the program
    // needs: a ring and what wakes it need two.
    command.args(["-c", "exec 3>&- && ulimit -n 4 && exec \"$0\"", path]);
    let mut child = Child::spawn(command, &()).unwrap();
    child.plan(&plan("ws://127.0.0.1:1/", Format::Binary));
    child.hello().unwrap();
    match child.expect(Awaited::Ready).unwrap() {
        FromClient::Unavailable { reason } => assert!(reason.contains("io_uring"), "{reason}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(child.exit().unwrap().status, ExitStatus::Code(0));
}
