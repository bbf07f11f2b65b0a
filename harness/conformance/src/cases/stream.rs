//! The stream of ticks: formats, and frames of every shape.

use crate::case::Candidate;
use crate::checks::{Scene, check_rows, same_counts, whole};
use crate::plan::plan;
use crate::wire::{BINARY, fragments as pieces, frame};
use anyhow::{Context, Result, ensure};
use contract::meter::{MeterFile, Slot};
use contract::{ClientEnd, ClientFinal, ClientPlan};
use std::thread::sleep;
use std::time::Duration;
use tick::Format;
use tungstenite::Message;

/// The ticks of a run, unless the case is about something else.
const TICKS: u64 = 12_000;
/// From one piece of a frame to the next: usually the client has read the first by then.
const PAUSE: Duration = Duration::from_millis(1);

pub(super) fn binary(candidate: &Candidate<'_>) -> Result<()> {
    delivers(candidate, Format::Binary)
}

pub(super) fn json(candidate: &Candidate<'_>) -> Result<()> {
    delivers(candidate, Format::Json)
}

pub(super) fn classic_binary(candidate: &Candidate<'_>) -> Result<()> {
    delivers(candidate, Format::ClassicBinary)
}

pub(super) fn classic_json(candidate: &Candidate<'_>) -> Result<()> {
    delivers(candidate, Format::ClassicJson)
}

/// Sends all ticks with pings in between, and the close frame; the meter agrees.
fn delivers(candidate: &Candidate<'_>, format: Format) -> Result<()> {
    let dir = candidate.directory()?;
    let path = dir.path().join("meter");
    let meter = MeterFile::create(&path, 1)?;
    let size = path.metadata()?.len();
    let plan = |url: &str| ClientPlan { meter: Some(path.clone()), ..plan(url, format) };
    let Scene { plan, mut child, mut connection, .. } = candidate.connect(plan)?;
    let sent = (0..10u64).try_for_each(|piece| {
        connection.ticks(piece * TICKS / 10..(piece + 1) * TICKS / 10)?;
        connection.ping(&piece.to_le_bytes())
    });
    // A client that has ended gives a better reason than its connection does.
    sent.map_err(|error| child.end_or(error))?;
    connection.close(1000)?;
    let (rows, report) = child.report()?;
    same_counts(&report, &whole(TICKS, ClientEnd::Closed))?;
    check_rows(&rows, &plan, 0..TICKS)?;
    ensure!(path.metadata()?.len() == size, "it has changed the size of its meter");
    for (slot, name) in [(Slot::RECEIVED, "received"), (Slot::PROCESSED, "processed")] {
        let count = meter.read(slot)?;
        ensure!(count == TICKS, "the meter ends at {count} {name}, the final says {TICKS}");
    }
    Ok(())
}

/// A scene of `count` ticks in one format, played by `play`, without a fault.
fn scene(
    candidate: &Candidate<'_>,
    format: Format,
    count: u64,
    play: impl FnOnce(&mut Scene<'_>) -> Result<()>,
) -> Result<()> {
    let mut scene = candidate.connect(|url| plan(url, format))?;
    play(&mut scene)?;
    let Scene { plan, mut child, connection, .. } = scene;
    connection.close(1000)?;
    let (rows, report) = child.report()?;
    same_counts(&report, &whole(count, ClientEnd::Closed))?;
    check_rows(&rows, &plan, 0..count)
}

pub(super) fn cut_frames(candidate: &Candidate<'_>) -> Result<()> {
    for format in [Format::Binary, Format::Json] {
        let mut count = 0;
        let mut scene = candidate.connect(|url| plan(url, format))?;
        // The cut frame comes between whole frames.
        loop {
            let frames = scene.connection.frames(count..count + 3);
            let one = scene.connection.frames(count..count + 1).len();
            let cut = one + count as usize / 3;
            if cut >= frames.len() {
                break;
            }
            scene.connection.bytes(&frames[..cut])?;
            sleep(PAUSE);
            scene.connection.bytes(&frames[cut..])?;
            count += 3;
        }
        let Scene { plan, mut child, connection, .. } = scene;
        connection.close(1000)?;
        let (rows, report) = child.report()?;
        same_counts(&report, &whole(count, ClientEnd::Closed)).context(format)?;
        check_rows(&rows, &plan, 0..count).context(format)?;
    }
    Ok(())
}

pub(super) fn merged_frames(candidate: &Candidate<'_>) -> Result<()> {
    scene(candidate, Format::ClassicBinary, 20_000, |scene| scene.connection.ticks(0..20_000))
}

/// The payload of one tick.
fn payload(scene: &Scene<'_>, seq: u64) -> Vec<u8> {
    scene.connection.frames(seq..seq + 1)[2..].to_vec()
}

pub(super) fn fragments(candidate: &Candidate<'_>) -> Result<()> {
    scene(candidate, Format::Binary, 60, |scene| {
        for seq in 0..60 {
            let payload = payload(scene, seq);
            let cut = seq as usize % payload.len();
            let bytes = pieces(BINARY, &payload, [cut, (cut + payload.len()) / 2]).concat();
            scene.connection.bytes(&bytes)?;
        }
        scene.connection.ping(b"whole")
    })
}

pub(super) fn control_frames(candidate: &Candidate<'_>) -> Result<()> {
    scene(candidate, Format::Binary, 20, |scene| {
        for seq in 0..20 {
            let payload = payload(scene, seq);
            for piece in pieces(BINARY, &payload, [4, 20]) {
                scene.connection.bytes(&piece)?;
                scene.connection.ping(&seq.to_le_bytes())?;
            }
        }
        Ok(())
    })
}

pub(super) fn pings(candidate: &Candidate<'_>) -> Result<()> {
    scene(candidate, Format::Binary, 0, |scene| {
        for count in 0..20u64 {
            scene.connection.ping(&count.to_le_bytes())?;
        }
        scene.connection.ping(&[])?;
        scene.connection.ping(&[7; 125])
    })
}

pub(super) fn long_messages(candidate: &Candidate<'_>) -> Result<()> {
    let mut scene = candidate.connect(|url| plan(url, Format::Binary))?;
    let lengths = [125, 126, 127, 65_535, 65_536, 100_000];
    for (length, seq) in lengths.into_iter().zip(0..) {
        scene.connection.bytes(&frame(BINARY, true, &vec![0; length]))?;
        scene.connection.ticks(seq..seq + 1)?;
    }
    scene.connection.message(Message::Text("x".repeat(70_000).into()))?;
    let Scene { plan, mut child, connection, .. } = scene;
    connection.close(1000)?;
    let (rows, report) = child.report()?;
    let ticks = whole(6, ClientEnd::Closed);
    same_counts(&report, &ClientFinal { received: 13, undecodable: 7, ..ticks })?;
    check_rows(&rows, &plan, 0..6)
}
