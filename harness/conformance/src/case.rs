//! A case, the client that it is played with, and its result.

use crate::child::{Program, Unavailable};
use anyhow::{Context, Result};
use contract::Class;
use contract::child::Keeper;
use std::path::Path;

/// One case.
#[derive(Clone, Copy)]
pub struct Case {
    /// Its name on the command line.
    pub name: &'static str,
    /// What a client that passes has proved.
    pub proves: &'static str,
    /// What to check in a client that fails.
    pub mend: &'static str,
    /// How long it takes.
    pub pace: Pace,
    pub(crate) run: fn(&Candidate<'_>) -> Result<()>,
}

/// How long a case takes, and so when it is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Also before each campaign.
    Quick,
    /// In the whole suite.
    Usual,
    /// In the whole suite; a slow client takes a minute for it.
    Long,
}

/// A client that is to be checked.
#[derive(Clone, Copy)]
pub struct Candidate<'a> {
    /// How to start it.
    pub program: Program<'a>,
    /// What its `client.toml` says of it.
    pub claims: &'a Claims,
    /// Tracks its processes.
    pub keeper: &'a dyn Keeper,
}

/// What a `client.toml` says of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Its name, without that of a variant.
    pub name: String,
    /// Its class.
    pub class: Class,
}

/// The result of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The client did as it should.
    Passed,
    /// What was wrong, in one line.
    Failed(String),
    /// The client cannot run on this machine, and why.
    Unavailable(String),
}

impl Case {
    /// Plays the case with a client.
    #[must_use]
    pub fn play(&self, candidate: &Candidate<'_>) -> Finding {
        match (self.run)(candidate) {
            Ok(()) => Finding::Passed,
            Err(error) => match error.downcast_ref::<Unavailable>() {
                Some(Unavailable(reason)) => Finding::Unavailable(reason.clone()),
                None => Finding::Failed(format!("{error:#}")),
            },
        }
    }
}

impl Claims {
    /// Reads the `client.toml` in a directory.
    ///
    /// # Errors
    /// When there is none, or it has no name or no class.
    pub fn in_directory(dir: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(dir.join("client.toml")).context("no client.toml")?;
        let manifest: toml::Table = text.parse()?;
        let value = |key: &str| manifest.get(key).and_then(toml::Value::as_str);
        let class = serde_json::to_value(value("class"))?;
        Ok(Self {
            name: value("name").context("client.toml: no name")?.to_owned(),
            class: serde_json::from_value(class).context("client.toml: class")?,
        })
    }
}
