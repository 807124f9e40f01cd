//! `fieldtest tests watch`: live progress in a terminal, a line for each change elsewhere.

use std::io::{self, Write};
use std::num::NonZeroU16;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use client::ClientError;
use domain::{Clock, SystemClock};

use super::progress::Look;
use super::{Session, json, test_id};
use crate::deployment::Deployment;
use crate::failure::Failure;
use crate::output;
use crate::terminal::{Terminal, Tone, shortened};

const NOTES: &str = "\
In a terminal it is a picture that changes; elsewhere each change is a line; with --json each change is an object on a line. \
While there is no answer, that is said once, on standard error.

Exit codes:
  0  complete: every stamp is granted
  1  it cannot be watched, and the error says why; or nobody reads what is printed any more
  2  the arguments are wrong
  3  over with stamps left: expired, closed or cancelled
  4  failed: it could not be scheduled

Example:
  fieldtest tests watch req_019d6c8b-6c00-7b1e-8f1a-0c3d5b6e7f8a";

/// What to watch.
#[derive(Args)]
#[command(after_help = NOTES)]
pub(super) struct WatchArguments {
    /// The id of its request (req_…) or of its challenge (ch_…)
    #[arg(value_parser = test_id)]
    id: String,

    #[command(flatten)]
    pace: Pace,
}

/// How often to look.
#[derive(Args)]
pub(super) struct Pace {
    /// How many seconds there are between two looks
    #[arg(long, value_name = "SECONDS", default_value = "1")]
    interval: NonZeroU16,
}

impl Default for Pace {
    fn default() -> Self {
        Self { interval: NonZeroU16::MIN }
    }
}

pub(super) async fn run(session: &Session, arguments: WatchArguments) -> Result<ExitCode, Failure> {
    let app = session.deployment.app().await?;
    follow(session, &app, &arguments.id, arguments.pace).await
}

/// Watches until there is nothing more to see, or nobody who sees it.
pub(super) async fn follow(
    session: &Session,
    app: &str,
    id: &str,
    pace: Pace,
) -> Result<ExitCode, Failure> {
    let deployment = &session.deployment;
    let mut screen = Screen { session, painted: 0, last: None, has_complained: false };
    let mut look =
        look_at(deployment, app, id).await.map_err(|error| deployment.explain(&error))?;
    if screen.can_repaint() {
        deployment.hush();
    }
    loop {
        if !screen.show(&look)? {
            return Ok(ExitCode::FAILURE);
        }
        if let Some(code) = look.stage(SystemClock.now()).exit_code() {
            return Ok(code);
        }
        look = loop {
            tokio::time::sleep(Duration::from_secs(pace.interval.get().into())).await;
            match look_at(deployment, app, id).await {
                Ok(look) => break look,
                // What has been there once may come back, however long that takes.
                Err(error) if error.is_transient() => {
                    screen.complain(&deployment.explain(&error))?
                }
                Err(error) => return Err(deployment.explain(&error)),
            }
        };
    }
}

async fn look_at(deployment: &Deployment, app: &str, id: &str) -> Result<Look, ClientError> {
    let test = deployment.api.production_test(app, id).await?;
    let report = match &test.request.challenge_id {
        Some(challenge_id) => Some(deployment.api.report(app, challenge_id).await?),
        None => None,
    };
    Ok(Look { test, report })
}

/// Where looks are shown.
struct Screen<'a> {
    session: &'a Session,
    /// How many lines the picture on the terminal has.
    painted: usize,
    last: Option<Look>,
    /// Whether it was said that there is nothing new, since there was something.
    has_complained: bool,
}

impl Screen<'_> {
    fn can_repaint(&self) -> bool {
        !self.session.as_json && self.session.terminal.can_repaint
    }

    /// Shows what is new; whether there is still somebody who sees it.
    fn show(&mut self, look: &Look) -> Result<bool, Failure> {
        let now = SystemClock.now();
        self.has_complained = false;
        if self.can_repaint() {
            // It may have another width by now.
            return self.repaint(&look.picture(now, Terminal::of_output()));
        }
        if self.last.as_ref() == Some(look) {
            return Ok(true);
        }
        self.last = Some(look.clone());
        if self.session.as_json {
            output::is_read(&json(
                &serde_json::json!({ "productionTest": look.test, "report": look.report }),
                false,
            )?)
        } else {
            output::is_read(&format!("{now} {}\n", look.line(now)))
        }
    }

    /// Says why there is nothing new: in place of the picture, until the next look; or else once,
    /// beside the lines.
    fn complain(&mut self, failure: &Failure) -> Result<(), Failure> {
        let text = failure.to_string();
        let text = text.lines().next().unwrap_or_default();
        if self.can_repaint() {
            let terminal = Terminal::of_output();
            let text = shortened(text, terminal.width.unwrap_or(80).saturating_sub(1));
            return self.repaint(&[terminal.paint(Tone::Bad, &text)]).map(drop);
        }
        if !std::mem::replace(&mut self.has_complained, true) {
            // Who cannot be told waits all the same.
            let _ = writeln!(io::stderr(), "{} {text}; still trying", SystemClock.now());
        }
        Ok(())
    }

    /// Puts these lines where the last ones were.
    fn repaint(&mut self, lines: &[String]) -> Result<bool, Failure> {
        let back = if self.painted > 0 {
            format!("\u{1b}[{}F\u{1b}[J", self.painted)
        } else {
            String::new()
        };
        self.painted = lines.len();
        output::is_read(&format!("{back}{}\n", lines.join("\n")))
    }
}
