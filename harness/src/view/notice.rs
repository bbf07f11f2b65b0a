//! Warnings as they arise. One that comes again and again stands there once, with
//! how often it came. Pure.

use std::collections::VecDeque;

/// So many are kept.
const KEPT: usize = 100;

/// One warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Whom it is about; empty: nobody in the campaign.
    pub who: String,
    /// In words, the latest ones.
    pub words: String,
    /// How often it came.
    pub times: u32,
}

impl Notice {
    /// What it is about, before its first colon.
    fn kind(words: &str) -> &str {
        words.split(':').next().unwrap_or_default()
    }

    /// As a line.
    #[must_use]
    pub fn line(&self) -> String {
        let who = if self.who.is_empty() { String::new() } else { format!("{}: ", self.who) };
        let times = if self.times > 1 { format!(" ({} times)", self.times) } else { String::new() };
        format!("{who}{}{times}", self.words)
    }
}

/// All warnings, the newest first.
#[derive(Debug, Default)]
pub struct Notices {
    all: VecDeque<Notice>,
}

impl Notices {
    /// A warning came.
    pub fn add(&mut self, who: &str, words: &str) {
        let same = |other: &Notice| {
            !who.is_empty() && other.who == who && Notice::kind(&other.words) == Notice::kind(words)
        };
        let before = self.all.iter().position(same).and_then(|index| self.all.remove(index));
        self.all.push_front(Notice {
            who: who.to_owned(),
            words: words.to_owned(),
            times: before.map_or(0, |notice| notice.times) + 1,
        });
        self.all.truncate(KEPT);
    }

    /// The newest first.
    pub fn iter(&self) -> impl Iterator<Item = &Notice> {
        self.all.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_repeats_itself_moves_to_the_front_and_is_counted() {
        let mut notices = Notices::default();
        notices.add("a", "others: they used 0.2 CPUs");
        notices.add("a", "stalled: nothing for 120 ms");
        notices.add("b", "others: they used 0.1 CPUs");
        notices.add("a", "others: they used 0.3 CPUs");
        notices.add("", "somebody said this");
        notices.add("", "somebody said this");
        let lines: Vec<String> = notices.iter().map(Notice::line).collect();
        assert_eq!(
            lines,
            [
                "somebody said this",
                "somebody said this",
                "a: others: they used 0.3 CPUs (2 times)",
                "b: others: they used 0.1 CPUs",
                "a: stalled: nothing for 120 ms",
            ]
        );
    }

    #[test]
    fn only_so_many_are_kept() {
        let mut notices = Notices::default();
        (0..1000).for_each(|n| notices.add("", &n.to_string()));
        assert_eq!((notices.len(), notices.iter().next().unwrap().words.as_str()), (KEPT, "999"));
    }
}
