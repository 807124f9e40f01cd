//! `fieldtest serve` (§13).

use clap::Args;
use domain::ClockAndRng;
use server::Server;

use crate::failure::Failure;
use crate::options::{ConfigFile, Options};
use crate::signals::Signals;
use crate::startup_message::StartupMessage;
use crate::{logging, output};

const NOTES: &str = "\
SIGTERM or Ctrl-C stops the server: it accepts no new connections, gives requests in flight 10 \
seconds to finish, and exits with code 0. A second signal stops it at once, with exit code 143 or \
130; nothing that was acknowledged is lost.

Logs go to standard error. Standard output says where the server listens and, once, the API key of \
the demo workspace.

Examples:
  fieldtest serve
  fieldtest serve --environment production --public-url https://fieldtest.example
  fieldtest serve --config /etc/fieldtest.toml --log-format json";

/// The arguments of `serve`.
#[derive(Args)]
#[command(after_help = NOTES)]
pub(crate) struct ServeArguments {
    #[command(flatten)]
    file: ConfigFile,

    #[command(flatten)]
    options: Options,
}

/// Serves until a signal stops the server.
pub(crate) async fn run(arguments: ServeArguments) -> Result<(), Failure> {
    let options = arguments.options.or(arguments.file.options()?);
    logging::start(options.log_level.unwrap_or_default(), options.log_format.unwrap_or_default());
    let config = options.config()?;

    let server = Server::start(config.clone(), ClockAndRng::system()?).await?;
    let signals = Signals::install()
        .map_err(|error| Failure::Other(format!("cannot handle signals: {error}")))?;
    tracing::info!(
        address = %server.address(),
        environment = %config.environment,
        roles = %config.roles,
        "started"
    );
    let message = StartupMessage {
        address: server.address(),
        config: &config,
        demo: server.demo(),
        console_link: server.console_link(),
    };
    if let Err(error) = output::print(&message.to_string()) {
        // The server does not need standard output.
        tracing::warn!(%error, "the address could not be printed");
    }
    server.stopped_by(signals.stop()).await;
    Ok(())
}
