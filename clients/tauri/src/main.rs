//! The Tauri clients of the tick bench. The main thread belongs to the app, as GTK wants it; the
//! client runs on another one, and ends the process.

mod app;
mod args;
mod display;
mod ending;
mod environment;
mod figures;
mod forward;
mod processes;

use anyhow::{Context, Result};
use app::{Launch, Launched};
use args::{Args, Path, System};
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use client_kit::page::{Bridge, Counting, Site, Started, Until, main_with_page};
use client_kit::{ClientPlan, Outcome, Session};
use forward::Forwarding;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use tauri::async_runtime::block_on;
use tauri::{AppHandle, Manager};

/// The lock file that this program is built by.
const LOCK: &str = include_str!("../Cargo.lock");

fn main() -> Result<()> {
    let system = match Args::parse().system() {
        Ok(system) => system,
        Err(error) => Args::command().error(ErrorKind::ArgumentConflict, error).exit(),
    };
    let (launches, launched) = channel();
    let client = move || {
        let start = |_: &Args, plan: &ClientPlan, until| start(system, plan, until, &launches);
        let code = main_with_page(LOCK, start, |_, state, sessions| run(system, state, sessions));
        std::process::exit(code.into())
    };
    let client = thread::Builder::new().name("client".to_owned()).spawn(client)?;
    if let Ok(launch) = launched.recv() {
        app::run(launch);
    }
    // It ends the process.
    let _ = client.join();
    Ok(())
}

/// What a run begins with.
enum State {
    /// The app runs, and its page is loaded.
    Loaded {
        app: AppHandle,
        bridge: Box<Bridge>,
        forwarding: Arc<Forwarding>,
        stopped: Arc<AtomicBool>,
    },
    /// It cannot run on this machine.
    Unavailable(Unavailable),
    /// It was not loaded within the time of the plan.
    Late,
}

/// Why it cannot run on this machine, or under this load.
#[derive(Debug, thiserror::Error)]
enum Unavailable {
    #[error("a page cannot set SO_RCVBUF, and this load asks for it: choose one without `buffers`")]
    ReceiveBuffer,
    #[error(transparent)]
    Launch(#[from] app::LaunchError),
}

/// Starts the app and its page.
fn start(
    system: System,
    plan: &ClientPlan,
    until: Until,
    launches: &Sender<Launch>,
) -> Result<Started<State>> {
    let started = |display: &str, state| Started {
        identity: system.identity(display),
        versions: tauri::webview_version().map(|v| format!("WebKitGTK {v}")).into_iter().collect(),
        clock_error_ns: None,
        state,
    };
    let not_started = |state| Ok(started("not started", state));
    if plan.receive_buffer_bytes.is_some() && !system.owns_socket() {
        return not_started(State::Unavailable(Unavailable::ReceiveBuffer));
    }
    let workspace = environment::make_workspace(plan.meter.as_deref())
        .context("cannot create a directory for the app")?;
    ending::prepare(workspace.clone());
    let forwarding = Arc::new(Forwarding::default());
    let (events, from_page) = channel();
    let (reply, replies) = channel();
    let stopped = Arc::new(AtomicBool::new(false));
    let launch = Launch {
        site: Site::bind()?,
        query: system.query(),
        events,
        forwarding: Arc::clone(&forwarding),
        workspace,
        stopped: Arc::clone(&stopped),
        reply,
    };
    launches.send(launch).ok().context("the main thread has ended")?;
    let Launched { app, display, versions } = match replies.recv_timeout(until.left()) {
        Ok(Ok(launched)) => launched,
        Ok(Err(error)) => return not_started(State::Unavailable(error.into())),
        Err(_) => return not_started(State::Late),
    };
    let Some(mut bridge) = Bridge::load(from_page, until)? else {
        return not_started(State::Late);
    };
    let clock_error_ns = match system {
        System::Rust => None,
        System::Page(_) | System::Plugin | System::Forward(_) => Some(bridge.exchange_times()?),
    };
    let bridge = Box::new(bridge);
    let state = State::Loaded { app, bridge, forwarding, stopped };
    let mut started = started(&display.to_string(), state);
    started.versions.extend(versions);
    Ok(Started { clock_error_ns, ..started })
}

fn run(system: System, state: State, sessions: Vec<Session>) -> Result<Outcome> {
    match state {
        State::Unavailable(why) => Ok(Outcome::unavailable(why.to_string())),
        // The kit's deadlines end the process.
        State::Late => loop {
            thread::park();
        },
        State::Loaded { app, mut bridge, forwarding, stopped } => {
            stop_in_a_flood(&app, &mut bridge, stopped, &sessions)?;
            match system {
                System::Page(_) | System::Plugin => bridge.run(sessions),
                System::Rust => figures::run(&app, sessions),
                System::Forward(path) => forward_all(*bridge, path, &forwarding, sessions),
            }
        }
    }
}

/// The ways to stop a page that a flood keeps from its channels: one of its own sockets, by a
/// call and the end of what is read; one that comes through the app, by its own question.
fn stop_in_a_flood(
    app: &AppHandle,
    bridge: &mut Bridge,
    stopped: Arc<AtomicBool>,
    sessions: &[Session],
) -> Result<()> {
    let window = app.get_webview_window(app::WINDOW).context("the window is gone")?;
    let addresses: Vec<SocketAddr> = sessions.iter().map(Session::address).collect();
    bridge.on_stop(move || {
        stopped.store(true, Ordering::Relaxed);
        // A window that is gone has stopped.
        let _ = window.eval("globalThis.stop_reader?.()");
        processes::shut_down_reading(&addresses);
    });
    Ok(())
}

/// A run whose sockets are in this process, and whose ticks are passed on to the page.
fn forward_all(
    mut bridge: Bridge,
    path: Path,
    forwarding: &Forwarding,
    sessions: Vec<Session>,
) -> Result<Outcome> {
    bridge.send_plan(&sessions[0])?;
    forwarding.offer(path, sessions);
    bridge.connect()?;
    let (mut connections, mut tasks) = (Vec::new(), Vec::new());
    for opened in forwarding.take_opened() {
        let (connection, task) = opened.start()?;
        connections.push(connection);
        tasks.push(task);
    }
    let report = bridge.read(&connections, Counting::InProcess)?;
    let relayed = block_on(async {
        let mut all = Vec::new();
        for task in tasks {
            all.push(task.await?);
        }
        anyhow::Ok(all)
    });
    bridge.finish(report, connections, relayed?)
}
