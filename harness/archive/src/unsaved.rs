//! A full disk: what could not be saved and why, what is saved and where, and what to do.

use std::path::PathBuf;

/// Something of a campaign that could not be saved.
#[derive(Debug, thiserror::Error)]
#[error("cannot save {what} in {}: {why}; {}; free some space there, or choose another directory with --out", dir.display(), kept(*.rounds))]
pub struct Unsaved {
    /// The file.
    pub what: String,
    /// The campaign's directory.
    pub dir: PathBuf,
    /// What the operating system said.
    pub why: String,
    /// Rounds that are saved completely.
    pub rounds: usize,
}

fn kept(rounds: usize) -> String {
    match rounds {
        0 => "no round is saved there".to_owned(),
        1 => "round 1 is saved there".to_owned(),
        rounds => format!("everything up to round {rounds} is saved there"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_is_one_line_with_place_reason_and_remedy() {
        let unsaved = |rounds| Unsaved {
            what: "rounds.jsonl".into(),
            dir: "results/x".into(),
            why: "No space left on device (os error 28)".into(),
            rounds,
        };
        assert_eq!(
            unsaved(7).to_string(),
            "cannot save rounds.jsonl in results/x: No space left on device (os error 28); everything up to round 7 is saved there; free some space there, or choose another directory with --out"
        );
        assert!(unsaved(0).to_string().contains("; no round is saved there; "));
    }
}
