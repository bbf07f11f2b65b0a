//! Fan-out through the real server and real clients: many connections are measured and audited
//! like one, and their numbers are shown side by side.

use crate::common;

use crate::common::{Room, is_measured};
use bench_archive::archive::Archive;
use bench_publish::report;
use bench_publish::tables::campaign;
use bench_publish::text::style::Style;
use serde_json::Value;
use std::collections::BTreeSet;

fn with(room: &Room, connections: usize, rate_per_s: u32) -> String {
    let lines = format!(
        "group = \"fan-out\"\nrate_per_s = {rate_per_s}\nconnections = {connections}\n\
         rank_by = \"response_p99\""
    );
    room.workload(&format!("fan-out-{connections}"), &lines)
}

#[test]
fn numbers_of_connections_are_shown_side_by_side_also_from_the_archive() {
    let room = Room::new();
    let files = [with(&room, 1, 500), with(&room, 5, 500)];
    let compared = room.compare(&["floor", "blocking", "--workload", &files[0], files[1].as_str()]);
    let text = std::fs::read_to_string(compared.campaign.join("campaign.json")).unwrap();
    common::valid("campaign.schema.json", &serde_json::from_str(&text).unwrap());
    common::valid("report.schema.json", &compared.report);

    let lines = compared.report["fan_out"].as_array().unwrap();
    assert_eq!(lines.len(), 4, "{}", compared.stderr);
    for (line, connections) in lines.iter().zip([1, 5].iter().cycle()) {
        let is =
            |row: &&Value| row["client"] == line["client"] && row["workload"] == line["workload"];
        let row = compared.rows.iter().find(is).unwrap();
        assert_ne!(row["verdict"], "failed", "{row}");
        assert_eq!(line["connections"], *connections);
        for key in ["processed_per_s", "server_cpu_ns_per_tick", "verdict"] {
            assert_eq!(line[key], row[key], "{key}");
        }
        // A machine that is too busy to measure anything has no numbers to show, either.
        let memory = line["server_peak_rss_bytes"].as_f64();
        assert_eq!(memory.is_some_and(|bytes| bytes > 1e5), is_measured(row), "{line}");
    }

    let archive = Archive::open(&compared.campaign).unwrap();
    let markdown = std::fs::read_to_string(compared.campaign.join("table.md")).unwrap();
    assert!(markdown.contains("## Fan-out: the numbers of connections side by side"));
    assert_eq!(campaign::markdown(&archive.campaign), markdown);
    assert!(campaign::tables(&archive.campaign, Style::Terminal).contains("Fan-out: the numbers"));
    let page = report::html(&archive).unwrap();
    assert!(page.contains("id=\"fan-out-side-by-side\""));
}

/// More connections than handshakes at a time, meters of many pages, few samples for each, queues
/// read by dumps. Whether the machine keeps the rate is not checked.
#[test]
fn each_of_hundreds_of_connections_is_sampled() {
    let room = Room::new();
    let file = with(&room, 300, 20);
    let compared = room.compare(&["tokio", "--workload", &file]);
    let [row] = &compared.rows[..] else { panic!("{}", compared.stderr) };
    assert_ne!(row["verdict"], "failed", "{row}");
    // A single workload is compared with none.
    assert!(compared.report.get("fan_out").is_none());
    let archive = Archive::open(&compared.campaign).unwrap();
    let round = archive.rounds.iter().find(|round| !round.result.control).unwrap();
    let evidence = round.evidence.as_ref().unwrap();
    let sampled = archive.journeys(round, evidence).unwrap();
    let links: BTreeSet<usize> = sampled.iter().map(|(link, _)| *link).collect();
    assert!(links.into_iter().eq(0..300));
    let last = &evidence.client_finals[0];
    assert_eq!((last.gaps, last.duplicates, last.reorders, last.undecodable), (0, 0, 0, 0));
    assert!(last.processed > 0 && last.processed <= evidence.server_final.written);
}
