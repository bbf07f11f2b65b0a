//! What becomes of a terminal when something panics while the whole screen is
//! shown: run by `tests/terminal.rs`, with `painter` or `harness`.

use harness::affinity::Placement;
use harness::view::draw::draw;
use harness::view::drawer::Drawer;
use harness::view::screen::{Painter, Screen};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

fn drawer(painter: Painter) -> Drawer {
    let nowhere = Placement { server: None, client: None, spin: false };
    let interrupted = Arc::new(AtomicBool::new(false));
    let screen = Screen::open(painter).expect("a terminal");
    Drawer::start(screen, &nowhere, &interrupted).expect("a thread")
}

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("painter") => {
            let drawer = drawer(|_, _, _| panic!("a painter's mistake"));
            while !drawer.has_gone() {
                std::thread::sleep(Duration::from_millis(10));
            }
            eprintln!("the campaign goes on");
        }
        Some("harness") => {
            let _drawer = drawer(draw);
            eprintln!("words of somebody else");
            panic!("the harness's mistake");
        }
        other => panic!("{other:?}: say `painter` or `harness`"),
    }
}
