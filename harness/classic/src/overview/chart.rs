//! The chart that answers the question at a glance. Pure.

use super::load::{Load, Received};
use anyhow::Result;
use bench_core::text::digits::{count, short};
use bench_publish::report::chart::bars::groups::{self, Bar, Group};
use bench_publish::report::palette::Palette;

/// Bars of the ticks per second that each way processes, with a mark where the offered load is;
/// `None` where nothing was measured.
///
/// # Errors
/// When it cannot be drawn.
pub fn svg(loads: &[Load]) -> Result<Option<String>> {
    let ways = || loads.iter().flat_map(|load| &load.ways);
    let palette = Palette::new(ways().map(|received| received.client.as_str()));
    let groups: Vec<Group> = loads.iter().map(|load| group(load, &palette)).collect();
    groups::chart(&groups, "ticks/s processed", &name(loads))
}

fn group(load: &Load, palette: &Palette) -> Group {
    let bars = load.ways.iter().map(|received| Bar {
        name: received.way.to_string(),
        colour: palette.of(&received.client),
        value: received.processed_per_s,
        label: value(received),
        tip: tip(load, received),
    });
    Group {
        title: format!("{} ticks/s offered", short(load.offered_per_s)),
        mark: load.offered_per_s,
        bars: bars.collect(),
    }
}

/// The rate, or why there is none.
fn value(received: &Received) -> String {
    match (received.processed_per_s, received.verdict) {
        (Some(rate), _) => short(rate),
        (None, Some(verdict)) => verdict.to_string(),
        (None, None) => "not measured".to_owned(),
    }
}

fn tip(load: &Load, received: &Received) -> String {
    let Received { way, client, .. } = received;
    match (received.processed_per_s, received.verdict) {
        (Some(rate), Some(verdict)) => format!(
            "{way} ({client}): {} of {} ticks/s, {verdict}",
            count(rate),
            count(load.offered_per_s)
        ),
        _ => format!("{way} ({client}): {}", value(received)),
    }
}

/// All of its values, for screen readers.
fn name(loads: &[Load]) -> String {
    let each = loads.iter().map(|load| {
        let ways = load.ways.iter().map(|one| format!("{} {}", one.way, value(one)));
        let ways: Vec<String> = ways.collect();
        format!("of {} offered: {}", short(load.offered_per_s), ways.join(", "))
    });
    let each: Vec<String> = each.collect();
    format!("Ticks per second that each way to receive processes; {}", each.join("; "))
}
