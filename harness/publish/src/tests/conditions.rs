//! What a campaign says about the conditions of its rounds: congestion control, settings of the
//! kernel, environment and build.

use super::campaigns::{Synthetic, around, empty, workload};
use super::diffs::{campaign, compared, ok};
use crate::index;
use crate::tables::campaign::markdown;
use bench_core::load::workload::Workload;
use bench_core::record::environment::{Environment, Toolchain};

fn steady(congestion: Option<&str>) -> Workload {
    let congestion = congestion.map(str::to_owned);
    Workload { congestion, ..workload("steady", "rate_per_s = 9\nrank_by = \"response_p99\"") }
}

#[test]
fn the_machine_is_shown_with_the_congestion_control_in_force() {
    let line = |workloads: &[Workload]| empty("compare", workloads).machine_line();
    let inherit = steady(None);
    assert!(line(std::slice::from_ref(&inherit)).ends_with(", TCP bbr"), "the machine's default");
    let cubic = steady(Some("cubic"));
    assert!(line(&[cubic.clone(), cubic.clone()]).ends_with(", TCP cubic"));
    assert!(line(&[cubic, inherit]).ends_with(", TCP cubic and bbr"));
}

#[test]
fn campaigns_with_different_congestion_control_share_no_table() {
    let [inherit, bbr, cubic] =
        [None, Some("bbr"), Some("cubic")].map(|name| empty("compare", &[steady(name)]));
    assert_eq!(index::apart(&inherit, &bbr), None, "the machine's default is bbr");
    let why = index::apart(&inherit, &cubic).unwrap();
    assert_eq!(why, "workload `steady` differs in congestion bbr and cubic");
}

/// A campaign with these settings of kernel, environment and build.
fn under(setting: &str, flags: Option<&str>) -> Synthetic {
    let mut made = campaign("x", &[ok("x", around(10_000, 7))]);
    let settings = [("net.ipv4.tcp_autocorking", Some(setting)), ("lo.mtu", Some("65536"))];
    made.campaign.machine.kernel_settings =
        settings.map(|(name, value)| (name.to_owned(), value.map(str::to_owned))).into();
    made.campaign.environment =
        Some(Environment { withheld: vec!["NODE_OPTIONS".into()], ..Environment::default() });
    let flags = flags.map(|flags| ("RUSTFLAGS".to_owned(), flags.to_owned()));
    made.campaign.toolchain = Some(Toolchain {
        rustc: Some("rustc 1.91.0".into()),
        profile: "release".into(),
        set_outside: flags.into_iter().collect(),
        ..Toolchain::default()
    });
    made
}

#[test]
fn different_settings_and_builds_are_noted() {
    let notes = |a: &Synthetic, b: &Synthetic| {
        let notes = compared(a, b).notes;
        notes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let (plain, native) = (under("1", None), under("0", Some("-C target-cpu=native")));
    let noted = notes(&plain, &native);
    assert!(noted.contains("net.ipv4.tcp_autocorking 1 and 0"), "{noted}");
    assert!(!noted.contains("lo.mtu"), "{noted}");
    let built = "built or started in different ways: RUSTFLAGS absent and -C target-cpu=native";
    assert!(noted.contains(built), "{noted}");
    // Campaigns that did not record them differ in nothing that is known.
    let older = campaign("x", &[ok("x", around(10_000, 7))]);
    let noted = notes(&older, &native);
    assert!(!noted.contains("autocorking") && !noted.contains("RUSTFLAGS"), "{noted}");
}

#[test]
fn what_was_withheld_and_set_outside_is_below_the_tables() {
    let text = markdown(&under("1", Some("-g")).campaign);
    assert!(text.contains("change the speed of programs: NODE_OPTIONS."), "{text}");
    assert!(text.contains("Built with settings from outside: RUSTFLAGS=`-g`."), "{text}");
    let older = markdown(&campaign("x", &[ok("x", around(10_000, 7))]).campaign);
    assert!(!older.contains("Built with"), "{older}");
}
