//! Logging to stderr: events with fields, as text for people or as JSON for programs. A
//! thread of its own writes them, so that a reader that stalls or goes away delays no tick.

use clap::ValueEnum;
use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{NonBlocking, WorkerGuard};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::{self, format};
use tracing_subscriber::layer::{Layer, SubscriberExt};

/// The target of addresses that the server listens on. They are logged under every filter,
/// because clients need them.
pub const ADDRESS: &str = "tick_server::address";
/// All targets begin with the name of the crate.
const CRATE: &str = "tick_server";

/// How events are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One line for each event, with its message only
    #[default]
    Text,
    /// One JSON object for each event: timestamp, level, target, message, and fields
    Json,
}

/// A text that is not a filter: neither a level nor a target of this server with a level.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a filter: give off, error, warn, info, debug or trace, or a target with its level, such as info,{CRATE}::accept=debug"
)]
pub struct NotAFilter(pub String);

/// Reads a filter: a level, `TARGET=LEVEL`, or several of them separated by commas.
///
/// # Errors
/// A level or a target that does not exist.
pub fn filter(text: &str) -> Result<Targets, NotAFilter> {
    let unknown = || NotAFilter(text.to_owned());
    // An empty filter would silence everything.
    let text = Some(text).filter(|text| !text.trim().is_empty()).ok_or_else(unknown)?;
    let filter: Targets = text.parse().map_err(|_| unknown())?;
    // A misspelt level is parsed as a target, which would silence everything, too.
    match filter.iter().find(|(target, _)| !target.starts_with(CRATE)) {
        Some((target, _)) => Err(NotAFilter(target.to_owned())),
        None => Ok(filter),
    }
}

/// Starts to write events that pass the filter to stderr. Dropping the guard waits until
/// all are written. To be called once in a process.
pub fn start(filter: &Targets, format: LogFormat) -> WorkerGuard {
    let (stderr, guard) = NonBlocking::new(std::io::stderr());
    let filter = filter.clone().with_target(ADDRESS, LevelFilter::INFO);
    // An error of writing to stderr would be reported to stderr, and panic.
    let lines = fmt::layer().with_writer(stderr).log_internal_errors(false);
    let lines = match format {
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
        LogFormat::Text => lines
            .fmt_fields(format::debug_fn(|line, field, value| match field.name() {
                // The message contains the fields.
                "message" => write!(line, "{value:?}"),
                _ => Ok(()),
            }))
            .with_ansi(false)
            .with_target(false)
            .with_level(false)
            .without_time()
            .boxed(),
    };
    let subscriber = tracing_subscriber::registry().with(lines.with_filter(filter));
    // Fails only if there is one already, which then is used.
    let _ = tracing::subscriber::set_global_default(subscriber);
    guard
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_a_level_or_a_target_that_exists() {
        for good in ["off", "info", "WARN", "tick_server=debug", "info,tick_server::accept=trace"] {
            assert!(filter(good).is_ok(), "{good}");
        }
        for (bad, named) in [
            ("", ""),
            (" ", " "),
            ("loud", "loud"),
            ("info,hyper=debug", "hyper"),
            ("tick_server=loud", "tick_server=loud"),
            ("info,,=,", ""),
        ] {
            assert_eq!(filter(bad), Err(NotAFilter(named.to_owned())), "{bad}");
        }
    }
}
