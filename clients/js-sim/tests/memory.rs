//! The queue grows with the backlog, up to the memory ceiling.

use client_kit::ClientPlan;
use client_kit::testing::{Child, Program, Server, plan};
use contract::ClientEnd;
use std::thread::spawn;
use tick::Format;

#[test]
fn it_reports_and_ends_at_its_memory_ceiling() {
    let server = Server::bind().unwrap();
    let path = env!("CARGO_BIN_EXE_client-js-sim");
    let program = Program { path, args: &["--cost-us", "1000"], dir: None, env: &[] };
    let plan = ClientPlan {
        memory_ceiling_bytes: 64 << 20,
        ..plan(&server.url().unwrap(), Format::Binary)
    };
    let mut child = Child::spawn(program.command(), &()).unwrap();
    child.plan(&plan);
    let mut connection = server.accept(Format::Binary).unwrap();
    child.hello().unwrap();
    child.ready().unwrap();
    let flood = spawn(move || {
        let mut seq = 0;
        while connection.ticks(seq..seq + 1000).is_ok() {
            seq += 1000;
        }
    });
    let (_, report) = child.report().unwrap();
    flood.join().unwrap();
    assert_eq!(report.ended, ClientEnd::MemoryCeiling);
    assert_eq!(report.received, report.processed + report.queued);
    assert!(report.queued > 100_000, "64 MiB hold more than {} events", report.queued);
}
