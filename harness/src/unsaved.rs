//! What is said when a disk takes no more: what could not be saved and why, what is
//! saved, where, and how to mend it.

use std::path::PathBuf;

/// Something of a campaign that could not be saved.
#[derive(Debug, thiserror::Error)]
#[error("cannot save {what} in {}: {why}; {}; make room there, or choose another folder by --out", dir.display(), kept(*.rounds))]
pub struct Unsaved {
    /// The file.
    pub what: String,
    /// The campaign's folder.
    pub dir: PathBuf,
    /// The system's words.
    pub why: String,
    /// Rounds that are saved whole.
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
    fn one_line_says_it_all() {
        let unsaved = |rounds| Unsaved {
            what: "rounds.jsonl".into(),
            dir: "results/x".into(),
            why: "No space left on device (os error 28)".into(),
            rounds,
        };
        assert_eq!(
            unsaved(7).to_string(),
            "cannot save rounds.jsonl in results/x: No space left on device (os error 28); everything up to round 7 is saved there; make room there, or choose another folder by --out"
        );
        assert!(unsaved(0).to_string().contains("; no round is saved there; "));
    }
}
