//! Names of a saved campaign that the command line asks for.

use anyhow::{Result, bail};
use bench_core::text::nearest;
use std::collections::BTreeSet;

/// Checks that a campaign has every name that was asked for.
///
/// # Errors
/// When it lacks one: names those that it has.
pub(super) fn check<'a>(
    kind: &str,
    asked: &[String],
    known: impl Iterator<Item = &'a str>,
) -> Result<()> {
    let known: BTreeSet<&str> = known.collect();
    match asked.iter().find(|name| !known.contains(name.as_str())) {
        Some(unknown) => {
            let known: Vec<&str> = known.into_iter().collect();
            bail!("this campaign: {}", nearest::unknown(kind, unknown, &known))
        }
        None => Ok(()),
    }
}
