//! The congestion control of a workload's connections.

use super::workload::{Workload, differing_keys};
use anyhow::{Result, bail};

/// The algorithm of a workload whose file names none.
pub const DEFAULT: &str = "cubic";
/// In a workload file: the machine's default, whatever it is.
pub const INHERIT: &str = "inherit";
/// The longest name of an algorithm (`TCP_CA_NAME_MAX` in include/net/tcp.h, without its end).
const MOST_LETTERS: usize = 15;

/// What a workload holds of what its file says: the algorithm, or `None` for the machine's
/// default, which is also what workloads say that were saved before there was a choice.
///
/// # Errors
/// When it is no name of an algorithm.
pub(super) fn of_file(written: Option<String>) -> Result<Option<String>> {
    let name = written.unwrap_or_else(|| DEFAULT.to_owned());
    let simple = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    if name.is_empty() || name.len() > MOST_LETTERS || !name.chars().all(simple) {
        bail!(
            "congestion: `{name}` is not the name of an algorithm, such as cubic, reno or bbr, nor \"{INHERIT}\""
        );
    }
    Ok((name != INHERIT).then_some(name))
}

/// The algorithm that a workload's connections use on a machine with this default; `None`: not
/// known.
#[must_use]
pub fn in_force<'a>(workload: &'a Workload, default: Option<&'a str>) -> Option<&'a str> {
    workload.congestion.as_deref().or(default)
}

/// The keys in which two loads differ, as [`differing_keys`]; each comes with the algorithm
/// that its connections used, which counts instead of what its file says, if both are known.
#[must_use]
pub fn differing_loads(a: (&Workload, Option<&str>), b: (&Workload, Option<&str>)) -> Vec<String> {
    let (Some(of_a), Some(of_b)) = (a.1, b.1) else { return differing_keys(a.0, b.0) };
    let alike = Workload { congestion: a.0.congestion.clone(), ..b.0.clone() };
    let mut keys = differing_keys(a.0, &alike);
    if of_a != of_b {
        keys.push(format!("congestion {of_a} and {of_b}"));
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workload(congestion: Option<&str>) -> Workload {
        let head = "name='w'\nwhy='w'\nread='r'\nrank_by='processed'\nrate_per_s=5\n";
        let congestion = congestion.map(str::to_owned);
        Workload { congestion, ..toml::from_str(head).unwrap() }
    }

    #[test]
    fn the_algorithm_in_force_decides_and_not_how_it_was_asked_for() {
        let (inherit, cubic) = (workload(None), workload(Some("cubic")));
        let differing = |a: (&Workload, Option<&str>), b: (&Workload, Option<&str>)| {
            differing_loads((a.0, in_force(a.0, a.1)), (b.0, in_force(b.0, b.1)))
        };
        let same = [
            ((&inherit, Some("cubic")), (&cubic, Some("bbr"))),
            ((&inherit, Some("bbr")), (&inherit, Some("bbr"))),
            ((&cubic, Some("bbr")), (&cubic, None)),
        ];
        for (a, b) in same {
            assert_eq!(differing(a, b), Vec::<String>::new());
        }
        let bbr_and_cubic = ["congestion bbr and cubic"];
        assert_eq!(differing((&inherit, Some("bbr")), (&cubic, Some("bbr"))), bbr_and_cubic);
        assert_eq!(differing((&inherit, Some("bbr")), (&inherit, Some("cubic"))), bbr_and_cubic);
        // Where it is not known, what was asked for is compared.
        assert_eq!(differing((&inherit, None), (&inherit, Some("cubic"))), Vec::<String>::new());
        assert_eq!(differing((&inherit, None), (&cubic, None)), ["congestion null and \"cubic\""]);
        let other = Workload { work_ns: 7, ..cubic.clone() };
        assert_eq!(differing((&cubic, None), (&other, None)), ["work_ns 0 and 7"]);
    }
}
