//! Names that are not known, and the known one that was probably meant. Pure.

/// From this likeness on (Jaro–Winkler, 1: the same), a name was probably meant.
const ALIKE: f64 = 0.85;

/// The known name that resembles one most, if any does.
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

/// The question whether that one was meant, with what follows it; empty where
/// nothing resembles the name.
#[must_use]
pub fn question<S: AsRef<str>>(name: &str, known: &[S], then: &str) -> String {
    let meant = nearest(name, known);
    meant.map_or(String::new(), |meant| format!("did you mean `{meant}`?{then}"))
}

/// What is said of an unknown name.
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
    fn a_slip_of_the_fingers_is_understood() {
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
    fn what_resembles_nothing_is_not_guessed() {
        for name in ["", "x", "nobody", "nothing", "websocket", "zeta"] {
            assert_eq!(nearest(name, &KNOWN), None, "{name}");
        }
        assert_eq!(unknown("client", "x", &["a", "b"]), "no client `x`: choose a, b");
    }

    #[test]
    fn the_known_ones_are_always_listed() {
        assert_eq!(
            unknown("client", "gama", &["alpha", "gamma"]),
            "no client `gama`: did you mean `gamma`? choose alpha, gamma"
        );
    }
}
