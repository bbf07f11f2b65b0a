//! Why a run ended.

use contract::{LineError, ServerEnd, ToServer};

/// Why a run ended, and in words.
pub type End = (ServerEnd, Option<String>);

/// How a run ends by a word that comes while it goes on.
#[must_use]
pub fn end_of(word: Result<ToServer, LineError>) -> End {
    match word {
        Ok(ToServer::Stop(_)) => (ServerEnd::Stopped, None),
        Ok(_) => out_of_order(),
        Err(error) => (ServerEnd::Stopped, Some(error.to_string())),
    }
}

/// The end for a line at the wrong time.
#[must_use]
pub fn out_of_order() -> End {
    (ServerEnd::Stopped, Some("a line out of order".into()))
}

/// A client was gone before its first tick.
#[must_use]
pub fn went(error: &impl std::fmt::Display) -> End {
    (ServerEnd::Abandoned, Some(format!("a client went before its first tick: {error}")))
}
