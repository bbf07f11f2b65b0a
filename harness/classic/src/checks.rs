//! The tests that claims name. Pure: from the measurements of experiments to a verdict, and a
//! sentence with the numbers behind it.

use super::data::{Check, Claim, Data, Needs, Place, Quantity};
use super::facts::{Client, Facts, Seen};
use bench_core::analysis::round::backlog::Layer;
use bench_core::analysis::rows::medians;
use bench_core::analysis::statistics::inference::{self, Interval};
use bench_core::analysis::statistics::slope;
use bench_core::analysis::verdict::Verdict;
use bench_core::text::digits::{count, nanos, thousands};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Number of rounds that a verdict needs.
pub const LEAST_ROUNDS: usize = 3;
/// A smaller backlog, in ticks, is no more than what is in flight.
const LEAST_BACKLOG: f64 = 1000.0;

/// The verdict on a claim, or on one of its checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[schemars(rename = "ClaimOutcome")]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It holds on this machine.
    Holds,
    /// It does not hold on this machine.
    DoesNotHold,
    /// Measurements are missing, or rounds differ by too much.
    CannotTell,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Holds => "holds here",
            Self::DoesNotHold => "does not hold here",
            Self::CannotTell => "cannot tell",
        })
    }
}

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Finding {
    /// The sentence with the numbers, or the reason why there are none.
    pub measured: String,
    /// The verdict.
    pub verdict: Outcome,
}

impl Finding {
    fn cannot(why: String) -> Self {
        Self { measured: why, verdict: Outcome::CannotTell }
    }
}

/// Experiments by name; for those that were not run, the reason.
pub type Experiments = BTreeMap<String, Result<Seen, String>>;

/// The input of the tests.
#[derive(Debug, Clone, Copy)]
pub struct Bench<'a> {
    /// The data file, with roles and titles.
    pub data: &'a Data,
    /// The measurements.
    pub experiments: &'a Experiments,
}

/// The verdict on a claim, from those on its checks.
#[must_use]
pub fn overall(needs: Needs, findings: &[Finding]) -> Outcome {
    let has = |verdict: Outcome| findings.iter().any(|finding| finding.verdict == verdict);
    let (decides, otherwise) = match needs {
        Needs::All => (Outcome::DoesNotHold, Outcome::Holds),
        Needs::Any => (Outcome::Holds, Outcome::DoesNotHold),
    };
    match (has(decides), has(Outcome::CannotTell)) {
        (true, _) => decides,
        (false, true) => Outcome::CannotTell,
        (false, false) => otherwise,
    }
}

impl Bench<'_> {
    /// Tests a claim: a finding for each of its checks.
    #[must_use]
    pub fn claim(&self, claim: &Claim) -> Vec<Finding> {
        claim.checks.iter().map(|check| self.check(check)).collect()
    }

    fn check(&self, check: &Check) -> Finding {
        let found = match check {
            Check::Level { of, at_least, at_most } => self.level(of, (*at_least, *at_most)),
            Check::Ratio { of, to, at_least, at_most } => self
                .ratio(of, to, |interval| within(interval, (*at_least, *at_most)))
                .map(|(text, verdict)| (text + &asked((*at_least, *at_most), &factor), verdict)),
            Check::Apart { of, to, by } => {
                self.ratio(of, to, |interval| apart(interval, *by)).map(|(text, verdict)| {
                    (format!("{text}; required: more than {} either way", factor(*by)), verdict)
                })
            }
            Check::Layers { experiment, role, layers, at_least } => {
                self.layers((experiment, role), layers, *at_least)
            }
        };
        match found {
            Ok((measured, verdict)) => Finding { measured, verdict },
            Err(why) => Finding::cannot(why),
        }
    }

    fn level(&self, of: &Place, bounds: Bounds) -> Result<(String, Outcome), String> {
        let values = self.values(of)?;
        let interval = interval(&values)?;
        let show = |value: f64| shown(of.quantity, value);
        let text =
            format!("{}: {}{}", self.named(of), spread(&values, &show), asked(bounds, &show));
        Ok((text, within(interval, bounds)))
    }

    fn ratio(
        &self,
        of: &Place,
        to: &Place,
        judge: impl Fn(Interval) -> Outcome,
    ) -> Result<(String, Outcome), String> {
        let (a, b) = (self.values(of)?, self.values(to)?);
        // Quantities of the same rounds are paired: what makes a round fast affects both.
        let found = match (&of.experiment, &of.role) == (&to.experiment, &to.role) {
            true => self.paired(of, to)?,
            false => inference::ratio_of_medians(&a, &b, medians::SEED),
        };
        let Some((ratio, interval)) = found else {
            return Err(format!(
                "{} by {}: no ratio, as one of them is zero",
                self.named(of),
                self.named(to)
            ));
        };
        let text = format!(
            "{}: {}, by {}: {}; ratio {} (95 %: {} to {})",
            self.named(of),
            spread(&a, &|value| shown(of.quantity, value)),
            self.named(to),
            spread(&b, &|value| shown(to.quantity, value)),
            factor(ratio),
            factor(interval.low),
            factor(interval.high),
        );
        Ok((text, judge(interval)))
    }

    /// The median over rounds of the ratio within a round; `None` with too few of them.
    fn paired(&self, of: &Place, to: &Place) -> Result<Option<(f64, Interval)>, String> {
        let rounds = self.rounds_of(of)?;
        let ratio = |round: &Facts| {
            let (a, b) = (round.values.get(&of.quantity)?, round.values.get(&to.quantity)?);
            (*a > 0.0 && *b > 0.0).then(|| a / b)
        };
        let ratios: Vec<f64> = rounds.iter().filter_map(ratio).collect();
        if ratios.len() < LEAST_ROUNDS {
            return Ok(None);
        }
        let median = slope::median(ratios.clone());
        Ok(median.zip(inference::median_interval(&ratios, medians::SEED)))
    }

    fn layers(
        &self,
        (experiment, role): (&str, &str),
        layers: &[Layer],
        at_least: f64,
    ) -> Result<(String, Outcome), String> {
        let rounds = self.rounds(experiment, role, &usable)?;
        let all = rounds.iter().map(|round| round.backlog_end.total()).collect();
        let total = slope::median(all).unwrap_or(0.0);
        if total < LEAST_BACKLOG {
            return Err(format!(
                "{}, {}: the backlog is too small ({} ticks at the end)",
                self.title(experiment),
                self.who(role),
                count(total)
            ));
        }
        let share = |round: &Facts, wanted: &dyn Fn(Layer) -> bool| {
            let parts = round.backlog_end.layers();
            let own: f64 = parts.iter().filter(|(layer, _)| wanted(*layer)).map(|(_, n)| n).sum();
            own / round.backlog_end.total().max(1.0)
        };
        let shares: Vec<f64> =
            rounds.iter().map(|round| share(round, &|name| layers.contains(&name))).collect();
        let each = Layer::ALL.map(|layer| {
            let of_layer = rounds.iter().map(|round| share(round, &|name| name == layer)).collect();
            format!("{layer} {}", percent(slope::median(of_layer).unwrap_or(0.0)))
        });
        let text = format!(
            "{}, {}: {} ticks wait at the end: {}; in {}: {}{}",
            self.title(experiment),
            self.who(role),
            count(total),
            each.join(", "),
            joined(layers),
            spread(&shares, &percent),
            asked((Some(at_least), None), &percent)
        );
        Ok((text, within(interval(&shares)?, (Some(at_least), None))))
    }

    /// The values of a quantity, one per round.
    ///
    /// # Errors
    /// Why they give no verdict.
    pub(crate) fn values(&self, of: &Place) -> Result<Vec<f64>, String> {
        let rounds = self.rounds_of(of)?;
        let known = rounds.iter().filter_map(|round| round.values.get(&of.quantity).copied());
        let known: Vec<f64> = known.collect();
        enough(known.len(), &|| self.named(of))?;
        Ok(known)
    }

    /// The rounds that tell something about a quantity.
    fn rounds_of(&self, of: &Place) -> Result<&[Facts], String> {
        let by_server = of.quantity.is_of_server();
        let usable = |client: &Client| match client.row.verdict {
            // What a server sends to a client that waits for it is all that it sends.
            Verdict::ServerLimited if by_server => Ok(()),
            _ => usable(client),
        };
        self.rounds(&of.experiment, &of.role, &usable)
    }

    fn rounds(
        &self,
        experiment: &str,
        role: &str,
        usable: &dyn Fn(&Client) -> Result<(), String>,
    ) -> Result<&[Facts], String> {
        let place = || format!("{}, {}", self.title(experiment), self.who(role));
        let seen = match self.experiments.get(experiment) {
            Some(Ok(seen)) => seen,
            Some(Err(why)) => return Err(format!("{}: {why}", self.title(experiment))),
            None => return Err(format!("{}: was not run", self.title(experiment))),
        };
        let name = self.data.role(role).map_or(role, |role| role.client.as_str());
        // A client that the suite lacks, or that was left out, has no row.
        let absent = || format!("{}: not measured: {name} is unavailable", place());
        let client = seen.clients.get(name).ok_or_else(absent)?;
        usable(client).map_err(|why| format!("{}: {why}", place()))?;
        enough(client.rounds.len(), &place)?;
        Ok(&client.rounds)
    }

    fn named(&self, of: &Place) -> String {
        let quantity = of.quantity;
        format!("{}, {}, {quantity}", self.title(&of.experiment), self.who(&of.role))
    }

    fn title(&self, experiment: &str) -> &str {
        let found = self.data.experiments.iter().find(|one| one.name == experiment);
        found.map_or("", |experiment| experiment.title.as_str())
    }

    fn who(&self, role: &str) -> &str {
        self.data.role(role).map_or("", |role| role.title.as_str())
    }
}

fn joined(layers: &[Layer]) -> String {
    layers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}

/// Fails unless a client's row is ranked: other rows give no verdict.
fn usable(client: &Client) -> Result<(), String> {
    let (verdict, reasons) = (client.row.verdict, &client.row.reasons);
    match verdict {
        _ if verdict.is_ranked() => Ok(()),
        Verdict::Unavailable => {
            Err(format!("not measured: {} is unavailable: {reasons}", client.row.client))
        }
        _ => Err(format!("{verdict}: {reasons}")),
    }
}

fn enough(rounds: usize, of: &dyn Fn() -> String) -> Result<(), String> {
    match rounds < LEAST_ROUNDS {
        true => Err(format!("{}: {rounds} rounds, but {LEAST_ROUNDS} are needed", of())),
        false => Ok(()),
    }
}

type Bounds = (Option<f64>, Option<f64>);

fn interval(values: &[f64]) -> Result<Interval, String> {
    inference::median_interval(values, medians::SEED).ok_or_else(|| "no value".to_owned())
}

fn within(interval: Interval, (at_least, at_most): Bounds) -> Outcome {
    let (low, high) = (at_least.unwrap_or(f64::MIN), at_most.unwrap_or(f64::MAX));
    if interval.low >= low && interval.high <= high {
        Outcome::Holds
    } else if interval.high < low || interval.low > high {
        Outcome::DoesNotHold
    } else {
        Outcome::CannotTell
    }
}

fn apart(interval: Interval, by: f64) -> Outcome {
    match within(interval, (Some(1.0 / by), Some(by))) {
        Outcome::Holds => Outcome::DoesNotHold,
        Outcome::DoesNotHold => Outcome::Holds,
        Outcome::CannotTell => Outcome::CannotTell,
    }
}

fn spread(values: &[f64], show: &dyn Fn(f64) -> String) -> String {
    let median = slope::median(values.to_vec()).unwrap_or(0.0);
    match slope::spread(values) {
        Some((least, most)) if show(least) != show(most) => format!(
            "{} ({} to {} in {} rounds)",
            show(median),
            show(least),
            show(most),
            values.len()
        ),
        _ => format!("{} in {} rounds", show(median), values.len()),
    }
}

fn asked(bounds: Bounds, show: &dyn Fn(f64) -> String) -> String {
    match bounds {
        (Some(low), Some(high)) => format!("; required: {} to {}", show(low), show(high)),
        (Some(low), None) => format!("; required: at least {}", show(low)),
        (None, Some(high)) => format!("; required: at most {}", show(high)),
        (None, None) => String::new(),
    }
}

fn factor(value: f64) -> String {
    format!("{value:.2}")
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// A value as text, with its unit.
#[must_use]
pub fn shown(quantity: Quantity, value: f64) -> String {
    match quantity {
        Quantity::OlderLatencyEveryMs | Quantity::OlderLatencyThousandthMs => {
            format!("{value:.1} ms")
        }
        Quantity::LatencyP50EveryNs
        | Quantity::LatencyP50ThousandthNs
        | Quantity::LatencyP99EveryNs
        | Quantity::LatencyP99ThousandthNs
        | Quantity::LatencyMaxEveryNs
        | Quantity::LatencyMaxThousandthNs => nanos(value.max(0.0) as u64),
        Quantity::SharedMeanTicks | Quantity::SharedMostTicks => count(value),
        _ => format!("{} k/s", thousands(Some(value))),
    }
}
