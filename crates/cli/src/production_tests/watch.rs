//! `fieldtest tests watch`: live progress in a terminal, elsewhere a line for each change.

use std::io::{self, Write};
use std::num::NonZeroU16;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use client::ClientError;
use domain::{Clock, SystemClock};

use super::snapshot::Snapshot;
use super::state::exit_code;
use super::{Session, json, test_id};
use crate::deployment::Deployment;
use crate::failure::Failure;
use crate::output;
use crate::terminal::{Style, Terminal, truncated};

/// The exit code after Ctrl-C, as shells define it.
const INTERRUPTED: u8 = 128 + 2;

const NOTES: &str = "\
In a terminal the progress is redrawn. Elsewhere each change is a line, with --json an object on a \
line. If the server does not respond, that is reported once on standard error.

Exit codes:
  0  complete: every stamp is granted
  1  it cannot be watched, and the error says why; or the reader closed the pipe
  2  the arguments are not valid
  3  over, and not every stamp is granted: expired, closed or cancelled
  4  failed: it could not be scheduled
  130  interrupted by Ctrl-C; the test goes on

Example:
  fieldtest tests watch req_019d6c8b-6c00-7b1e-8f1a-0c3d5b6e7f8a";

/// The arguments of `tests watch`.
#[derive(Args)]
#[command(after_help = NOTES)]
pub(super) struct WatchArguments {
    /// The id of the request (req_…) or of the challenge (ch_…)
    #[arg(value_parser = test_id)]
    id: String,

    #[command(flatten)]
    poll: PollInterval,
}

/// How often to poll the API.
#[derive(Args)]
pub(super) struct PollInterval {
    /// The number of seconds between two requests
    #[arg(long, value_name = "SECONDS", default_value = "1")]
    interval: NonZeroU16,
}

impl Default for PollInterval {
    fn default() -> Self {
        Self { interval: NonZeroU16::MIN }
    }
}

pub(super) async fn run(session: &Session, arguments: WatchArguments) -> Result<ExitCode, Failure> {
    let app = session.deployment.app().await?;
    follow(session, &app, &arguments.id, arguments.poll).await
}

/// Watches a test until it is over, the reader closes the pipe, or Ctrl-C. The test goes on after
/// that, so the way back to it is shown.
pub(super) async fn follow(
    session: &Session,
    app: &str,
    id: &str,
    poll: PollInterval,
) -> Result<ExitCode, Failure> {
    tokio::select! {
        result = until_over(session, app, id, poll) => result,
        interrupted = tokio::signal::ctrl_c() => {
            interrupted.map_err(|error| Failure::Other(format!("cannot wait for Ctrl-C: {error}")))?;
            // If standard error is closed, nobody can read it.
            let _ = writeln!(
                io::stderr(),
                "\nThe test goes on. Watch it again with: fieldtest tests watch {id}"
            );
            Ok(ExitCode::from(INTERRUPTED))
        }
    }
}

async fn until_over(
    session: &Session,
    app: &str,
    id: &str,
    poll: PollInterval,
) -> Result<ExitCode, Failure> {
    let deployment = &session.deployment;
    let mut display = Display { session, drawn_lines: 0, last: None, has_reported: false };
    let mut snapshot =
        fetch(deployment, app, id).await.map_err(|error| deployment.explain(&error))?;
    if display.can_redraw() {
        deployment.silence();
    }
    loop {
        if !display.show(&snapshot)? {
            return Ok(ExitCode::FAILURE);
        }
        if let Some(code) = exit_code(snapshot.state(SystemClock.now())) {
            return Ok(code);
        }
        snapshot = loop {
            tokio::time::sleep(Duration::from_secs(poll.interval.get().into())).await;
            match fetch(deployment, app, id).await {
                Ok(snapshot) => break snapshot,
                // The test exists, so an outage of the server is waited out.
                Err(error) if error.is_transient() => {
                    display.report(&deployment.explain(&error))?
                }
                Err(error) => return Err(deployment.explain(&error)),
            }
        };
    }
}

async fn fetch(deployment: &Deployment, app: &str, id: &str) -> Result<Snapshot, ClientError> {
    let test = deployment.api.production_test(app, id).await?;
    let report = match &test.request.challenge_id {
        Some(challenge_id) => Some(deployment.api.report(app, challenge_id).await?),
        None => None,
    };
    Ok(Snapshot { test, report })
}

/// Shows snapshots on standard output.
struct Display<'a> {
    session: &'a Session,
    /// The number of lines in the terminal to replace.
    drawn_lines: usize,
    last: Option<Snapshot>,
    /// Whether an outage was reported since the last snapshot.
    has_reported: bool,
}

impl Display<'_> {
    fn can_redraw(&self) -> bool {
        !self.session.as_json && self.session.terminal.can_redraw
    }

    /// Shows a snapshot if it differs from the last one. The result is `false` if the reader has
    /// closed the pipe.
    fn show(&mut self, snapshot: &Snapshot) -> Result<bool, Failure> {
        let now = SystemClock.now();
        self.has_reported = false;
        if self.can_redraw() {
            // Always redrawn: the time that is left and the width of the terminal change too.
            return self.redraw(&snapshot.lines(now, Terminal::stdout()));
        }
        if self.last.as_ref() == Some(snapshot) {
            return Ok(true);
        }
        self.last = Some(snapshot.clone());
        if self.session.as_json {
            let Snapshot { test, report } = snapshot;
            let object = serde_json::json!({ "productionTest": test, "report": report });
            output::print_if_open(&json(&object, false)?)
        } else {
            output::print_if_open(&format!("{now} {}\n", snapshot.log_line(now)))
        }
    }

    /// Reports an outage: in a terminal instead of the progress, elsewhere once on standard error.
    fn report(&mut self, failure: &Failure) -> Result<(), Failure> {
        let text = failure.to_string();
        let text = text.lines().next().unwrap_or_default();
        if self.can_redraw() {
            let terminal = Terminal::stdout();
            let text = truncated(text, terminal.width.unwrap_or(80).saturating_sub(1));
            return self.redraw(&[terminal.paint(Style::Error, &text)]).map(drop);
        }
        if !std::mem::replace(&mut self.has_reported, true) {
            // If standard error is closed, polling goes on.
            let _ = writeln!(io::stderr(), "{} {text}; still trying", SystemClock.now());
        }
        Ok(())
    }

    /// Replaces the lines that were drawn last.
    fn redraw(&mut self, lines: &[String]) -> Result<bool, Failure> {
        let clear = match self.drawn_lines {
            0 => String::new(),
            count => format!("\u{1b}[{count}F\u{1b}[J"),
        };
        self.drawn_lines = lines.len();
        output::print_if_open(&format!("{clear}{}\n", lines.join("\n")))
    }
}
