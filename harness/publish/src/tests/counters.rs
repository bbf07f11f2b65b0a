//! Counters per processed tick in tables, on the page and in CSV.

use super::campaigns::{Synthetic, around, rounds, steady};
use crate::columns::layout;
use crate::export::csv;
use crate::report::grid;
use crate::report::palette::Palette;
use crate::tables::{campaign, counters, short};
use crate::text::style::Style;
use bench_archive::campaign::Campaign;
use bench_core::analysis::round::counters::PerTick;
use bench_core::analysis::rows::counters::CountersNote;
use bench_core::analysis::verdict::Verdict;
use bench_core::record::counters::{Counter, NotCounted};

/// Two clients, of which one was counted, on a machine without hardware counters.
fn counted() -> Campaign {
    let all = ["quick", "slow"].map(|client| {
        let unit_ns = if client == "quick" { 10_000 } else { 20_000 };
        rounds("steady", client, Verdict::Ok, around(unit_ns, 3))
    });
    let mut campaign = Synthetic::new("x", &[steady()], all.concat()).campaign;
    let row = campaign.rows.iter_mut().find(|row| row.client == "slow").unwrap();
    row.counters = Some(PerTick {
        system_calls: Some(2.004),
        context_switches: Some(0.0123),
        page_faults: Some(0.0),
        ..PerTick::default()
    });
    let counters = Counter::ALL.into_iter().filter(|one| one.is_of_hardware()).collect();
    campaign.counters_notes =
        vec![CountersNote::NotCounted { counters, why: NotCounted::NoHardware }];
    campaign
}

#[test]
fn tables_have_what_was_counted_and_each_reason_once() {
    let campaign = counted();
    let text = campaign::tables(&campaign, Style::Markdown);
    let table: Vec<&str> =
        text.lines().skip_while(|line| !line.starts_with(counters::TITLE)).collect();
    let heads = "| client | system calls | context switches | page faults | cycles | instructions | cache misses | branch misses |";
    assert_eq!(table[2], heads);
    let cells: Vec<&str> = table[4].split('|').map(str::trim).collect();
    assert_eq!(cells[1..9], ["slow", "2.00", "0.012", "0", "–", "–", "–", "–"]);
    assert!(!table[5].starts_with('|'), "{text}");
    let note = "- cycles, instructions, cache misses, branch misses: not counted: this machine has";
    assert_eq!(text.matches(note).count(), 1, "{text}");
    assert!(campaign::tables(&campaign, Style::Terminal).contains("2.00"));
}

#[test]
fn the_page_has_the_same_columns() {
    let campaign = counted();
    let palette = Palette::new(["quick", "slow"].into_iter());
    let html = grid::of_counters(&steady(), &campaign.rows, &palette).into_string();
    for column in layout::of_counters() {
        assert!(html.contains(&column.head()) && html.contains(&column.hint()), "{html}");
    }
    assert!(html.contains("2.00") && !html.contains("quick"), "{html}");
}

#[test]
fn csv_has_them_as_numbers_of_one_round() {
    let campaign = counted();
    let csv = csv::csv(&campaign).unwrap();
    let line = csv.lines().find(|line| line.contains("client_system_calls")).unwrap();
    assert!(line.ends_with(",client_system_calls,mean,calls/tick,2.004,exact,,,1"), "{line}");
    assert!(!csv.contains("client_cycles"), "{csv}");
}

/// Apart from their own table, nothing depends on them.
#[test]
fn without_counters_everything_else_is_the_same() {
    let with = counted();
    let mut without = with.clone();
    without.rows.iter_mut().for_each(|row| row.counters = None);
    without.counters_notes.clear();
    assert_eq!(short::markdown(&with), short::markdown(&without));
    let (with, without) = (campaign::markdown(&with), campaign::markdown(&without));
    let kept: Vec<&str> = without.lines().filter(|line| !line.is_empty()).collect();
    let mut lines = with.lines();
    assert!(kept.iter().all(|line| lines.any(|other| other == *line)), "{with}");
    assert!(!without.contains("ounter"), "{without}");
}
