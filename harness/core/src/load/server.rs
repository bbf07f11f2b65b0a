//! The server that a campaign runs against, and who decides when a tick is generated.

use schemars::JsonSchema;

use serde::{Deserialize, Serialize};
use std::fmt;

/// The server of this suite, and its cargo package.
pub const DEFAULT: &str = "tick-server";

/// Who decides when a tick is generated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Paces {
    /// The plan's schedule: each tick has a due time.
    #[default]
    Schedule,
    /// The server itself, as the older benchmark's did: no tick has a due time.
    Classic,
}

/// How the suite's own server paces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// By the plan's schedule
    Schedule,
    /// As the older benchmark's server did
    Classic,
}

/// The server of a campaign.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServedBy {
    /// Its name, `tick-server` or `node`.
    pub name: String,
    /// Its style, if one was chosen.
    pub style: Option<Style>,
    /// Who decides when a tick is generated.
    pub paces: Paces,
}

impl Default for ServedBy {
    fn default() -> Self {
        Self { name: DEFAULT.to_owned(), style: None, paces: Paces::Schedule }
    }
}

impl ServedBy {
    /// Whether it is the server that campaigns use unless another is named.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whether its ticks have due times, where the load gives them.
    #[must_use]
    pub fn keeps_due_times(&self) -> bool {
        self.paces == Paces::Schedule
    }

    /// The command-line options that select it; none for the default.
    #[must_use]
    pub fn options(&self) -> Vec<String> {
        let name = (self.name != DEFAULT).then(|| format!("--server {}", self.name));
        let style = self.style.map(|style| format!("--style {}", style));
        name.into_iter().chain(style).collect()
    }

    /// The note on it below tables; `None` for the default.
    #[must_use]
    pub fn note(&self) -> Option<String> {
        if self.is_default() {
            return None;
        }
        Some(match self.paces {
            Paces::Schedule => format!("Server: {self}."),
            Paces::Classic => format!(
                "Server: {self}. It keeps no schedule, and sends one message repeatedly for a millisecond. Response time is processed − generated: it starts when the server generated the message, not when it should have, so it hides the server's own delays (coordinated omission)."
            ),
        })
    }
}

impl fmt::Display for ServedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let style = self.style.map_or(String::new(), |style| format!(", {} style", style));
        write!(f, "{}{style}", self.name)
    }
}

impl fmt::Display for Style {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Schedule => "schedule",
            Self::Classic => "classic",
        })
    }
}
