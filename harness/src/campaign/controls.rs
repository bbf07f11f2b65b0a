//! Which clients are entered twice, to show the noise of a campaign.

use anyhow::{Result, anyhow};
use bench_core::text::nearest;
use bench_rig::programs::roster::Entry;
use contract::Class;

/// The program that JavaScript clients outside of browsers need.
const NODE: &str = "node";

/// The controls that were asked for, by their indexes; else [`one`] or, with `several`, a client
/// of each kind that differs most in its noise: the first of class `reference`, the first of class
/// `simulated`, and the first library that runs on Node.js.
///
/// # Errors
/// When one that was asked for does not take part.
pub fn choose(entries: &[Entry], asked: &[String], several: bool) -> Result<Vec<usize>> {
    if !asked.is_empty() {
        let mut found = asked.iter().map(|name| find(entries, name)).collect::<Result<Vec<_>>>()?;
        found.sort_unstable();
        found.dedup();
        return Ok(found);
    }
    if !several {
        return Ok(vec![one(entries)]);
    }
    let of_class = |class: Class| entries.iter().position(|entry| entry.class == class);
    let on_node = |entry: &Entry| {
        entry.class == Class::Library
            && entry.recipe.needs.programs.iter().any(|needed| needed == NODE)
    };
    let fast = of_class(Class::Reference).unwrap_or_else(|| one(entries));
    let others = [of_class(Class::Simulated), entries.iter().position(on_node)];
    let mut all = vec![fast];
    all.extend(others.into_iter().flatten().filter(|&other| other != fast));
    Ok(all)
}

/// The first client of class `reference`, else the first.
fn one(entries: &[Entry]) -> usize {
    entries.iter().position(|entry| entry.class == Class::Reference).unwrap_or(0)
}

fn find(entries: &[Entry], name: &str) -> Result<usize> {
    entries.iter().position(|entry| entry.name == name).ok_or_else(|| {
        let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
        anyhow!(
            "--control {name}: it does not take part; {}name one of the clients compared: {}",
            nearest::question(name, &names, "; "),
            names.join(", ")
        )
    })
}
