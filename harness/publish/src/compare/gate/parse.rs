//! From the text of `--fail-on` to a condition.

use super::condition::{Condition, Objective, Quantile, Rule, Scope};
use bench_core::text::units;
use std::str::FromStr;

/// The accepted forms, as advice in errors.
pub const FORMS: &str = "give `slower`, `slower:5%`, `failed`, or an objective: `p50<2ms` (or p90, p99, p99.9, max), \
     `growth<1%`, `processed>400k`, `capacity>1M`, `cpu<500ns`; for some rows only: `WORKLOAD/CLIENT:p99<2ms`, \
     where either may be `*`";

impl FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = match text.find(['<', '>']) {
            Some(at) => objective(&text[..at], &text[at..]),
            None => change(text),
        };
        let (scope, rule) = parsed.map_err(|why| format!("{why}: {FORMS}"))?;
        Ok(Self { text: text.to_owned(), scope, rule })
    }
}

/// `[WORKLOAD/CLIENT:]slower[:5%]` or `…failed`.
fn change(text: &str) -> Result<(Scope, Rule), String> {
    let unknown = || format!("`{text}` is not a condition");
    let (head, size) = match text.rsplit_once(':') {
        Some((head, size)) if size.ends_with('%') => (head, Some(size)),
        _ => (text, None),
    };
    let (scope, word) = scoped(head)?;
    match (word, size) {
        ("slower", None) => Ok((scope, Rule::Slower(0.0))),
        ("slower", Some(size)) => Ok((scope, Rule::Slower(share(size)?))),
        ("failed", None) => Ok((scope, Rule::Failed)),
        _ => Err(unknown()),
    }
}

/// `[WORKLOAD/CLIENT:]p99<2ms`, split before its sign.
fn objective(head: &str, tail: &str) -> Result<(Scope, Rule), String> {
    let (scope, name) = scoped(head)?;
    let (sign, limit) = tail.split_at(1);
    let limit = limit.trim();
    let time = || units::duration(limit).map(|time| time.as_nanos() as u64);
    let quantile = |which| time().map(|ns| Objective::Quantile(which, ns));
    let objective = match (name, sign) {
        ("p50", "<") => quantile(Quantile::P50),
        ("p90", "<") => quantile(Quantile::P90),
        ("p99", "<") => quantile(Quantile::P99),
        ("p99.9", "<") => quantile(Quantile::P999),
        ("max", "<") => quantile(Quantile::Max),
        ("growth", "<") => share(limit).map(Objective::Growth),
        ("cpu", "<") => time().map(Objective::Cpu),
        ("processed", ">") => units::rate(limit).map(Objective::Processed),
        ("capacity", ">") => units::rate(limit).map(Objective::Capacity),
        _ => Err(format!("`{name}{sign}…` is not an objective")),
    };
    Ok((scope, Rule::Objective(objective?)))
}

/// Splits off a scope at the last colon: a client's name may contain one, too.
fn scoped(text: &str) -> Result<(Scope, &str), String> {
    let Some((scope, rest)) = text.rsplit_once(':') else {
        return Ok((Scope::default(), text.trim()));
    };
    let Some((workload, client)) = scope.split_once('/') else {
        return Err(format!("`{scope}` names no rows: WORKLOAD/CLIENT is missing its `/`"));
    };
    let name = |text: &str| match text.trim() {
        "" => Err(format!("`{scope}` names no rows: `*` stands for all")),
        "*" => Ok(None),
        name => Ok(Some(name.to_owned())),
    };
    Ok((Scope { workload: name(workload)?, client: name(client)? }, rest.trim()))
}

fn share(text: &str) -> Result<f64, String> {
    let digits = text.trim().strip_suffix('%').map(str::trim_end);
    match digits.map(str::parse::<f64>) {
        Some(Ok(percent)) if (0.0..=1000.0).contains(&percent) => Ok(percent / 100.0),
        _ => Err(format!("`{text}` is not a share such as 5%")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (Scope, Rule) {
        let condition: Condition = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(condition.text, text);
        (condition.scope, condition.rule)
    }

    fn scope(workload: Option<&str>, client: Option<&str>) -> Scope {
        Scope { workload: workload.map(str::to_owned), client: client.map(str::to_owned) }
    }

    #[test]
    fn conditions_may_have_spaces_and_any_unit() {
        let quantile = |which, ns| Rule::Objective(Objective::Quantile(which, ns));
        let cases = [
            ("slower", Rule::Slower(0.0)),
            ("slower:5%", Rule::Slower(0.05)),
            ("failed", Rule::Failed),
            ("p50<20us", quantile(Quantile::P50, 20_000)),
            ("p99<2ms", quantile(Quantile::P99, 2_000_000)),
            ("p99 < 2 ms", quantile(Quantile::P99, 2_000_000)),
            ("p99.9<1s", quantile(Quantile::P999, 1_000_000_000)),
            ("max<1s 500ms", quantile(Quantile::Max, 1_500_000_000)),
            ("growth<1%", Rule::Objective(Objective::Growth(0.01))),
            ("processed>400k", Rule::Objective(Objective::Processed(400_000))),
            ("capacity>1M", Rule::Objective(Objective::Capacity(1_000_000))),
            ("cpu<500ns", Rule::Objective(Objective::Cpu(500))),
        ];
        for (text, rule) in cases {
            assert_eq!(parsed(text), (Scope::default(), rule), "{text}");
        }
    }

    #[test]
    fn scopes_select_rows_and_clients_may_have_colons() {
        let of = |text| parsed(text).0;
        assert_eq!(of("steady/x:p99<2ms"), scope(Some("steady"), Some("x")));
        assert_eq!(of("*/x:fast:cpu<1us"), scope(None, Some("x:fast")));
        assert_eq!(of("steady@5000/*:slower:5%"), scope(Some("steady@5000"), None));
        assert_eq!(of("*/*:failed"), Scope::default());
        let x = scope(None, Some("x"));
        assert!(x.has("any", "x") && !x.has("any", "x:fast"));
    }

    #[test]
    fn errors_show_the_accepted_forms() {
        let wrong = [
            "",
            "fast",
            "slower:",
            "slower:5",
            "slower:-5%",
            "failed:5%",
            "p99",
            "p99>2ms",
            "p98<2ms",
            "p99<soon",
            "p99<",
            "growth<5",
            "growth<x%",
            "processed<1k",
            "processed>0",
            "capacity>fast",
            "cpu<5",
            "steady:p99<2ms",
            "/x:p99<2ms",
            "steady/:slower",
            "steady/x",
            ":slower",
        ];
        for text in wrong {
            let error = text.parse::<Condition>().unwrap_err();
            assert!(error.ends_with(FORMS) && error.lines().count() == 1, "{text}: {error}");
        }
    }
}
