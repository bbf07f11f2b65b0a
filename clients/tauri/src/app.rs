//! The Tauri app: one window with the page. It runs on the main thread until the process ends.

use crate::display::{Display, DisplayError};
use crate::environment;
use crate::forward::{self, Forwarding};
use anyhow::Result;
use client_kit::page::{Event, Files, Site};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use tauri::{AppHandle, WebviewUrl, WebviewWindowBuilder};

/// The label of the window, as in `capabilities/page.json`.
pub const WINDOW: &str = "main";

/// What the app is started with.
pub struct Launch {
    /// Serves the page.
    pub site: Site,
    /// The query of the page's URL.
    pub query: [(&'static str, &'static str); 2],
    /// Where what comes from the page goes.
    pub events: Sender<Event>,
    /// For ticks on their way into the page.
    pub forwarding: Arc<Forwarding>,
    /// The directory for what GTK and WebKit write.
    pub workspace: PathBuf,
    /// Whether the page is to stop, for when it asks.
    pub stopped: Arc<AtomicBool>,
    /// Where the app tells what came of it.
    pub reply: Sender<Result<Launched, LaunchError>>,
}

/// An app that runs.
#[derive(Debug)]
pub struct Launched {
    /// Its handle.
    pub app: AppHandle,
    /// Where its window is.
    pub display: Display,
    /// A file of its page: the versions of what is bundled.
    pub versions: Vec<String>,
}

/// Why the app does not run on this machine.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// There is no display.
    #[error(transparent)]
    Display(#[from] DisplayError),
    /// Tauri, or a library below it, fails.
    #[error("the app does not start {display}: {error}")]
    Tauri {
        /// Where.
        display: Display,
        /// What Tauri says.
        error: String,
    },
}

/// Runs the app. Returns when it could not be started.
pub fn run(launch: Launch) {
    let reply = launch.reply.clone();
    let display = match Display::open() {
        Ok(display) => display,
        Err(error) => return drop(reply.send(Err(error.into()))),
    };
    // SAFETY: the thread of the client waits for the reply, and there is no other one yet.
    unsafe { environment::set(&display, &launch.workspace) };
    let for_window = display.clone();
    let built = tauri::Builder::default()
        .plugin(tauri_plugin_websocket::init())
        .manage(Arc::clone(&launch.forwarding))
        .invoke_handler(tauri::generate_handler![forward::open])
        .setup(move |app| Ok(open_window(app, launch, for_window)?))
        .build(tauri::generate_context!());
    match built {
        Ok(app) => app.run(|_, _| {}),
        Err(error) => {
            let error = LaunchError::Tauri { display, error: error.to_string() };
            drop(reply.send(Err(error)));
        }
    }
}

fn open_window(app: &tauri::App, launch: Launch, display: Display) -> Result<()> {
    let Launch { site, query, events, stopped, reply, .. } = launch;
    let assets = app.asset_resolver();
    let files: Files = Arc::new(move |path| match path {
        "stopped" => Some(if stopped.load(Ordering::Relaxed) { "1" } else { "0" }.into()),
        _ => Some(assets.get(path.to_owned())?.bytes),
    });
    let versions = files("versions.json").unwrap_or_default();
    let versions = serde_json::from_slice(&versions)?;
    let url = site.url(&query)?;
    site.serve(files, events.clone())?;
    WebviewWindowBuilder::new(app, WINDOW, WebviewUrl::External(url.parse()?))
        .title("Ticks")
        .inner_size(800.0, 600.0)
        // Its counts: see `page/counts.mjs`.
        .on_document_title_changed(move |_, title| {
            if let Ok(counts) = serde_json::from_str(&title) {
                // The client's thread may have ended.
                let _ = events.send(Event::Counted(counts));
            }
        })
        // Nothing of it is kept.
        .incognito(true)
        .build()?;
    // The client's thread may have given up.
    let _ = reply.send(Ok(Launched { app: app.handle().clone(), display, versions }));
    Ok(())
}
