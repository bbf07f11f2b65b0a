//! Before a client connects: which client it is, and which plans it refuses.

use crate::case::Candidate;
use crate::plan::plan;
use anyhow::{Context, Result, ensure};
use contract::ToClient;
use tick::Format;

pub(super) fn hello(candidate: &Candidate<'_>) -> Result<()> {
    let mut child = candidate.start()?;
    child.plan(&plan("ws://127.0.0.1:1/", Format::Binary));
    let hello = child.hello()?;
    let claims = candidate.claims;
    ensure!(
        hello.name == claims.name,
        "its name is `{}`, in client.toml `{}`",
        hello.name,
        claims.name
    );
    ensure!(
        hello.class == claims.class,
        "its class is `{}`, in client.toml `{}`",
        hello.class,
        claims.class
    );
    ensure!(hello.versions.iter().any(|version| !version.is_empty()), "it names no version");
    Ok(())
}

/// The line of a valid plan with one key changed or added.
fn changed(key: &str, value: serde_json::Value) -> Result<String> {
    let plan = ToClient::Plan(plan("ws://127.0.0.1:1/", Format::Json));
    let mut plan = serde_json::to_value(plan).context("a plan as JSON")?;
    plan[key] = value;
    Ok(format!("{plan}\n"))
}

fn refuses(candidate: &Candidate<'_>, line: &str) -> Result<()> {
    let mut child = candidate.start()?;
    child.send_text(line);
    child.close_stdin();
    child.refuses(2).map(|_| ())
}

pub(super) fn other_version(candidate: &Candidate<'_>) -> Result<()> {
    refuses(candidate, &changed("contract", 999.into())?)
}

pub(super) fn bad_plan(candidate: &Candidate<'_>) -> Result<()> {
    let unknown = changed("surprise", 1.into())?;
    let cases = [
        ("an unknown key", unknown.as_str()),
        ("a line that is not JSON", "hello?\n"),
        ("`stop` before a plan", "{\"type\":\"stop\"}\n"),
        ("no plan", ""),
    ];
    for (what, line) in cases {
        refuses(candidate, line).context(what)?;
    }
    Ok(())
}
