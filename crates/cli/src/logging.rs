//! Logs: on standard error, one event per line (`docs/logging.md`).

use std::fmt;
use std::io;
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

use crate::terminal::has_colours;

/// The crates of this workspace that log.
const CRATES: [&str; 12] = [
    "fieldtest",
    "server",
    "workspace_api",
    "challenge_service",
    "scheduler",
    "webhooks",
    "traces",
    "console",
    "http_support",
    "store_workspace",
    "db",
    "client",
];

/// The lowest level that is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogLevel(LevelFilter);

/// The text is not a level.
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

/// The format of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people, with colours in a terminal.
    #[default]
    Text,
    /// For programs: a JSON object.
    Json,
}

/// The text is not a format.
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

/// Starts logging. Called once.
pub(crate) fn start(level: LogLevel, format: LogFormat) {
    let base = layer().with_writer(io::stderr).with_target(false).with_timer(Milliseconds);
    let lines = match format {
        LogFormat::Text => base.with_ansi(has_colours(&io::stderr())).boxed(),
        LogFormat::Json => {
            base.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed()
        }
    };
    tracing_subscriber::registry().with(lines).with(filter(level)).init();
}

/// Libraries log warnings and errors only: their other events are about their internals. The
/// connection pool warns about each broken connection, which the access log of the request covers.
fn filter(LogLevel(level): LogLevel) -> Targets {
    Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target("deadpool", level.min(LevelFilter::ERROR))
        .with_targets(CRATES.map(|name| (name, level)))
}

/// Formats the time as the API does: `2026-04-08T10:00:00.000Z`.
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
    fn libraries_log_warnings_only() {
        let filter = filter("debug".parse().unwrap());
        assert!(filter.would_enable("http_support::request_layer", &Level::DEBUG));
        assert!(!filter.would_enable("http_support::request_layer", &Level::TRACE));
        assert!(filter.would_enable("hyper::proto", &Level::WARN));
        assert!(!filter.would_enable("hyper::proto", &Level::INFO));
    }

    #[test]
    fn libraries_log_no_more_than_the_program() {
        let filter = filter("error".parse().unwrap());
        assert!(!filter.would_enable("hyper::proto", &Level::WARN));
        assert!(!filter.would_enable("server", &Level::WARN));
    }
}
