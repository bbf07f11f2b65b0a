//! What the server says on stderr: events with fields, as lines for people or
//! as JSON for machines. A thread of its own writes them, so that a reader
//! which stalls or goes away costs the ticks nothing.

use clap::ValueEnum;
use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{NonBlocking, WorkerGuard};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::{self, format};
use tracing_subscriber::layer::{Layer, SubscriberExt};

/// The target of addresses that the server took. What was asked for is no
/// matter of levels: it is said under every filter.
pub const ADDRESS: &str = "tick_server::address";
/// Targets begin with the crate's name.
const CRATE: &str = "tick_server";

/// How events are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// The message only, one line each
    #[default]
    Text,
    /// One JSON object for each line: timestamp, level, target, message, and fields
    Json,
}

/// Reads a filter: a level, `TARGET=LEVEL`, or several of them with commas between.
///
/// # Errors
/// A level or target that does not exist, in words.
pub fn filter(text: &str) -> Result<Targets, String> {
    if text.trim().is_empty() {
        return Err(unknown(text)); // it would silence everything, too
    }
    let filter: Targets = text.parse().map_err(|_| unknown(text))?;
    // What is no level is read as a target; a target that nothing has would
    // silence everything.
    match filter.iter().find(|(target, _)| !target.starts_with(CRATE)) {
        Some((target, _)) => Err(unknown(target)),
        None => Ok(filter),
    }
}

fn unknown(what: &str) -> String {
    format!(
        "`{what}` is no filter: give off, error, warn, info, debug or trace, \
         or a target with its level, such as info,{CRATE}::accept=debug"
    )
}

/// Starts to write events that pass the filter to stderr, until the guard is
/// dropped, which waits for what is on its way. Once for a process.
pub fn start(filter: &Targets, format: LogFormat) -> WorkerGuard {
    let (stderr, guard) = NonBlocking::new(std::io::stderr());
    let filter = filter.clone().with_target(ADDRESS, LevelFilter::INFO);
    // A complaint of the log's about stderr would go to stderr, and panic.
    let lines = fmt::layer().with_writer(stderr).log_internal_errors(false);
    let lines = match format {
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
        LogFormat::Text => lines
            .fmt_fields(format::debug_fn(|line, field, value| match field.name() {
                // The fields are in the message.
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
    // Fails only where there is one already, which then is as good.
    let _ = tracing::subscriber::set_global_default(subscriber);
    guard
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_a_level_or_names_targets_that_exist() {
        for good in ["off", "info", "WARN", "tick_server=debug", "info,tick_server::accept=trace"] {
            assert!(filter(good).is_ok(), "{good}");
        }
        for bad in ["", " ", "loud", "info,hyper=debug", "tick_server=loud", "info,,=,"] {
            let said = filter(bad).unwrap_err();
            assert!(said.contains("off, error, warn, info, debug or trace"), "{said}");
        }
    }
}
