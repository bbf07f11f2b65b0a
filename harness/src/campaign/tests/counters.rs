//! Rounds with counters: after all others, and apart from them.

use super::{Fake, Ran, Recorder, campaign, comparison, ok, scheme};
use crate::campaign::order::Blocks;
use crate::campaign::progress::Extent;
use crate::campaign::run;
use crate::campaign::scheme::Scheme;
use bench_archive::archive::Archive;
use bench_archive::campaign::Status;
use bench_archive::store::Store;
use bench_archive::unsaved::Unsaved;
use bench_core::analysis::verdict::Verdict;
use bench_core::analysis::verdict::reason::Reason;
use std::path::Path;

/// The scheme of a comparison with counters.
fn with_counters(workloads: &[&str]) -> Scheme {
    Scheme { counters: true, ..scheme(Blocks::OfClients, workloads) }
}

#[test]
fn rounds_with_counters_come_last_and_change_no_timed_figure() {
    let plain = Ran::new(&scheme(Blocks::OfClients, &["one", "two"]), |_, _, _| ok());
    let counted = Ran::new(&with_counters(&["one", "two"]), |_, _, _| ok());
    assert_eq!(counted.played[..24], plain.played, "the timed rounds and their order");
    for (block, workload) in counted.played[24..].chunks(3).zip(["one", "two"]) {
        let mut block = block.to_vec();
        block.sort_unstable();
        assert_eq!(block, ["a", "b", "c"].map(|client| (workload.to_owned(), client.to_owned())));
    }
    let Recorder { ended, counted: over, extent, begun, .. } = &counted.progress;
    assert_eq!((*ended, *over, begun.len()), (24, 6, 30));
    assert!(matches!(extent, Extent::Rounds { each: 3, counters: 6, .. }), "{extent:?}");
    assert!(begun[24].ends_with("counters"), "{}", begun[24]);

    let (saved, plain) = (counted.saved(), plain.saved());
    assert_eq!((saved.rounds.len(), saved.counted.len()), (24, 6));
    let mut rows = saved.campaign.rows.clone();
    for row in &mut rows {
        let per_tick = row.counters.take().unwrap();
        assert_eq!((per_tick.system_calls, per_tick.cycles), (Some(1.5), None));
    }
    assert_eq!(rows, plain.campaign.rows);
    assert_eq!(saved.campaign.noise, plain.campaign.noise);
    let notes: Vec<String> =
        saved.campaign.counters_notes.iter().map(ToString::to_string).collect();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].starts_with("cycles: not counted: this machine has no"), "{notes:?}");
}

#[test]
fn a_round_with_counters_that_fails_leaves_its_row_as_it_is() {
    let crash = || Some((Verdict::Failed, Reason::NotRun.into()));
    let scheme = with_counters(&["one"]);
    let ran = Ran::new(
        &scheme,
        |round, client, _| if round >= 12 && client == "a" { crash() } else { ok() },
    );
    let saved = ran.saved();
    for row in &saved.campaign.rows {
        assert_eq!((row.verdict, row.rounds), (Verdict::Ok, 3));
        assert_eq!(row.counters.is_some(), row.client != "a", "{}", row.client);
        assert_eq!(row.remarks.len(), usize::from(row.client == "a"));
    }
}

#[test]
fn a_client_without_numbers_has_no_round_with_counters() {
    let crash = || Some((Verdict::Failed, Reason::NotRun.into()));
    let scheme = with_counters(&["one"]);
    let ran = Ran::new(&scheme, |_, client, _| if client == "a" { crash() } else { ok() });
    assert_eq!((ran.played.len(), ran.progress.counted, ran.progress.left_out), (14, 2, 1));
    assert_eq!(ran.saved().counted.len(), 2);
}

#[test]
fn an_interrupt_among_the_rounds_with_counters_keeps_all_timed_ones() {
    let scheme = with_counters(&["one"]);
    let ran = Ran::new(&scheme, |round, _, _| if round < 13 { ok() } else { None });
    ran.result.as_ref().unwrap();
    assert_eq!(ran.campaign.status, Status::Interrupted);
    let saved = ran.saved();
    assert_eq!((saved.rounds.len(), saved.counted.len()), (12, 1));
    assert!(saved.campaign.rows.iter().all(|row| row.verdict == Verdict::Ok && row.rounds == 3));
    // An earlier one leaves them out.
    let ran = Ran::new(&scheme, |round, _, _| if round < 5 { ok() } else { None });
    assert_eq!((ran.played.len(), ran.progress.counted), (5, 0));
}

#[test]
fn a_full_disk_among_the_rounds_with_counters_costs_no_timed_figure() {
    let scheme = with_counters(&["one"]);
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::create(dir.path(), "campaign", Path::new("/nowhere")).unwrap();
    let request = comparison(true);
    let mut campaign = campaign(request, &scheme.workloads);
    let mut fake = Fake::new(|round, _: &str, _| {
        if round == 13 {
            std::fs::remove_dir_all(dir.path()).unwrap();
        }
        ok()
    });
    let mut progress = Recorder::default();
    let result = run::run(&scheme, &mut fake, &mut store, &mut campaign, &mut progress);
    assert!(result.unwrap_err().is::<Unsaved>());
    assert!(campaign.rows.iter().all(|row| row.verdict == Verdict::Ok && row.rounds == 3));
}

/// What was removed from the rounds is found by what the rows have.
#[test]
fn a_campaign_whose_counters_were_changed_is_refused() {
    let ran = Ran::new(&with_counters(&["one"]), |_, _, _| ok());
    let path = ran.dir.path().join("campaign/rounds.jsonl");
    let mut campaign = ran.campaign.clone();
    campaign.status = Status::Complete;
    let saved = serde_json::to_vec(&campaign).unwrap();
    std::fs::write(ran.dir.path().join("campaign/campaign.json"), saved).unwrap();
    let whole = std::fs::read_to_string(&path).unwrap();
    assert_eq!(ran.saved().counted.len(), 3);
    let lines: Vec<&str> = whole.lines().collect();
    for changed in [
        whole.replacen("\"count\":3000", "\"count\":3001", 1),
        lines[..lines.len() - 1].iter().map(|line| format!("{line}\n")).collect(),
    ] {
        std::fs::write(&path, changed).unwrap();
        let error = Archive::open(&ran.dir.path().join("campaign")).unwrap_err();
        assert!(format!("{error:#}").contains("not those that rounds.jsonl gives"), "{error:#}");
    }
}
