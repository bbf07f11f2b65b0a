//! Suggestions for unknown names. Pure.

/// The Jaro–Winkler similarity (1: equal) from which on a known name is suggested.
const ALIKE: f64 = 0.85;

/// The known name most similar to `name`, if one is similar enough.
#[must_use]
pub fn nearest<'a, S: AsRef<str>>(name: &str, known: &'a [S]) -> Option<&'a str> {
    let name = name.to_lowercase();
    let likeness = |other: &&str| strsim::jaro_winkler(&name, &other.to_lowercase());
    known
        .iter()
        .map(AsRef::as_ref)
        .filter(|other| likeness(other) >= ALIKE)
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
}

/// `did you mean …?`, followed by `then`; empty if no known name is similar.
#[must_use]
pub fn question<S: AsRef<str>>(name: &str, known: &[S], then: &str) -> String {
    let meant = nearest(name, known);
    meant.map_or(String::new(), |meant| format!("did you mean `{meant}`?{then}"))
}

/// The error message for an unknown name: a suggestion, and all known names.
#[must_use]
pub fn unknown<S: AsRef<str>>(kind: &str, name: &str, known: &[S]) -> String {
    let all: Vec<&str> = known.iter().map(AsRef::as_ref).collect();
    let question = question(name, known, " ");
    format!("no {kind} `{name}`: {question}choose {}", all.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 6] = ["alpha", "alpha:fast", "beta-std", "gamma", "glomm", "steady-json"];

    #[test]
    fn typing_errors_get_a_suggestion() {
        for (slip, meant) in [
            ("alhpa", "alpha"),
            ("Alpha", "alpha"),
            ("alpha:fats", "alpha:fast"),
            ("betastd", "beta-std"),
            ("gama", "gamma"),
            ("steady-jsn", "steady-json"),
        ] {
            assert_eq!(nearest(slip, &KNOWN), Some(meant), "{slip}");
        }
    }

    #[test]
    fn dissimilar_names_get_no_suggestion() {
        for name in ["", "x", "nobody", "nothing", "websocket", "zeta"] {
            assert_eq!(nearest(name, &KNOWN), None, "{name}");
        }
        assert_eq!(unknown("client", "x", &["a", "b"]), "no client `x`: choose a, b");
    }

    #[test]
    fn known_names_are_always_listed() {
        assert_eq!(
            unknown("client", "gama", &["alpha", "gamma"]),
            "no client `gama`: did you mean `gamma`? choose alpha, gamma"
        );
    }
}
