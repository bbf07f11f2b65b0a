//! The older benchmark's question at a glance: the four ways to receive under each offered load,
//! and the answer. Pure.

pub mod answer;
pub mod chart;
pub mod load;

#[cfg(test)]
mod tests;

use crate::checks::Bench;
use crate::data::{Place, Quantity};
use crate::question::{Question, Way};
use answer::{Answer, Rounds};
use load::{Load, Received};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The question, its answer, and the loads behind it.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[schemars(rename = "ClassicOverview")]
pub struct Overview {
    /// The question as a sentence.
    pub question: String,
    /// The answer.
    pub answer: Answer,
    /// The loads that were run, in ascending order.
    pub loads: Vec<Load>,
}

/// Answers the question from the measurements.
#[must_use]
pub fn of(question: &Question, bench: &Bench<'_>) -> Overview {
    let runs = question.experiments.iter().filter_map(|name| load(question, bench, name));
    let mut loads: Vec<Load> = runs.collect();
    loads.sort_by(|a, b| a.offered_per_s.total_cmp(&b.offered_per_s));
    let each: Vec<Rounds<'_>> = loads.iter().map(|load| rounds(question, bench, load)).collect();
    let answer = answer::answer(&each);
    Overview { question: question.text.clone(), answer, loads }
}

fn rounds<'a>(question: &Question, bench: &Bench<'_>, load: &'a Load) -> Rounds<'a> {
    let rates = |way| {
        let place = Place {
            experiment: load.experiment.clone(),
            role: question.role(way).to_owned(),
            quantity: Quantity::ProcessedPerS,
        };
        (way, bench.values(&place).unwrap_or_default())
    };
    Rounds { load, rates_per_s: Way::ALL.map(rates).into() }
}

/// `None` if the experiment was not run, or none of its clients was measured.
fn load(question: &Question, bench: &Bench<'_>, name: &str) -> Option<Load> {
    let seen = bench.experiments.get(name)?.as_ref().ok()?;
    let mut rows = seen.clients.values().map(|client| &client.row);
    let offered_per_s = rows.find_map(|row| row.rates.offered_per_s)?;
    let received = |way: Way| {
        let client = bench.data.role(question.role(way))?.client.clone();
        let row = seen.clients.get(&client).map(|client| &client.row);
        let measured = row.filter(|row| row.verdict.is_measured());
        Some(Received {
            way,
            verdict: row.map(|row| row.verdict),
            processed_per_s: measured.and_then(|row| row.rates.processed_per_s),
            client,
        })
    };
    let ways = Way::ALL.into_iter().filter_map(received).collect();
    Some(Load { experiment: name.to_owned(), offered_per_s, ways })
}
