//! What one snapshot costs the harness: two meters and the CPU time of two processes; a full one
//! also both kernel queues and the memory of both processes.

use bench_core::record::snapshot::Snapshot;
use bench_rig::host::kernel_queues::Probe;
use bench_rig::host::process::Gauge;
use bench_rig::round::observer::Observer;
use contract::meter::MeterFile;
use criterion::{Criterion, criterion_group, criterion_main};
use std::net::{TcpListener, TcpStream};

fn snapshot(c: &mut Criterion) {
    let room = tempfile::tempdir().expect("a directory");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let client = TcpStream::connect(listener.local_addr().expect("bound")).expect("loopback");
    let (server, _) = listener.accept().expect("a client");
    let myself = nix::unistd::getpid();
    let mut observer = Observer {
        client_meters: vec![MeterFile::create(&room.path().join("client"), 1).expect("a meter")],
        connections: 1,
        server_meter: MeterFile::create(&room.path().join("server"), 1).expect("a meter"),
        probes: vec![Probe::new(
            server.local_addr().expect("bound"),
            client.local_addr().expect("connected"),
        )],
        clients: vec![Gauge::new(myself).expect("this process")],
        server: Gauge::new(myself).expect("this process"),
        last: Snapshot::default(),
        processed_each: Vec::new(),
        dump: None,
    };
    c.bench_function("snapshot", |b| b.iter(|| observer.read(false).expect("a snapshot")));
    c.bench_function("snapshot/full", |b| b.iter(|| observer.read(true).expect("a snapshot")));
    c.bench_function("snapshot/kernel queues", |b| {
        b.iter(|| observer.probes[0].read().expect("an open connection"));
    });
}

criterion_group!(benches, snapshot);
criterion_main!(benches);
