//! The socket and all work on ticks in the Rust process, on Tauri's own runtime; the page gets
//! figures once a second.

use crate::forward::connect;
use anyhow::{Context, Result};
use client_kit::tungstenite::read_stream;
use client_kit::{Outcome, Session};
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tauri::async_runtime::{block_on, spawn};
use tauri::{AppHandle, Emitter};
use tokio::time::interval;

const INTERVAL: Duration = Duration::from_secs(1);

/// What the page shows.
#[derive(Debug, Clone, Copy, Serialize)]
struct Figures {
    count: u64,
    rate_per_s: u64,
}

/// Reads all connections.
pub fn run(app: &AppHandle, sessions: Vec<Session>) -> Result<Outcome> {
    let count = Arc::new(AtomicU64::new(0));
    let shown = spawn(show(app.clone(), Arc::clone(&count)));
    let tasks: Vec<_> =
        sessions.into_iter().map(|session| spawn(client(session, Arc::clone(&count)))).collect();
    let outcomes = block_on(async {
        let mut outcomes = Vec::new();
        for task in tasks {
            outcomes.push(task.await??);
        }
        anyhow::Ok(outcomes)
    });
    shown.abort();
    Ok(Outcome::combine(outcomes?))
}

/// Sends the figures to the page.
async fn show(app: AppHandle, count: Arc<AtomicU64>) {
    let mut seconds = interval(INTERVAL);
    let mut before = 0;
    loop {
        seconds.tick().await;
        let now = count.load(Ordering::Relaxed);
        let figures = Figures { count: now, rate_per_s: now - before };
        before = now;
        // Without a page there is nobody to show them to.
        let _ = app.emit("figures", figures);
    }
}

async fn client(session: Session, count: Arc<AtomicU64>) -> Result<Outcome> {
    let url = session.url().to_owned();
    let mut socket = connect(&session).await.with_context(|| format!("cannot connect to {url}"))?;
    let mut processor = session.ready()?;
    let end = read_stream(&mut socket, |message| {
        count.fetch_add(1, Ordering::Relaxed);
        processor.process_message(message)
    })
    .await;
    Ok(processor.finish(end))
}
