//! The answer for made-up measurements of each kind, and the chart.

use super::answer::{Answer, Rounds, answer};
use super::chart;
use super::load::{Load, Received};
use crate::question::Way;
use bench_core::analysis::verdict::Verdict;

/// A load with made-up rounds: of the page in Tauri, and of the native client in Tauri.
struct Made {
    load: Load,
    page: Vec<f64>,
    native: Vec<f64>,
}

/// Rates are in thousands per second. Both are `ok` where they process the offered load.
fn made(offered_k: f64, page_k: &[f64], native_k: &[f64]) -> Made {
    let received = |way: Way, rates: &[f64]| {
        let rate = rates.get(rates.len() / 2).map(|rate| rate * 1e3);
        let kept_up = rate.map(|rate| match rate >= 0.99 * offered_k * 1e3 {
            true => Verdict::Ok,
            false => Verdict::Overloaded,
        });
        Received {
            way,
            client: format!("{way:?}"),
            verdict: kept_up.or(Some(Verdict::Unavailable)),
            processed_per_s: rate,
        }
    };
    let ways = vec![
        received(Way::BrowserPage, &[]),
        received(Way::TauriPage, page_k),
        received(Way::TauriNative, native_k),
        Received { verdict: None, ..received(Way::Native, &[]) },
    ];
    let load = Load { experiment: "x".into(), offered_per_s: offered_k * 1e3, ways };
    let rounds = |rates: &[f64]| rates.iter().map(|rate| rate * 1e3).collect();
    Made { load, page: rounds(page_k), native: rounds(native_k) }
}

fn answered(all: &[Made]) -> Answer {
    let rounds = all.iter().map(|made| Rounds {
        load: &made.load,
        rates_per_s: vec![
            (Way::TauriPage, made.page.clone()),
            (Way::TauriNative, made.native.clone()),
        ],
    });
    answer(&rounds.collect::<Vec<_>>())
}

/// The answer as text, with plain spaces.
fn said(all: &[Made]) -> String {
    answered(all).to_string().replace('\u{202f}', " ")
}

#[test]
fn a_native_client_that_takes_more_is_recommended() {
    let slow = [30.0, 31.0, 32.0];
    let all = [made(50.0, &slow, &[50.0; 3]), made(800.0, &slow, &[790.0, 797.0, 799.0])];
    let answer = answered(&all);
    assert!(matches!(answer, Answer::ReadInRust { .. }), "{answer:?}");
    assert_eq!(
        said(&all),
        "In a Tauri app, read the socket in Rust and send the page only what it draws: of 800 k ticks/s offered, the page in Tauri's WebView processed 31 k and the native client in Tauri 797 k; the ratio of native to page in Tauri is 25.71 (95 %: 24.69 to 26.63)."
    );
}

#[test]
fn the_answer_says_up_to_which_load_the_page_keeps_up() {
    let fast = [790.0, 797.0, 799.0];
    let all = [
        made(50.0, &[50.0; 3], &[50.0; 3]),
        made(300.0, &[90.0; 3], &[300.0; 3]),
        made(800.0, &[90.0; 3], &fast),
    ];
    let text = said(&all);
    assert!(text.ends_with("; up to 50 k ticks/s, the page keeps up, too."), "{text}");
    let all = [made(50.0, &[30.0; 3], &[50.0; 3]), made(300.0, &[300.0; 3], &[300.0; 3])];
    let text = said(&all);
    assert!(!text.contains("keeps up"), "it did not keep up with less: {text}");
}

#[test]
fn a_page_that_takes_more_is_recommended() {
    let answer = answered(&[made(800.0, &[600.0; 3], &[300.0, 310.0, 320.0])]);
    assert!(matches!(answer, Answer::ReadInPage { .. }), "{answer:?}");
    assert!(answer.to_string().starts_with("In a Tauri app, read the socket in the page: of "));
}

#[test]
fn two_ways_that_take_the_same_leave_the_choice() {
    let answer = answered(&[made(800.0, &[800.0; 3], &[797.0, 800.0, 800.0])]);
    assert!(matches!(answer, Answer::Either { .. }), "{answer:?}");
    assert!(answer.to_string().contains("in Rust or in the page, as both take the same"));
}

#[test]
fn overlapping_intervals_cannot_be_told_apart() {
    let answer = answered(&[made(800.0, &[200.0, 300.0, 400.0], &[250.0, 350.0, 450.0])]);
    assert!(matches!(answer, Answer::CannotTell { .. }), "{answer:?}");
    let text = answer.to_string();
    assert!(text.starts_with("Whether a Tauri app should read its socket in Rust"), "{text}");
    assert!(text.contains("cannot be told from this run") && text.contains("(95 %: "), "{text}");
}

#[test]
fn the_highest_load_with_both_ways_decides() {
    let all = [
        made(50.0, &[20.0; 3], &[50.0; 3]),
        made(300.0, &[30.0; 3], &[300.0; 3]),
        made(800.0, &[], &[797.0; 3]),
    ];
    assert!(said(&all).contains(": of 300 k ticks/s offered"));
}

#[test]
fn what_was_not_measured_is_named() {
    let neither = "What a Tauri app should do is not known from this run: the page in Tauri's WebView and the native client in Tauri were not measured.";
    assert_eq!(said(&[]), neither);
    assert_eq!(said(&[made(800.0, &[], &[])]), neither);
    let page = [made(800.0, &[], &[797.0; 3])];
    assert!(said(&page).ends_with(": the page in Tauri's WebView was not measured."));
    let few = [made(800.0, &[30.0; 3], &[797.0; 2])];
    assert!(
        said(&few).ends_with(": the native client in Tauri was not measured."),
        "{}",
        said(&few)
    );
    let apart = [made(50.0, &[30.0; 3], &[]), made(800.0, &[], &[797.0; 3])];
    assert!(said(&apart).ends_with(": no load was measured with both ways in Tauri."));
}

#[test]
fn the_chart_has_a_bar_for_each_way_and_says_why_one_is_missing() {
    let loads = [made(50.0, &[30.0; 3], &[50.0; 3]).load, made(800.0, &[31.0; 3], &[]).load];
    let svg = chart::svg(&loads).unwrap().unwrap().replace('\u{202f}', " ");
    for text in
        ["50 k ticks/s offered", "800 k ticks/s offered", "30 k", "unavailable", "not measured"]
    {
        assert!(svg.contains(text), "{text}: {svg}");
    }
    assert!(svg.contains("of 50 k offered: page in the browser unavailable, page in Tauri"));
    assert_eq!(svg.matches("native client in Tauri (TauriNative)").count(), 2);
    assert_eq!(chart::svg(&[]).unwrap(), None);
    assert_eq!(chart::svg(&[made(800.0, &[], &[]).load]).unwrap(), None, "nothing was measured");
}
