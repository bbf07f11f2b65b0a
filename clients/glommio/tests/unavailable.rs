//! On a machine that lacks what glommio needs the client is unavailable, with a reason.

use client_kit::testing::{Child, plan};
use contract::FromClient;
use contract::fault::{Awaited, ExitStatus};
use std::process::Command;
use tick::Format;

#[test]
fn too_little_locked_memory_makes_it_unavailable() {
    let mut command = Command::new("sh");
    let path = env!("CARGO_BIN_EXE_client-glommio");
    command.args(["-c", "ulimit -l 64 && exec \"$0\"", path]);
    let mut child = Child::spawn(command, &()).unwrap();
    child.plan(&plan("ws://127.0.0.1:1/", Format::Binary));
    child.hello().unwrap();
    match child.expect(Awaited::Ready).unwrap() {
        FromClient::Unavailable { reason } => {
            assert!(reason.starts_with("RLIMIT_MEMLOCK is 64 KiB"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(child.exit().unwrap().status, ExitStatus::Code(0));
}
