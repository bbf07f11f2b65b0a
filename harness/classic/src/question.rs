//! The question of the older benchmark, as the data file names its parts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A way for an app to receive ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// A page reads the socket, in a browser.
    BrowserPage,
    /// A page reads the socket, in Tauri's WebView.
    TauriPage,
    /// Rust reads the socket, in a Tauri app.
    TauriNative,
    /// Rust reads the socket, without Tauri.
    Native,
}

impl Way {
    /// In the order of charts and sentences.
    pub const ALL: [Self; 4] =
        [Self::BrowserPage, Self::TauriPage, Self::TauriNative, Self::Native];
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BrowserPage => "page in the browser",
            Self::TauriPage => "page in Tauri's WebView",
            Self::TauriNative => "native client in Tauri",
            Self::Native => "native client alone",
        })
    }
}

/// The question, the experiments that answer it, and the role that receives in each way.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The question as a sentence.
    pub text: String,
    /// The experiments, which differ in their offered load.
    pub experiments: Vec<String>,
    browser_page: String,
    tauri_page: String,
    tauri_native: String,
    native: String,
}

impl Question {
    /// The name of the role that receives in this way.
    #[must_use]
    pub fn role(&self, way: Way) -> &str {
        match way {
            Way::BrowserPage => &self.browser_page,
            Way::TauriPage => &self.tauri_page,
            Way::TauriNative => &self.tauri_native,
            Way::Native => &self.native,
        }
    }
}
