//! `fieldtest tests watch`: live progress in a terminal, a line for each change elsewhere.

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
use crate::terminal::Tone;

const NOTES: &str = "\
In a terminal it is a picture that changes; elsewhere each change is a line; with --json each change is an object on a line.

Exit codes:
  0  complete: every stamp is granted
  1  it cannot be watched; the error says why
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

/// Watches until there is nothing more to see.
pub(super) async fn follow(session: &Session, app: &str, id: &str, pace: Pace) -> Result<ExitCode, Failure> {
    let deployment = &session.deployment;
    let mut screen = Screen { session, painted: 0, last: None };
    let mut look = look_at(deployment, app, id).await.map_err(|error| deployment.explain(&error))?;
    loop {
        screen.show(&look)?;
        if let Some(code) = look.stage(SystemClock.now()).exit_code() {
            return Ok(code);
        }
        look = loop {
            tokio::time::sleep(Duration::from_secs(pace.interval.get().into())).await;
            match look_at(deployment, app, id).await {
                Ok(look) => break look,
                // What has been there once may come back, however long that takes.
                Err(error) if error.is_transient() => screen.complain(&deployment.explain(&error))?,
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
}

impl Screen<'_> {
    fn show(&mut self, look: &Look) -> Result<(), Failure> {
        let now = SystemClock.now();
        let terminal = self.session.terminal;
        if !self.session.as_json && terminal.can_repaint() {
            return self.repaint(&look.picture(now, terminal));
        }
        if self.last.as_ref() == Some(look) {
            return Ok(());
        }
        self.last = Some(look.clone());
        if self.session.as_json {
            output::print(&json(&serde_json::json!({ "productionTest": look.test, "report": look.report }), false)?)
        } else {
            output::print(&format!("{now} {}\n", look.line(now)))
        }
    }

    /// Says why there is nothing new. The next look takes its place.
    fn complain(&mut self, failure: &Failure) -> Result<(), Failure> {
        let terminal = self.session.terminal;
        if !self.session.as_json && terminal.can_repaint() {
            let text = crate::terminal::shortened(
                failure.to_string().lines().next().unwrap_or_default(),
                terminal.width.unwrap_or(80),
            );
            return self.repaint(&[terminal.paint(Tone::Bad, &text)]);
        }
        Ok(())
    }

    /// Puts these lines where the last ones were.
    fn repaint(&mut self, lines: &[String]) -> Result<(), Failure> {
        let back = if self.painted > 0 { format!("\u{1b}[{}F\u{1b}[J", self.painted) } else { String::new() };
        self.painted = lines.len();
        output::print(&format!("{back}{}\n", lines.join("\n")))
    }
}
