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

    /// The same text without these paths.
    #[must_use]
    pub fn in_text(&self, text: &str) -> String {
        let all = self.0.iter();
        all.fold(text.to_owned(), |text, (path, replacement)| text.replace(path, replacement))
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
    fn the_root_directory_is_not_hidden() {
        assert_eq!(Hidden::new(Path::new("/"), ".").in_text("a/b"), "a/b");
    }
}
