//! The index of published campaigns, newest first: as Markdown and as a page.
//! Campaigns that cannot be compared never share a table. Pure.

use crate::report::headline;
use crate::text::labels;
use bench_archive::campaign::{Campaign, Kind, Status};
use bench_core::analysis::rows::ranking::{self, Noise};
use bench_core::load::congestion;
use bench_core::load::workload::Workload;
use bench_core::text::escape;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// The first line of a generated index in Markdown: a file without it is not overwritten.
pub const MADE: &str = "<!-- made by harness publish: do not edit -->";

/// A campaign in the index.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The name of its directory.
    pub name: String,
    /// The campaign, or why it cannot be read.
    pub campaign: Result<Campaign, String>,
    /// Whether its stamps and snapshots are published with it.
    pub has_stamps: bool,
}

/// A run of `harness classic` in the index.
#[derive(Debug, Clone)]
pub struct Classic {
    /// The name of its directory.
    pub name: String,
    /// Its findings, or why it cannot be read.
    pub findings: Result<Findings, String>,
}

/// What the index says about a run of `harness classic`.
#[derive(Debug, Clone)]
pub struct Findings {
    /// When it began, UTC.
    pub started: Option<String>,
    /// The machine in one line.
    pub machine: Option<String>,
    /// How many claims hold, in one sentence.
    pub headline: String,
}

/// Campaigns that share a table.
struct Group<'a> {
    /// Why they cannot be compared with the group above.
    why: Option<String>,
    campaigns: Vec<(&'a Entry, &'a Campaign)>,
}

/// Why two campaigns must not share a table; `None`: they may.
#[must_use]
pub fn apart(a: &Campaign, b: &Campaign) -> Option<String> {
    if a.contract != b.contract {
        return Some(format!("contract {} instead of {}", b.contract, a.contract));
    }
    if a.server != b.server {
        return Some(format!("served by {} instead of {}", b.server, a.server));
    }
    a.workloads.iter().find_map(|one| {
        let other = b.workloads.iter().find(|other| other.name == one.name)?;
        let keys =
            congestion::differing_loads((one, in_force(one, a)), (other, in_force(other, b)));
        (!keys.is_empty())
            .then(|| format!("workload `{}` differs in {}", one.name, keys.join(", ")))
    })
}

/// The congestion control of a workload in a campaign.
fn in_force<'a>(load: &'a Workload, of: &'a Campaign) -> Option<&'a str> {
    congestion::in_force(load, of.machine.congestion_control.as_deref())
}

/// Newest first, split where campaigns cannot be compared.
fn groups(entries: &[Entry]) -> Vec<Group<'_>> {
    let mut sorted: Vec<(&Entry, &Campaign)> =
        entries.iter().filter_map(|e| Some((e, e.campaign.as_ref().ok()?))).collect();
    sorted.sort_by(|a, b| b.1.started.cmp(&a.1.started).then_with(|| b.0.name.cmp(&a.0.name)));
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (entry, campaign) in sorted {
        let reason = |group: &Group<'_>| {
            group.campaigns.iter().find_map(|(_, member)| apart(member, campaign))
        };
        let why = groups.iter().map(reason).collect::<Vec<_>>();
        match why.iter().position(Option::is_none) {
            Some(index) => groups[index].campaigns.push((entry, campaign)),
            None => {
                let why = why.into_iter().next_back().flatten();
                groups.push(Group { why, campaigns: vec![(entry, campaign)] });
            }
        }
    }
    groups
}

/// The answers of a campaign, in one line.
fn headline(campaign: &Campaign) -> String {
    let all = headline::of_campaign(campaign);
    let one = |(index, headline): (usize, &headline::Headline)| match campaign.kind {
        Kind::Compare => {
            let name = campaign.workloads.get(index).map_or("", |w| w.name.as_str());
            format!("{name}: {}", headline.answer)
        }
        _ => headline.answer.clone(),
    };
    all.iter().enumerate().map(one).collect::<Vec<_>>().join(" ")
}

/// The workloads of a campaign, in one line.
fn loads(campaign: &Campaign) -> String {
    let names: Vec<&str> = campaign.workloads.iter().map(|load| load.name.as_str()).collect();
    match (campaign.kind, names.as_slice()) {
        (Kind::Sweep, [first, .., last]) => {
            format!("sweep of {} rates, from {first} to {last}", names.len())
        }
        (Kind::Capacity, _) => format!("capacity, {}", names.join(", ")),
        _ => names.join(", "),
    }
}

fn commit(campaign: &Campaign) -> String {
    labels::narrow_commit(campaign.commit.as_deref(), campaign.dirty)
}

const ABOUT: &str = "Each directory is one run of `harness compare`, `capacity` or `sweep`: `report.html` and `table.md` to read, `campaign.json`, `rounds.jsonl` (compressed where it is large) and `rows.csv` to compute with, `hlog/` for HdrHistogram's viewers.";

/// Where stamps are, and how to get them where they are not.
fn stamps(entries: &[Entry]) -> String {
    let names: Vec<&str> =
        entries.iter().filter(|entry| entry.has_stamps).map(|entry| entry.name.as_str()).collect();
    let which = match names.is_empty() {
        true => "with none of these campaigns".to_owned(),
        false => format!("only with {}", names.join(", ")),
    };
    format!(
        "The stamps of every sampled tick (journeys/) and the snapshots of counters and queues (grid/) are published {which}. To get your own for another campaign, check out its commit and run its command; both are on its page."
    )
}

/// How often controls were told apart in the metric that ranks them, over all campaigns.
fn controls(entries: &[Entry]) -> String {
    let campaigns = entries.iter().filter_map(|entry| entry.campaign.as_ref().ok());
    let found: Vec<bool> = campaigns.flat_map(told_apart).collect();
    let (all, apart) = (found.len(), found.iter().filter(|&&apart| apart).count());
    format!(
        "In {apart} of {all} cases, a client that was entered twice under a workload was told apart from itself, by the test of its campaign; by chance, it would be about one in twenty."
    )
}

/// For each workload and control of a campaign, whether it was told apart.
fn told_apart(campaign: &Campaign) -> Vec<bool> {
    let ranks = |noise: &&Noise| {
        let workload = campaign.workloads.iter().find(|load| load.name == noise.workload);
        let mut rows = campaign.rows.iter();
        let row = rows.find(|row| row.workload == noise.workload && row.client == noise.client);
        row.zip(workload).is_some_and(|(row, load)| {
            let metric = ranking::metric(load.rank_by, row.verdict);
            row.rounds > 1 && ranking::noise_of(metric) == noise.metric
        })
    };
    campaign.noise.iter().filter(ranks).map(Noise::is_told_apart).collect()
}

/// What runs of `harness classic` are.
const CLASSIC: &str =
    "the older benchmark's experiments repeated with this suite, and which of its claims hold.";

/// `results/README.md`.
#[must_use]
pub fn markdown(entries: &[Entry], classics: &[Classic]) -> String {
    let mut out = format!(
        "{MADE}\n# Published campaigns\n\n{ABOUT} [METHODOLOGY](../harness/METHODOLOGY.md) says what each figure means. Written by `harness publish results/CAMPAIGN…`; the same as a page: [index.html](index.html).\n\n{}\n\n{}\n",
        escape::markdown(&stamps(entries)),
        escape::markdown(&controls(entries))
    );
    for group in groups(entries) {
        if let Some(why) = &group.why {
            out.push_str(&format!(
                "\nNot to be compared with the campaigns above: {}.\n",
                escape::markdown(why)
            ));
        }
        out.push_str(
            "\n| campaign | machine | commit | workloads | result |\n|---|---|---|---|---|\n",
        );
        for (entry, campaign) in &group.campaigns {
            let cells = [
                campaign.machine_line(),
                commit(campaign),
                loads(campaign),
                format!("{}{}", state(campaign), headline(campaign)),
            ]
            .map(|text| escape::markdown(&text));
            out.push_str(&format!(
                "| [{}]({1}/report.html) ([text]({1}/table.md)) | {2} |\n",
                escape::markdown(&entry.name),
                escape::address(&entry.name),
                cells.join(" | ")
            ));
        }
    }
    if classics.iter().any(|classic| classic.findings.is_ok()) {
        out.push_str(&format!(
            "\nRuns of `harness classic`: {CLASSIC}\n\n| run | machine | result |\n|---|---|---|\n"
        ));
    }
    for (name, findings) in classic_runs(classics) {
        let machine = findings.machine.as_deref().unwrap_or("unknown");
        out.push_str(&format!(
            "| [{}]({1}/classic.html) ([text]({1}/classic.md)) | {2} | {3} |\n",
            escape::markdown(name),
            escape::address(name),
            escape::markdown(machine),
            escape::markdown(&findings.headline)
        ));
    }
    for (name, why) in unreadable(entries, classics) {
        out.push_str(&format!(
            "\n{} cannot be read: {}\n",
            escape::code(name),
            escape::markdown(why)
        ));
    }
    out
}

fn state(campaign: &Campaign) -> String {
    match campaign.status {
        Status::Complete => String::new(),
        other => format!("({}) ", other),
    }
}

fn unreadable<'a>(
    entries: &'a [Entry],
    classics: &'a [Classic],
) -> impl Iterator<Item = (&'a str, &'a str)> {
    let campaigns = entries.iter().map(|e| (e.name.as_str(), e.campaign.as_ref().err()));
    let runs = classics.iter().map(|c| (c.name.as_str(), c.findings.as_ref().err()));
    campaigns.chain(runs).filter_map(|(name, why)| Some((name, why?.as_str())))
}

/// The runs that can be read, newest first.
fn classic_runs(classics: &[Classic]) -> Vec<(&str, &Findings)> {
    let readable =
        classics.iter().filter_map(|c| Some((c.name.as_str(), c.findings.as_ref().ok()?)));
    let mut runs: Vec<_> = readable.collect();
    runs.sort_by(|a, b| b.1.started.cmp(&a.1.started).then_with(|| b.0.cmp(a.0)));
    runs
}

fn classic_table(classics: &[Classic]) -> Markup {
    html! {
        p { "Runs of " code { "harness classic" } ": " (CLASSIC) }
        div.scroll tabindex="0" {
            table {
                thead { tr { @for head in ["run", "machine", "result"] { th.text scope="col" { (head) } } } }
                tbody { @for (name, findings) in classic_runs(classics) { tr {
                    th scope="row" { a href={ (escape::address(name)) "/classic.html" } { (name) } }
                    td.text.long { (findings.machine.as_deref().unwrap_or("unknown")) }
                    td.text.long { (findings.headline) }
                } } }
            }
        }
    }
}

/// `results/index.html`.
#[must_use]
pub fn page(entries: &[Entry], classics: &[Classic]) -> String {
    let row = |entry: &Entry, campaign: &Campaign| -> Markup {
        html! {
            tr {
                th scope="row" { a href={ (escape::address(&entry.name)) "/report.html" } { (entry.name) } }
                td.text.long { (campaign.machine_line()) }
                td.text { (commit(campaign)) }
                td.text { (loads(campaign)) }
                td.text.long { (state(campaign)) (headline(campaign)) }
            }
        }
    };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:";
                link rel="icon" href="data:,";
                title { "Tick Bench: published campaigns" }
                style { (PreEscaped(include_str!("../assets/report.css"))) }
            }
            body { main {
                h1 { "Tick Bench: published campaigns" }
                p { "When a WebSocket market-data feed gets fast, which client keeps up, and where does the backlog go when it does not? Newest first." }
                p { (stamps(entries)) }
                p { (controls(entries)) }
                @for group in groups(entries) {
                    @if let Some(why) = &group.why {
                        p { strong { "Not to be compared with the campaigns above: " } (why) "." }
                    }
                    div.scroll tabindex="0" {
                        table {
                            thead { tr {
                                @for head in ["campaign", "machine", "commit", "workloads", "result"] {
                                    th.text scope="col" { (head) }
                                }
                            } }
                            tbody { @for (entry, campaign) in &group.campaigns { (row(entry, campaign)) } }
                        }
                    }
                }
                @if classics.iter().any(|classic| classic.findings.is_ok()) { (classic_table(classics)) }
                @for (name, why) in unreadable(entries, classics) {
                    p { code { (name) } " cannot be read: " (why) }
                }
            } }
        }
    }
    .into_string()
}
