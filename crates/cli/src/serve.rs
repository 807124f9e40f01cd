//! `fieldtest serve` (§13).

use clap::Args;
use domain::ClockAndRng;
use server::Server;

use crate::failure::Failure;
use crate::options::{ConfigFile, Options};
use crate::signals::Signals;
use crate::welcome::Welcome;
use crate::{logging, output};

const NOTES: &str = "\
SIGTERM or Ctrl-C stops the server: it accepts nothing new, finishes what is in flight within 10 seconds, and ends with \
exit code 0. A second one ends it at once, with exit code 143 or 130; nothing that was answered is lost.

Logs go to standard error. Standard output says where the server listens and, once, the demo's API key.

Examples:
  fieldtest serve
  fieldtest serve --environment production --public-url https://fieldtest.example
  fieldtest serve --config /etc/fieldtest.toml --log-format json";

/// What `serve` can be told.
#[derive(Args)]
#[command(after_help = NOTES)]
pub(crate) struct ServeArguments {
    #[command(flatten)]
    file: ConfigFile,

    #[command(flatten)]
    typed: Options,
}

/// Serves until a signal says to stop.
pub(crate) async fn run(arguments: ServeArguments) -> Result<(), Failure> {
    let options = arguments.typed.or(arguments.file.options()?);
    logging::start(options.log_level.unwrap_or_default(), options.log_format.unwrap_or_default());
    let config = options.config()?;

    let server = Server::start(config.clone(), ClockAndRng::system()?).await?;
    let signals = Signals::take()
        .map_err(|error| Failure::Other(format!("cannot wait for signals: {error}")))?;
    tracing::info!(address = %server.address(), environment = %config.environment, roles = %config.roles, "started");
    let welcome = Welcome { address: server.address(), config: &config, demo: server.demo() };
    if let Err(error) = output::print(&welcome.to_string()) {
        // The server can do its work even where nobody can read this.
        tracing::warn!(%error, "the address could not be printed");
    }
    server.stopped_by(signals.stop()).await;
    Ok(())
}
