//! Hides the paths of this machine: they tell nothing about a measurement, but something about
//! who made it.

use serde_json::Value;
use std::path::Path;

/// Paths of this machine, and what replaces each of them.
#[derive(Debug, Clone)]
pub struct Hidden(Vec<(String, String)>);

impl Hidden {
    /// Hides this path, and the user's home, which then is `~`.
    #[must_use]
    pub fn new(path: &Path, replacement: &str) -> Self {
        let home = std::env::var_os("HOME").unwrap_or_default();
        let all = [(path, replacement), (Path::new(&home), "~")];
        // An empty path, or that of the root directory, would be found everywhere.
        let long = all.into_iter().filter(|(path, _)| path.as_os_str().len() > 1);
        let text = |(path, replacement): (&Path, &str)| {
            (path.to_string_lossy().into_owned(), replacement.to_owned())
        };
        Self(long.map(text).collect())
    }

    /// The same text without these paths, and with paths of which one is only a part of a name:
    /// a home of `/home/al` says nothing about `/home/alice` or `/mnt/home/al`.
    #[must_use]
    pub fn in_text(&self, text: &str) -> String {
        let all = self.0.iter();
        all.fold(text.to_owned(), |text, (path, replacement)| without(&text, path, replacement))
    }

    /// Removes these paths from every text of a JSON value; its keys stay as they are.
    pub fn in_value(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.in_text(text),
            Value::Array(values) => values.iter_mut().for_each(|value| self.in_value(value)),
            Value::Object(map) => map.values_mut().for_each(|value| self.in_value(value)),
            _ => {}
        }
    }
}

/// Replaces a path where it stands as a whole, or begins a longer one.
fn without(text: &str, path: &str, replacement: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(path) {
        let (before, after) = (&rest[..at], &rest[at + path.len()..]);
        shown.push_str(before);
        let is_whole = !continues_name(after) && !ends_in_directory(&shown);
        shown.push_str(if is_whole { replacement } else { path });
        rest = after;
    }
    shown + rest
}

/// Whether a text goes on with the name that ended just before it. A full stop ends a sentence,
/// unless more of a name follows.
fn continues_name(after: &str) -> bool {
    let mut letters = after.chars();
    match letters.next() {
        Some('.') => letters.next().is_some_and(is_of_name),
        next => next.is_some_and(is_of_name),
    }
}

/// Whether a text ends in a part of a path. In `-I/home/al` it does not: an option's letter has
/// no directory.
fn ends_in_directory(before: &str) -> bool {
    let part = before.trim_end_matches(|letter| is_of_name(letter) || "./~".contains(letter));
    before.ends_with(is_of_name) && before[part.len()..].contains('/')
        || before.ends_with(['.', '~'])
}

fn is_of_name(letter: char) -> bool {
    letter.is_alphanumeric() || "-_+@".contains(letter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn no_text_keeps_the_path_or_the_home() {
        let home = std::env::var("HOME").unwrap();
        let hidden = Hidden::new(Path::new("/suite/of/someone"), ".");
        let text = format!("/suite/of/someone/a: no {home}/b in /suite/of");
        assert_eq!(hidden.in_text(&text), "./a: no ~/b in /suite/of");
        let mut value = json!({"a": [text, 1, {"b": "/suite/of/someone"}]});
        hidden.in_value(&mut value);
        assert_eq!(value, json!({"a": ["./a: no ~/b in /suite/of", 1, {"b": "."}]}));
    }

    #[test]
    fn a_path_is_hidden_by_its_components() {
        let hidden = Hidden(vec![("/home/al".into(), "~".into())]);
        for (text, expected) in [
            ("/home/al", "~"),
            ("/home/al/a b", "~/a b"),
            ("no /home/al.", "no ~."),
            ("\"/home/al\", '/home/al/x':3", "\"~\", '~/x':3"),
            ("-I/home/al/include,-L=/home/al", "-I~/include,-L=~"),
            ("file:///home/al/x", "file://~/x"),
            ("/home/al:/home/al", "~:~"),
            ("/home/alice", "/home/alice"),
            ("/home/al.old/x", "/home/al.old/x"),
            ("/home/al-2 /home/al_2 /home/alé", "/home/al-2 /home/al_2 /home/alé"),
            ("/mnt/home/al", "/mnt/home/al"),
            ("../home/al", "../home/al"),
            ("/home/alice /home/al/alice", "/home/alice ~/alice"),
        ] {
            assert_eq!(hidden.in_text(text), expected, "{text}");
        }
    }

    #[test]
    fn the_root_directory_is_not_hidden() {
        assert_eq!(Hidden::new(Path::new("/"), ".").in_text("a/b"), "a/b");
    }
}
