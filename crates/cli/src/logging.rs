//! Logs: on standard error, one event a line (`docs/logging.md`).

use std::fmt;
use std::io::{self, IsTerminal};
use std::str::FromStr;

use domain::{Clock, SystemClock};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::layer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// The crates of this workspace that log.
const OURS: [&str; 10] = [
    "fieldtest",
    "server",
    "workspace_api",
    "challenge_service",
    "scheduler",
    "console",
    "http_support",
    "store_workspace",
    "db",
    "client",
];

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogLevel(LevelFilter);

/// The text is no level.
#[derive(Debug, thiserror::Error)]
#[error("must be error, warn, info, debug or trace")]
pub(crate) struct UnknownLogLevel;

impl Default for LogLevel {
    fn default() -> Self {
        Self(LevelFilter::INFO)
    }
}

impl FromStr for LogLevel {
    type Err = UnknownLogLevel;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "error" => Ok(Self(LevelFilter::ERROR)),
            "warn" => Ok(Self(LevelFilter::WARN)),
            "info" => Ok(Self(LevelFilter::INFO)),
            "debug" => Ok(Self(LevelFilter::DEBUG)),
            "trace" => Ok(Self(LevelFilter::TRACE)),
            _ => Err(UnknownLogLevel),
        }
    }
}

/// How an event is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people, with colour where there is a terminal.
    #[default]
    Text,
    /// For programs: a JSON object.
    Json,
}

/// The text is no format.
#[derive(Debug, thiserror::Error)]
#[error("must be text or json")]
pub(crate) struct UnknownLogFormat;

impl FromStr for LogFormat {
    type Err = UnknownLogFormat;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(UnknownLogFormat),
        }
    }
}

/// Begins to log. To be called once.
pub(crate) fn start(level: LogLevel, format: LogFormat) {
    let base = layer().with_writer(io::stderr).with_target(false).with_timer(Milliseconds);
    let lines = match format {
        LogFormat::Text => base.with_ansi(has_colour()).boxed(),
        LogFormat::Json => {
            base.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed()
        }
    };
    tracing_subscriber::registry().with(lines).with(filter(level)).init();
}

/// What libraries say below a warning is about their insides, and not ours to vouch for. The pool
/// of connections to the database warns of each that breaks; what that means for a request stands
/// in the request's line.
fn filter(LogLevel(level): LogLevel) -> Targets {
    Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target("deadpool", level.min(LevelFilter::ERROR))
        .with_targets(OURS.map(|name| (name, level)))
}

/// Colour is for a terminal whose user has not asked to do without (<https://no-color.org>).
fn has_colour() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// The time as everywhere else in fieldtest: `2026-04-08T10:00:00.000Z`.
struct Milliseconds;

impl FormatTime for Milliseconds {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, "{}", SystemClock.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn libraries_are_heard_only_when_they_warn() {
        let filter = filter("debug".parse().unwrap());
        assert!(filter.would_enable("http_support::request_layer", &Level::DEBUG));
        assert!(!filter.would_enable("http_support::request_layer", &Level::TRACE));
        assert!(filter.would_enable("hyper::proto", &Level::WARN));
        assert!(!filter.would_enable("hyper::proto", &Level::INFO));
    }

    #[test]
    fn a_quiet_program_has_quiet_libraries() {
        let filter = filter("error".parse().unwrap());
        assert!(!filter.would_enable("hyper::proto", &Level::WARN));
        assert!(!filter.would_enable("server", &Level::WARN));
    }
}
