//! The page, section by section: the results with their certainty, how and where they were
//! measured, how to repeat them.

use super::grid;
use super::palette::Palette;
use super::{answer, conditions, figures, glance, series, share, waits};
use crate::tables::{across, capacities, counters, tail};
use crate::text::{labels, notes};
use anyhow::Result;
use bench_archive::archive::Archive;
use bench_archive::campaign::{Campaign, Kind, Request, Status};
use bench_archive::publication;
use bench_core::analysis::capacity::result::Probe;
use bench_core::analysis::rows::ranks::ranking::{self, ROUNDS_FOR_TESTS};
use bench_core::analysis::rows::ranks::rules::RowRules;
use bench_core::analysis::rows::row::Row;
use bench_core::load::workload::Workload;
use bench_core::text::digits::{count, nanos};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use std::collections::BTreeSet;

/// Styles and scripts are within the page, so nothing is fetched.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

/// The whole page.
///
/// # Errors
/// When a file of the campaign is missing or damaged.
pub fn render(archive: &Archive) -> Result<Markup> {
    let campaign = &archive.campaign;
    let rows = campaign.rows.iter().map(|row| row.client.as_str());
    let found = campaign.capacities.iter().map(|one| one.client.as_str());
    let palette = Palette::new(rows.chain(found));
    let overview = glance::pictures(archive)?;
    let results = results(archive, &palette)?;
    let title = title(campaign);
    Ok(html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                link rel="icon" href="data:,";
                title { (title) }
                meta property="og:title" content=(title);
                meta property="og:description" content=(answer::of_campaign(campaign));
                @if archive.dir().join(share::PNG).exists() {
                    meta property="og:image" content=(share::PNG);
                    meta property="og:image:width" content=(share::SIZE.0);
                    meta property="og:image:height" content=(share::SIZE.1);
                }
                style { (PreEscaped(include_str!("../../assets/report.css"))) }
            }
            body {
                main {
                    h1 { (title) }
                    p.soft {
                        "Tick Bench: which WebSocket client keeps up with a fast market-data feed, and where does the backlog go when it does not? "
                        (campaign.machine_line()) "; " (campaign.placement.to_string()) "; at least " (campaign.rounds) " rounds of " (campaign.measure_s) " s."
                        @if campaign.status != Status::Complete {
                            " " strong { "This campaign is " (campaign.status) ": not all rounds were run." }
                        }
                    }
                    @if let Some(note) = campaign.server.note() { p { strong { (note) } } }
                    p.answer { (answer::of_campaign(campaign)) }
                    (choice(campaign))
                    (overview)
                    (results)
                    (method(campaign))
                    (conditions::section(campaign))
                    (repeat(campaign))
                    (downloads(archive))
                }
                div #bubble role="status" hidden {}
                script { (PreEscaped(include_str!("../../assets/report.js"))) }
            }
        }
    })
}

/// What singles out clients; shown only where the script runs.
fn choice(campaign: &Campaign) -> Markup {
    let rows = campaign.rows.iter().map(|row| row.client.as_str());
    let found = campaign.capacities.iter().map(|one| one.client.as_str());
    let names: BTreeSet<&str> = rows.chain(found).collect();
    html! {
        form #choice hidden {
            label for="filter" { "Only clients whose name contains " }
            input #filter type="search" autocomplete="off" list="clients";
            datalist #clients { @for name in names { option value=(name) {} } }
            button #whole type="button" hidden { "Show all clients" }
            span.soft role="status" {}
        }
    }
}

/// The title of a campaign's page.
#[must_use]
pub fn title(campaign: &Campaign) -> String {
    let what = match campaign.kind {
        Kind::Compare => "Comparison",
        Kind::Capacity => "Capacities",
        Kind::Sweep => "Latency against rate",
    };
    let day = campaign.started.get(..10).unwrap_or(&campaign.started);
    format!("{what}, {day}, {}", campaign.machine.host)
}

fn results(archive: &Archive, palette: &Palette) -> Result<Markup> {
    let campaign = &archive.campaign;
    match campaign.kind {
        Kind::Compare => {
            let all = campaign.workloads.iter().map(|w| workload(archive, w, palette));
            let all: Vec<Markup> = all.collect::<Result<_>>()?;
            let links = campaign.workloads.len() > 1;
            Ok(html! {
                @if links {
                    nav aria-label="Workloads" { ul {
                        @for workload in &campaign.workloads {
                            li { a href={ "#" (workload.name) } { (workload.name) } }
                        }
                    } }
                }
                @for section in &all { (section) }
                @for table in across::tables(campaign) { (table.html()) }
                @if !campaign.counters_notes.is_empty() {
                    section {
                        h2 { "Counters" }
                        ul { @for note in &campaign.counters_notes { li { (note) } } }
                    }
                }
            })
        }
        Kind::Sweep => sweep(campaign, palette),
        Kind::Capacity => capacity(campaign, palette),
    }
}

fn workload(archive: &Archive, workload: &Workload, palette: &Palette) -> Result<Markup> {
    let campaign = &archive.campaign;
    let (rows, noise) = campaign.of_workload(&workload.name);
    let shown = series::shown(archive, workload)?;
    let own = |row: &Row| {
        let mut all = notes::of_row(row, false);
        all.extend(notes::of_versus(campaign, row));
        all
    };
    let load = labels::load(workload);
    // Its backlogs are in the first pictures.
    let is_first = answer::highest(campaign).is_some_and(|first| first.name == workload.name);
    Ok(html! {
        section {
            h2 id=(workload.name) { (workload.name) ": " (load) ", " (workload.format.to_string()) }
            p { (workload.why) }
            p { strong { (answer::of_workload(workload, &rows)) } }
            (grid::of_workload(workload, &rows, &own, palette))
            (grid::kinds(&rows))
            details {
                summary { "How the ranks are to be read" }
                (grid::notes(&notes::general(campaign, workload, &rows, &noise)))
            }
            details {
                summary { "All columns" }
                (grid::in_full(workload, &rows, palette))
            }
            @if workload.is_flood() {
                @if let Some(layers) = waits::layers(&rows)? { (layers) }
            } @else {
                @if !is_first { @if let Some(backlogs) = waits::backlogs(&shown, &rows)? { (backlogs) } }
                @if let Some(rates) = figures::rates(&shown, &rows, palette)? { (rates) }
                @if let Some(curves) = figures::curves(&shown, palette)? { (curves) }
            }
            @if let Some(fall) = figures::waterfall(&rows)? { (fall) }
            @if let Some(ticks) = waits::ticks(&shown)? { (ticks) }
            @if tail::has_any(&rows) {
                h3 { (tail::TITLE) }
                (grid::of_tail(workload, &rows, palette))
                @if let Some(slowest) = waits::slowest(&rows)? { (slowest) }
                @for note in tail::notes(&rows) { p { (note) } }
            }
            @if counters::has_any(&rows) {
                h3 { (counters::TITLE) }
                (grid::of_counters(workload, &rows, palette))
            }
        }
    })
}

fn sweep(campaign: &Campaign, palette: &Palette) -> Result<Markup> {
    let mut rows: Vec<Row> = campaign.rows.clone();
    rows.sort_by(|a, b| (&a.client, a.rate_per_s).cmp(&(&b.client, b.rate_per_s)));
    let own = |row: &Row| notes::of_row(row, true);
    Ok(html! {
        @if let Some(knees) = figures::knees(&rows, "How late each client is at each rate, and where it falls behind")? { (knees) }
        (figures::sweeps(&rows, palette)?)
        section {
            h2 { "All clients at the same rates" }
            (grid::of_sweep(&rows, &own, palette))
            (grid::kinds(&rows))
        }
    })
}

fn capacity(campaign: &Campaign, palette: &Palette) -> Result<Markup> {
    let all = &campaign.capacities;
    let noted = all.iter().filter_map(|c| Some(format!("{}: {}", c.client, c.note.as_ref()?)));
    let notes: Vec<String> = noted.collect();
    let heads = ["ticks/s", "phase", "outcome", "p99", "processed", "CPUs"].map(str::to_owned);
    Ok(html! {
        @if let Some(figure) = figures::capacities(all)? { (figure) }
        section {
            h2 { "The highest rate that each client sustains" }
            p { (capacities::LEGEND) " " code { "sustained at capacity" } " and " code { "sustained above" } " count all probes at those two rates." }
            (grid::of_capacities(all, palette))
            (grid::notes(&notes))
            h3 { "Every probe" }
            @for one in all {
                @let title = format!("{}: {} rounds", one.client, one.probes.len());
                (grid::folded(&title, &heads, &one.probes.iter().map(probe).collect::<Vec<_>>()))
            }
        }
    })
}

fn probe(probe: &Probe) -> Vec<String> {
    vec![
        count(probe.rate_per_s as f64),
        probe.phase.to_string(),
        probe.gave_way.map_or("sustained".into(), |limit| format!("not sustained: {limit}")),
        probe.response_p99_ns.map_or("–".into(), nanos),
        probe.efficiency.map_or("–".into(), |e| format!("{:.2} %", e * 100.0)),
        probe.client_cpus.map_or("–".into(), |n| format!("{n:.2}")),
    ]
}

fn method(campaign: &Campaign) -> Markup {
    html! {
        section {
            h2 { "How it was measured" }
            p {
                "Each round has a new server process and a new client process; rounds run one after the other. "
                (plan(campaign)) " Warm-up at least " (campaign.warmup_s)
                " s, until the run is steady (MSER-5); " (campaign.measure_s) " s measured. "
                "Placement: " (campaign.placement.to_string()) "."
            }
            ul {
                @if campaign.server.keeps_due_times() { li { "The load is open-loop: the time at which a tick is due depends only on its sequence number, and a slow client never delays the schedule. Response time is processed − due, free of coordinated omission; service time is processed − written." } }
                @else { li { "The server has its own pacing: response time is processed − generated, over the sampled ticks generated within the window; service time is processed − written." } }
                li { "The server and all clients stamp the same sampled ticks. A tick still waiting at the stop counts with its age as a lower bound (" code { ">" } ")." }
                li { "Counters, kernel queues, CPU and memory are read from outside every " (campaign.grid_ms) " ms; clients are not queried while they are measured." }
                @if counters::has_any(&campaign.rows) { li { "System calls, context switches, page faults and the processor's counters are from a further round of each client, after all others. Counting costs time, so nothing else of these rounds is used." } }
                li { "Every round is audited: counts agree at every snapshot, checksums equal the market's, no tick is missing. A round that fails is shown as invalid, and never ranked." }
                @if campaign.kind == Kind::Sweep { li { "Numbers are medians over rounds; clients are not ranked." } }
                @if campaign.kind == Kind::Compare { li { "Numbers are medians over rounds with bootstrap intervals. Ranks differ where " (ranks(campaign)) " and the difference is greater than the noise floor, measured by running one client twice; otherwise clients tie." } }
            }
            p { "The whole method, with sources: " a href="../../harness/METHODOLOGY.md" { "METHODOLOGY" } "; the authors' possible biases: " a href="../../harness/BIAS.md" { "BIAS" } "." }
        }
    }
}

/// When ranks differ.
fn ranks(campaign: &Campaign) -> &'static str {
    if campaign.rules == RowRules::AllPairs {
        return "a test finds a difference among all pairs of clients (any false claim in fewer than 5 % of campaigns)";
    }
    let compared = |workload: &Workload| {
        let of = campaign.rows.iter().filter(|row| row.workload == workload.name);
        ranking::most_compared(&of.cloned().collect::<Vec<_>>(), workload.rank_by)
    };
    let among = campaign.workloads.iter().map(compared).max().unwrap_or(0);
    match campaign.rounds as usize {
        rounds if rounds >= ROUNDS_FOR_TESTS && !ranking::can_test(rounds, among) => {
            "a Mann–Whitney test is significant after Holm's adjustment (or, where the rounds are too few for a test among so many clients, all rounds of one are better than all rounds of the other)"
        }
        0..ROUNDS_FOR_TESTS => {
            "all rounds of one client are better than all rounds of the other (too few for a test: of two times three rounds, 2 of 20 arrangements do so by chance)"
        }
        _ => "a Mann–Whitney test is significant after Holm's adjustment",
    }
}

/// The order in which rounds were run.
fn plan(campaign: &Campaign) -> String {
    let (rounds, seed) = (campaign.rounds, campaign.seed);
    let again = match campaign.rules {
        RowRules::Leaders => "",
        RowRules::AllPairs => {
            " Disturbed rounds are played again at the end of their block; only undisturbed ones count."
        }
    };
    let further = match &campaign.request {
        Some(Request::Compare { goal: Some(_), .. }) => {
            " Further blocks have the clients whose figures were not exact enough."
        }
        _ => "",
    };
    match campaign.kind {
        Kind::Compare => format!(
            "{rounds} rounds of each client, in blocks: every block has each client once, in an order shuffled by seed {seed}.{further}{again}"
        ),
        Kind::Sweep => format!(
            "{rounds} rounds of each client at each rate, in blocks: every block has each client once at each rate, in an order shuffled by seed {seed}.{again}"
        ),
        Kind::Capacity => format!(
            "A search climbs by factors of ten, then bisects until the bounds are 5 % apart; its probes take half of the times given here. Then {rounds} fresh rounds have to sustain the rate found, and two just above it have to fail. The rate never changes within a round."
        ),
    }
}

fn repeat(campaign: &Campaign) -> Markup {
    let commit = campaign.commit.as_deref().unwrap_or("unknown");
    html! {
        section {
            h2 { "Repeat it" }
            pre { "git checkout " (commit) "\n" (campaign.command) }
            @if campaign.dirty == Some(true) {
                p { strong { "The files differed from that commit: it cannot be repeated exactly." } }
            }
        }
    }
}

/// Links to the files of a campaign, as far as it has them.
fn downloads(archive: &Archive) -> Markup {
    let campaign = &archive.campaign;
    let rounds = publication::rounds_name(archive.dir());
    html! {
        section {
            h2 { "Downloads" }
            ul {
                li { a href="campaign.json" { "campaign.json" } ": everything above as JSON (schema: " a href="../../harness/schema/campaign.schema.json" { "campaign.schema.json" } ")" }
                li { a href="rows.csv" { "rows.csv" } ": the tables as tidy CSV, a line for each workload, client and metric" }
                @if archive.has_windows() {
                    @if campaign.server.keeps_due_times() { li { a href="windows.parquet" { "windows.parquet" } ": the quantiles of every window that typical response times are medians over" } }
                    li { a href="disturbances.jsonl" { "disturbances.jsonl" } ": what took CPU time from the rounds, a line each" }
                }
                li { a href="charts.json" { "charts.json" } ": the numbers of the first pictures" }
                @if campaign.kind == Kind::Compare && campaign.rows.iter().any(|row| row.rates.processed_per_s.is_some()) {
                    li { a href=(share::SVG) { (share::SVG) } ": the first pictures as one, for chats and slides" }
                }
                li { a href="table.md" { "table.md" } ": the tables as Markdown" }
                li { a href=(rounds) { (rounds) } ": every round with its numbers, counts and verdict" }
                @if campaign.server.keeps_due_times() && campaign.kind != Kind::Capacity && campaign.rows.iter().any(|row| row.response_ns.is_some()) {
                    li { a href="hlog/" { "hlog/" } ": response times as HdrHistogram logs" }
                }
                @if publication::has_stamps(archive.dir()) {
                    li { a href="grid/" { "grid/" } ": every snapshot of counters and queues (CSV, zstd)" }
                    li { a href="journeys/" { "journeys/" } ": the stamps of every sampled tick (CSV of differences, zstd)" }
                    li { "journeys.parquet: the same as one table for pandas, DuckDB and Polars; written by " code { "harness publish " (archive.name()) " --parquet" } }
                }
            }
        }
    }
}
