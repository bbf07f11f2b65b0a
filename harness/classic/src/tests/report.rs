//! The report of made-up findings.

use super::claims::{LEVEL, data, rates};
use crate::checks::Experiments;
use crate::data::{Data, Quantity};
use crate::findings::{self, Findings, Run};
use crate::overview::answer::Answer;
use crate::{page, text};
use bench_publish::text::style::Style;

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
