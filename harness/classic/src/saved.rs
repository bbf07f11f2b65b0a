//! The saved findings of a run that was published without its stamps. Pure.

use super::checks;
use super::data::{Claim, Data};
use super::files::SCHEMA;
use super::findings::{Claimed, Findings, Line, efficiency};
use serde_json::Value;

/// Completes findings that were computed without stamps by the saved ones, the object of
/// `classic.json`. What was computed has to be what was saved.
///
/// # Errors
/// Why the saved ones cannot be used, as the end of a sentence that begins with their file.
pub(crate) fn settle(data: &Data, found: Findings, object: &Value) -> Result<Findings, String> {
    let schema = &object["schema"];
    if *schema != SCHEMA {
        return Err(format!(
            "has schema {schema}, and this program reads schema {SCHEMA}: use the commit that it names"
        ));
    }
    let saved: Findings =
        serde_json::from_value(object.clone()).map_err(|error| format!("is damaged: {error}"))?;
    let settled = completed(data, found, &saved);
    let computed = serde_json::to_value(&settled).map_err(|error| error.to_string())?;
    match contradiction(&computed, object) {
        Some(place) => Err(format!(
            "is not what its campaigns give at {place}: one of them was changed afterwards; restore it"
        )),
        None => Ok(settled),
    }
}

fn completed(data: &Data, mut found: Findings, saved: &Findings) -> Findings {
    let claims = data.claims.iter().zip(&mut found.claims);
    for ((claim, own), saved) in claims.zip(&saved.claims) {
        complete_claim(claim, own, saved);
    }
    for (own, saved) in found.experiments.iter_mut().zip(&saved.experiments) {
        own.rows.iter_mut().zip(&saved.rows).for_each(|(own, saved)| complete_row(own, saved));
    }
    found
}

/// Only the findings of checks that need stamps are taken from the saved ones; the verdict follows
/// from all of them.
fn complete_claim(claim: &Claim, own: &mut Claimed, saved: &Claimed) {
    for ((check, own), saved) in claim.checks.iter().zip(&mut own.findings).zip(&saved.findings) {
        if check.needs_stamps() {
            own.clone_from(saved);
        }
    }
    own.verdict = checks::overall(claim.needs, &own.findings);
}

/// The older benchmark's figures are taken from the saved ones, where there was any round.
fn complete_row(own: &mut Line, saved: &Line) {
    if own.rounds == 0 {
        return;
    }
    let (own, saved) = (&mut own.older, &saved.older);
    own.server_reports_per_s = saved.server_reports_per_s;
    own.client_reports_per_s = saved.client_reports_per_s;
    own.latency_ms = saved.latency_ms;
    own.efficiency = efficiency(own.server_reports_per_s, own.client_reports_per_s);
}

/// The first place where a saved value is not the computed one, such as `/claims/0/verdict`. The
/// saved object may lack keys that are newer.
fn contradiction(computed: &Value, saved: &Value) -> Option<String> {
    match (computed, saved) {
        (Value::Object(computed), Value::Object(saved)) => saved.iter().find_map(|(key, value)| {
            let within = contradiction(computed.get(key).unwrap_or(&Value::Null), value)?;
            Some(format!("/{key}{within}"))
        }),
        (Value::Array(computed), Value::Array(saved)) if computed.len() == saved.len() => {
            let mut pairs = computed.iter().zip(saved).enumerate();
            pairs.find_map(|(index, (computed, saved))| {
                Some(format!("/{index}{}", contradiction(computed, saved)?))
            })
        }
        _ => (computed != saved).then(String::new),
    }
}
