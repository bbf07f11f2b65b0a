//! Panics while the whole screen is shown: run by `tests/system/terminal.rs`, with `painter` or
//! `harness`.

use bench_rig::host::affinity;
use bench_rig::host::placement::choose;
use bench_rig::host::placement::topology::Topology;
use harness::view::picture::draw;
use harness::view::terminal::drawing::DrawingThread;
use harness::view::terminal::screen::{Painter, Screen};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

fn start(painter: Painter) -> DrawingThread {
    let allowed = affinity::allowed().expect("CPUs");
    let topology = Topology::read(Path::new("/"), &allowed);
    let placement = choose::plan(&topology, &allowed, None, None).expect("a placement");
    let interrupted = Arc::new(AtomicBool::new(false));
    let screen = Screen::open(painter).expect("a terminal");
    DrawingThread::start(screen, &placement, &interrupted).expect("a thread")
}

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("painter") => {
            let drawing = start(|_, _, _| panic!("a painter's mistake"));
            while !drawing.has_ended() {
                std::thread::sleep(Duration::from_millis(10));
            }
            eprintln!("the campaign continues");
        }
        Some("harness") => {
            let _drawing = start(draw);
            eprintln!("a line of another process");
            panic!("the harness's mistake");
        }
        other => panic!("{other:?}: say `painter` or `harness`"),
    }
}
