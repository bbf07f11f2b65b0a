//! Claims tested with synthetic campaigns, and errors in data files.

use super::checks::{Bench, Experiments, Finding, Outcome, overall};
use super::data::{Data, Needs, Quantity};
use super::facts::{Client, Facts, Head, Seen};
use super::files::{DATA, OBJECT, RUN, SCHEMA};
use super::findings::{self, Findings, Run};
use super::overview::answer::Answer;
use super::{page, read, saved, text};
use bench_archive::campaign::Status;
use bench_core::analysis::round::backlog::Backlog;
use bench_core::analysis::rows::result::RoundResult;
use bench_core::analysis::rows::row;
use bench_core::analysis::verdict::Verdict;
use bench_core::analysis::verdict::reason::{Reason, Reasons};
use bench_core::load::workload::Workload;
use bench_publish::text::style::Style;
use contract::Class;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Two clients in one experiment, and a claim.
fn data(check: &str) -> Data {
    let head = r#"
        about = "made up"
        [[role]]
        name = "a"
        title = "the first"
        client = "one"
        every = 1
        noted_per_s = 30000
        [[role]]
        name = "b"
        title = "the second"
        client = "two:fast"
        every = 1000
        [[experiment]]
        name = "x"
        title = "an experiment"
        why = "to test"
        server = "s"
        workload = "w"
        roles = ["a", "b"]
        control = "a"
        [[claim]]
        id = "c"
        text = "it is so"
        how = "like this"
        [[claim.check]]
    "#;
    Data::parse(&format!("{head}\n{check}")).unwrap()
}

fn facts(values: &[(Quantity, f64)], waiting: [f64; 5]) -> Facts {
    let [server, kernel_send, kernel_receive, library, client] = waiting;
    Facts {
        values: values.iter().copied().collect(),
        backlog_end: Backlog { server, kernel_send, kernel_receive, library, client },
    }
}

fn client(name: &str, verdict: Verdict, rounds: Vec<Facts>) -> (String, Client) {
    let workload: Workload =
        toml::from_str("name='w'\nwhy='w'\nread='r'\nrank_by='backlog_growth'\nrate_per_s=500000")
            .unwrap();
    let result = RoundResult {
        workload: "w".into(),
        client: name.into(),
        control: false,
        round: 1,
        repeat: 0,
        disturbances: Vec::new(),
        verdict,
        reasons: match verdict {
            Verdict::Ok => Reasons::default(),
            _ => Reason::Text("chromium is not on the PATH".into()).into(),
        },
        remarks: Vec::new(),
        measurement: None,
    };
    let row = row::row(&workload, name, Class::Library, &[result]);
    (name.to_owned(), Client { row, rounds })
}

fn seen(clients: Vec<(String, Client)>) -> Experiments {
    let head = Head {
        status: Status::Complete,
        machine: "a machine".into(),
        placement: "server on CPU 0".into(),
        commit: None,
        dirty: None,
    };
    let seen = Seen { head, clients: clients.into_iter().collect() };
    BTreeMap::from([("x".to_owned(), Ok(seen))])
}

/// The processed rates of both clients, one per round.
fn rates(a: &[f64], b: &[f64]) -> Experiments {
    let rounds = |rates: &[f64]| {
        let round = |&rate: &f64| facts(&[(Quantity::ProcessedPerS, rate)], [0.0; 5]);
        rates.iter().map(round).collect()
    };
    seen(vec![
        client("one", Verdict::Ok, rounds(a)),
        client("two:fast", Verdict::Overloaded, rounds(b)),
    ])
}

fn judged(data: &Data, experiments: &Experiments) -> Finding {
    let bench = Bench { data, experiments };
    bench.claim(&data.claims[0]).remove(0)
}

fn verdict(check: &str, experiments: &Experiments) -> Outcome {
    judged(&data(check), experiments).verdict
}

const LEVEL: &str = "test = 'level'\nof = { experiment = 'x', role = 'a', quantity = 'processed_per_s' }\nat_least = 21000\nat_most = 35000";
const RATIO: &str = "test = 'ratio'\nof = { experiment = 'x', role = 'b', quantity = 'processed_per_s' }\nto = { experiment = 'x', role = 'a', quantity = 'processed_per_s' }\nat_least = 1.5";
const APART: &str = "test = 'apart'\nof = { experiment = 'x', role = 'b', quantity = 'processed_per_s' }\nto = { experiment = 'x', role = 'a', quantity = 'processed_per_s' }\nby = 1.1";
const LAYERS: &str =
    "test = 'layers'\nexperiment = 'x'\nrole = 'a'\nlayers = ['library', 'client']\nat_least = 0.5";

#[test]
fn a_level_is_within_its_bounds_outside_or_undecided() {
    let of = |a: &[f64]| verdict(LEVEL, &rates(a, &[]));
    assert_eq!(of(&[27e3, 28e3, 29e3]), Outcome::Holds);
    assert_eq!(of(&[7e3, 8e3, 9e3]), Outcome::DoesNotHold);
    assert_eq!(of(&[36e3, 37e3, 90e3]), Outcome::DoesNotHold);
    assert_eq!(of(&[20e3, 28e3, 29e3]), Outcome::CannotTell, "the rounds lie on both sides");
    assert_eq!(of(&[28e3, 28e3]), Outcome::CannotTell, "two rounds");
    let found = judged(&data(LEVEL), &rates(&[27e3, 28e3, 29e3], &[]));
    assert_eq!(
        found.measured,
        "an experiment, the first, processed: 28.0 k/s (27.0 k/s to 29.0 k/s in 3 rounds); required: 21.0 k/s to 35.0 k/s"
    );
}

#[test]
fn a_ratio_is_judged_by_its_interval() {
    let of = |a: &[f64], b: &[f64]| verdict(RATIO, &rates(a, b));
    assert_eq!(of(&[10e3, 10e3, 11e3], &[20e3, 21e3, 22e3]), Outcome::Holds);
    assert_eq!(of(&[10e3, 10e3, 11e3], &[11e3, 12e3, 12e3]), Outcome::DoesNotHold);
    assert_eq!(of(&[10e3, 11e3, 12e3], &[14e3, 17e3, 22e3]), Outcome::CannotTell);
    assert_eq!(of(&[0.0; 3], &[14e3, 17e3, 22e3]), Outcome::CannotTell, "by zero");
}

#[test]
fn two_quantities_of_one_client_are_compared_round_by_round() {
    let same = RATIO.replace(
        "role = 'b', quantity = 'processed_per_s'",
        "role = 'a', quantity = 'written_per_s'",
    );
    let of = |pairs: &[(f64, f64)]| {
        let round = |&(processed, written): &(f64, f64)| {
            let values = [(Quantity::ProcessedPerS, processed), (Quantity::WrittenPerS, written)];
            facts(&values, [0.0; 5])
        };
        let rounds = pairs.iter().map(round).collect();
        verdict(&same, &seen(vec![client("one", Verdict::Ok, rounds)]))
    };
    // Rounds differ by a factor of three, but the ratio is 2 in each.
    assert_eq!(of(&[(10e3, 20e3), (20e3, 40e3), (30e3, 60e3)]), Outcome::Holds);
    assert_eq!(of(&[(10e3, 10e3), (20e3, 21e3), (30e3, 31e3)]), Outcome::DoesNotHold);
    assert_eq!(of(&[(10e3, 20e3), (0.0, 40e3), (30e3, 60e3)]), Outcome::CannotTell);
}

#[test]
fn quantities_that_tie_are_not_apart() {
    let of = |a: &[f64], b: &[f64]| verdict(APART, &rates(a, b));
    assert_eq!(of(&[10e3, 10e3, 10e3], &[13e3, 13e3, 14e3]), Outcome::Holds);
    assert_eq!(of(&[10e3, 10e3, 10e3], &[7e3, 7e3, 8e3]), Outcome::Holds, "either way");
    assert_eq!(of(&[10e3, 10e3, 10e3], &[10e3, 10.2e3, 10.4e3]), Outcome::DoesNotHold);
    assert_eq!(of(&[10e3, 10e3, 10e3], &[9e3, 10e3, 13e3]), Outcome::CannotTell);
}

#[test]
fn a_backlog_is_located_by_the_share_of_its_layers() {
    let of = |waiting: [f64; 5]| {
        let rounds = vec![facts(&[], waiting); 3];
        judged(&data(LAYERS), &seen(vec![client("one", Verdict::Overloaded, rounds)]))
    };
    assert_eq!(of([0.0, 0.0, 10e3, 20e3, 70e3]).verdict, Outcome::Holds);
    let server = of([880e3, 50e3, 60e3, 10e3, 0.0]);
    assert_eq!(server.verdict, Outcome::DoesNotHold);
    assert!(server.measured.contains("1 000 000 ticks wait at the end: server 88 %"), "{server:?}");
    assert_eq!(of([5.0, 5.0, 5.0, 5.0, 5.0]).verdict, Outcome::CannotTell, "nothing waits");
}

#[test]
fn missing_measurements_give_no_verdict_and_a_reason() {
    let data = data(LEVEL);
    let say = |experiments: &Experiments| {
        let found = judged(&data, experiments);
        assert_eq!(found.verdict, Outcome::CannotTell);
        found.measured
    };
    let gone = seen(vec![client("one", Verdict::Unavailable, Vec::new())]);
    assert_eq!(
        say(&gone),
        "an experiment, the first: not measured: one is unavailable: chromium is not on the PATH"
    );
    let invalid = seen(vec![client("one", Verdict::Invalid, vec![Facts::default(); 3])]);
    assert!(say(&invalid).contains("the first: invalid: "));
    assert_eq!(
        say(&seen(Vec::new())),
        "an experiment, the first: not measured: one is unavailable"
    );
    let unread = BTreeMap::from([("x".to_owned(), Err("node is not there".to_owned()))]);
    assert_eq!(say(&unread), "an experiment: node is not there");
    assert_eq!(say(&BTreeMap::new()), "an experiment: was not run");
    let other = facts(&[(Quantity::WrittenPerS, 1.0)], [0.0; 5]);
    let unknown = seen(vec![client("one", Verdict::Ok, vec![other; 3])]);
    assert!(say(&unknown).contains("0 rounds, but 3 are needed"));
}

#[test]
fn what_a_server_sends_is_known_of_rounds_that_it_limits() {
    let sent = RATIO.replace("processed_per_s", "generated_per_s");
    let rounds = |rate: f64| {
        let values = [(Quantity::GeneratedPerS, rate), (Quantity::ProcessedPerS, rate)];
        vec![facts(&values, [0.0; 5]); 3]
    };
    let limited = seen(vec![
        client("one", Verdict::ServerLimited, rounds(200e3)),
        client("two:fast", Verdict::ServerLimited, rounds(980e3)),
    ]);
    assert_eq!(verdict(&sent, &limited), Outcome::Holds);
    let found = judged(&data(RATIO), &limited);
    assert_eq!(found.verdict, Outcome::CannotTell, "of a client: {}", found.measured);
}

#[test]
fn a_claim_needs_all_of_its_checks_or_any() {
    use Outcome::{CannotTell, DoesNotHold, Holds};
    let of = |needs, verdicts: &[Outcome]| {
        let all = verdicts.iter().map(|&verdict| Finding { measured: String::new(), verdict });
        overall(needs, &all.collect::<Vec<_>>())
    };
    assert_eq!(of(Needs::All, &[Holds, Holds]), Holds);
    assert_eq!(of(Needs::All, &[Holds, CannotTell]), CannotTell);
    assert_eq!(of(Needs::All, &[CannotTell, DoesNotHold]), DoesNotHold);
    assert_eq!(of(Needs::Any, &[DoesNotHold, Holds, CannotTell]), Holds);
    assert_eq!(of(Needs::Any, &[DoesNotHold, CannotTell]), CannotTell);
    assert_eq!(of(Needs::Any, &[DoesNotHold, DoesNotHold]), DoesNotHold);
}

#[test]
fn errors_in_the_data_say_where_they_are() {
    let sound = "about='a'\n[[role]]\nname='r'\ntitle='t'\nclient='c'\nevery=1\n[[experiment]]\nname='x'\ntitle='t'\nwhy='w'\nserver='s'\nworkload='w'\nroles=['r']\ncontrol='r'\n[[claim]]\nid='i'\ntext='t'\nhow='h'\n[[claim.check]]\ntest='level'\nof={experiment='x',role='r',quantity='processed_per_s'}\nat_least=1\n";
    Data::parse(sound).unwrap();
    for (from, to, expected) in [
        ("test='level'", "test='levle'", "unknown variant `levle`"),
        ("every=1", "every=7", "every: 7: give 1 or 1000"),
        ("roles=['r']", "roles=['q']", "experiment x: no role `q`: choose r"),
        ("control='r'", "control='q'", "control: no role `q`"),
        ("experiment='x'", "experiment='y'", "claim i: no experiment `y`: choose x"),
        ("role='r',", "role='q',", "claim i: experiment x: no role `q`"),
        ("quantity='processed_per_s'", "quantity='speed'", "unknown variant `speed`"),
        ("at_least=1\n", "", "claim i: give at_least, at_most, or both"),
        ("name='x'", "name='../x'", "as it names a directory"),
        ("at_least=1\n", "at_least=1\nmore=2\n", "unknown field `more`"),
    ] {
        let text = sound.replacen(from, to, 1);
        assert_ne!(text, sound, "{from}");
        let error = format!("{:#}", Data::parse(&text).unwrap_err());
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

#[test]
fn foreign_text_stays_text() {
    let mut data = data(LEVEL);
    data.about = "about <b>`x`</b>".into();
    data.claims[0].text = "<script>alert(1)</script> | b".into();
    let mut experiments = rates(&[27e3, 28e3, 29e3], &[1.0, 1.0, 1.0]);
    if let Some(Ok(seen)) = experiments.get_mut("x") {
        seen.head.machine = "<img src=x>".into();
    }
    let found = findings::of(&data, &Run { started: "now".into(), ..Run::default() }, &experiments);
    let markdown = text::markdown(&found);
    assert!(markdown.contains(r"\<script>alert(1)\</script> \| b"), "{markdown}");
    assert!(markdown.contains(r"\<img src=x>") && markdown.contains(r"\<b>`x`\</b>"));
    let html = page::page(&found).unwrap();
    assert!(!html.contains("<script>") && !html.contains("<img"), "{html}");
    assert!(html.contains("&lt;script&gt;") && html.contains("<code>x</code>"));
    assert!(text::render(&found, Style::Terminal).contains("holds here"));
    assert_eq!(
        found.headline(),
        "Of 1 claims of the older benchmark, 1 hold here (c), 0 do not, and 0 cannot be decided."
    );
}

#[test]
fn the_answer_and_its_chart_stand_at_the_head() {
    let mut data = data(LEVEL);
    let question = "text='<which>?'\nexperiments=['x']\nbrowser_page='a'\ntauri_page='a'\ntauri_native='b'\nnative='b'";
    data.question = Some(toml::from_str(question).unwrap());
    let mut experiments = rates(&[30e3; 3], &[797e3; 3]);
    let findings = |experiments: &Experiments| {
        findings::of(&data, &Run { started: "now".into(), ..Run::default() }, experiments)
    };
    let unknown = findings(&experiments).overview.unwrap();
    assert!(unknown.loads.is_empty(), "no offered load is known: {unknown:?}");
    assert!(matches!(unknown.answer, Answer::NotMeasured { .. }));
    let Some(Ok(seen)) = experiments.get_mut("x") else { panic!() };
    for client in seen.clients.values_mut() {
        let rate = client.rounds[0].values[&Quantity::ProcessedPerS];
        client.row.rates.offered_per_s = Some(800e3);
        client.row.rates.processed_per_s = Some(rate);
    }
    let found = findings(&experiments);
    let overview = found.overview.clone().unwrap();
    assert!(matches!(overview.answer, Answer::ReadInRust { .. }), "{overview:?}");
    let page = page::page(&found).unwrap();
    let (head, tables) = page.split_once("<h2>").unwrap();
    assert!(head.contains("<strong>&lt;which&gt;?</strong> In a Tauri app, read"), "{head}");
    assert!(head.contains("<svg ") && !tables.contains("<svg "), "{head}");
    let markdown = text::markdown(&found);
    assert!(markdown.contains("\n\n**\\<which>?** In a Tauri app, read"), "{markdown}");
    let terminal = text::render(&found, Style::Terminal);
    assert!(terminal.contains("\n\n<which>? In a Tauri app, read"), "{terminal}");
    let object = serde_json::to_value(&found).unwrap();
    let again: Findings = serde_json::from_value(object).unwrap();
    assert_eq!(again.overview, Some(overview));
}

#[test]
fn a_question_names_roles_of_its_experiments() {
    let claims = "[[claim]]\nid='i'\ntext='t'\nhow='h'\n[[claim.check]]\ntest='level'\nof={experiment='x',role='r',quantity='processed_per_s'}\nat_least=1\n";
    let head = "about='a'\n[question]\ntext='q'\nexperiments=['x']\nbrowser_page='r'\ntauri_page='r'\ntauri_native='r'\nnative='r'\n[[role]]\nname='r'\ntitle='t'\nclient='c'\nevery=1\n[[experiment]]\nname='x'\ntitle='t'\nwhy='w'\nserver='s'\nworkload='w'\nroles=['r']\ncontrol='r'\n";
    let sound = format!("{head}{claims}");
    Data::parse(&sound).unwrap();
    for (from, to, expected) in [
        ("native='r'\n[[", "native='q'\n[[", "question: experiment x: no role `q`: choose r"),
        ("experiments=['x']", "experiments=['y']", "question: no experiment `y`: choose x"),
    ] {
        let text = sound.replacen(from, to, 1);
        let error = format!("{:#}", Data::parse(&text).unwrap_err());
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

/// The newest run that was published without its stamps.
fn published() -> PathBuf {
    let results = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../results");
    let dirs = results.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let lacks_stamps = |dir: &PathBuf| {
        let mut experiments = dir.read_dir().unwrap().map(|entry| entry.unwrap().path());
        !experiments.any(|experiment| experiment.join("journeys").exists())
    };
    let runs = dirs.filter(|dir| dir.join(OBJECT).exists());
    runs.filter(lacks_stamps).max().unwrap()
}

fn object(dir: &Path) -> Value {
    serde_json::from_slice(&fs::read(dir.join(OBJECT)).unwrap()).unwrap()
}

/// Its data, and its findings without what needs stamps.
fn computed(dir: &Path) -> (Data, Findings) {
    let data = Data::parse(&fs::read_to_string(dir.join(DATA)).unwrap()).unwrap();
    let run: Run = serde_json::from_slice(&fs::read(dir.join(RUN)).unwrap()).unwrap();
    let (experiments, lack_stamps) = read::experiments(dir, &data, &run).unwrap();
    assert!(lack_stamps);
    let found = findings::of(&data, &run, &experiments);
    (data, found)
}

/// The places of all values that are neither objects nor lists.
fn leaves(value: &Value, place: &str) -> Vec<String> {
    match value {
        Value::Object(map) => {
            map.iter().flat_map(|(key, value)| leaves(value, &format!("{place}/{key}"))).collect()
        }
        Value::Array(all) => {
            let each = all.iter().enumerate();
            each.flat_map(|(index, value)| leaves(value, &format!("{place}/{index}"))).collect()
        }
        _ => vec![place.to_owned()],
    }
}

/// Another value, of the same kind.
fn altered(value: &Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => json!(number.as_f64().unwrap() * 1.001 + 1e-3),
        Value::Number(number) => json!(number.as_u64().unwrap() + 1),
        Value::Bool(is) => json!(!is),
        Value::String(text) => json!(match text.as_str() {
            "ok" => "overloaded",
            "overloaded" => "ok",
            "holds" => "does-not-hold",
            "does-not-hold" => "cannot-tell",
            "cannot-tell" => "holds",
            // A figure in a sentence.
            text if text.contains(" k/s") => return json!(text.replacen(" k/s", "1 k/s", 1)),
            text => return json!(format!("{text}.")),
        }),
        _ => json!(1),
    }
}

/// Whether a value of `classic.json` cannot be computed without stamps.
fn needs_stamps(data: &Data, place: &str) -> bool {
    let mut parts = place.split('/').skip(1);
    let number = |part: Option<&str>| part.unwrap().parse::<usize>().unwrap();
    match parts.next() {
        Some("claims") => {
            let claim = &data.claims[number(parts.next())];
            parts.next() == Some("findings") && claim.checks[number(parts.next())].needs_stamps()
        }
        _ => place.ends_with("/older/latency_ms"),
    }
}

#[test]
fn every_saved_value_that_needs_no_stamps_is_computed_again() {
    let dir = published();
    let (data, found) = computed(&dir);
    let sound = object(&dir);
    let settled = saved::settle(&data, found.clone(), &sound).unwrap();
    assert_eq!(serde_json::to_value(&settled).unwrap(), sound);
    let (mut refused, mut kept) = (0, 0);
    for place in leaves(&sound, "") {
        let mut changed = sound.clone();
        let value = changed.pointer_mut(&place).unwrap();
        *value = altered(value);
        let result = saved::settle(&data, found.clone(), &changed);
        match needs_stamps(&data, &place) {
            true => kept += 1,
            false => {
                assert!(result.is_err(), "{place}: {}", changed.pointer(&place).unwrap());
                refused += 1;
            }
        }
    }
    assert!(refused > 10 * kept && kept > 0, "{refused} and {kept}");
    for list in ["/claims", "/experiments", "/experiments/0/rows", "/claims/0/findings"] {
        let mut changed = sound.clone();
        changed.pointer_mut(list).unwrap().as_array_mut().unwrap().pop().unwrap();
        let why = saved::settle(&data, found.clone(), &changed).unwrap_err();
        assert!(why.contains(list), "{why}");
    }
}

#[test]
fn an_altered_figure_in_a_run_without_stamps_is_found() {
    let (from, room) = (published(), tempfile::tempdir().unwrap());
    for item in from.read_dir().unwrap().map(|entry| entry.unwrap().path()) {
        let to = room.path().join(item.file_name().unwrap());
        if item.is_file() {
            fs::copy(&item, to).unwrap();
            continue;
        }
        fs::create_dir(&to).unwrap();
        for name in ["campaign.json", "rounds.jsonl"] {
            fs::copy(item.join(name), to.join(name)).unwrap();
        }
    }
    let sound = fs::read_to_string(room.path().join(OBJECT)).unwrap();
    let found = read(room.path()).unwrap();
    assert_eq!(serde_json::to_string_pretty(&found).unwrap() + "\n", sound);
    let refused = |place: &str, value: Value| {
        let mut changed = object(&from);
        *changed.pointer_mut(place).unwrap() = value;
        fs::write(room.path().join(OBJECT), changed.to_string()).unwrap();
        format!("{:#}", read(room.path()).unwrap_err())
    };
    let place = "/experiments/0/rows/0/ours/processed_per_s";
    let error = refused(place, json!(500_000.0));
    assert!(error.contains(OBJECT) && error.contains(&format!("give at {place}: ")), "{error}");
    let error = refused("/schema", json!(SCHEMA + 1));
    assert!(error.contains(&format!("has schema {}", SCHEMA + 1)), "{error}");
    let error = refused("/claims", json!("none"));
    assert!(error.contains("is damaged"), "{error}");
    fs::write(room.path().join(OBJECT), &sound[..sound.len() / 2]).unwrap();
    let error = format!("{:#}", read(room.path()).unwrap_err());
    assert!(error.contains("is damaged"), "{error}");
}
