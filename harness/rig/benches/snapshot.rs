//! What one snapshot costs the harness: two meters and the CPU time of two processes; a full one
//! also both kernel queues and the memory of both processes.

use bench_core::record::snapshot::Snapshot;
use bench_rig::host::affinity;
use bench_rig::host::noise::signals::SignalReader;
use bench_rig::host::placement::choose;
use bench_rig::host::placement::topology::Topology;
use bench_rig::host::processes::process::Gauge;
use bench_rig::host::sockets::kernel_queues::Probe;
use bench_rig::round::observer::Observer;
use contract::meter::MeterFile;
use criterion::{Criterion, criterion_group, criterion_main};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

fn snapshot(c: &mut Criterion) {
    let room = tempfile::tempdir().expect("a directory");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let client = TcpStream::connect(listener.local_addr().expect("bound")).expect("loopback");
    let (server, _) = listener.accept().expect("a client");
    let allowed = affinity::allowed().expect("the CPUs of this process");
    let topology = Topology::read(Path::new("/"), &allowed);
    let placement = choose::plan(&topology, &allowed, None, None).expect("a placement");
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
        signals: SignalReader::open(&placement),
        processed_each: Vec::new(),
        bytes: Vec::new(),
        dump: None,
    };
    c.bench_function("snapshot", |b| b.iter(|| observer.read(false).expect("a snapshot")));
    c.bench_function("snapshot/full", |b| b.iter(|| observer.read(true).expect("a snapshot")));
    let last = observer.last;
    for (name, is_full) in [("snapshot/signals", false), ("snapshot/all signals", true)] {
        c.bench_function(name, |b| b.iter(|| observer.signals.read(&last, is_full)));
    }
    c.bench_function("snapshot/kernel queues", |b| {
        b.iter(|| observer.probes[0].read().expect("an open connection"));
    });
}

criterion_group!(benches, snapshot);
criterion_main!(benches);
