//! `fieldtest console` (§13): opens the console in the browser, signed in.

use std::process::{Command, Stdio};

use clap::Args;

use crate::deployment::DeploymentOptions;
use crate::failure::Failure;
use crate::output;

const NOTES: &str = "\
Makes a link that signs in once, within 60 seconds, with the API key of the options, the environment \
or the profile of `fieldtest login`; prints it, and opens it in the browser of this machine.

Example:
  fieldtest console";

/// The arguments of `console`.
#[derive(Args)]
#[command(after_help = NOTES)]
pub(crate) struct ConsoleArguments {
    #[command(flatten)]
    options: DeploymentOptions,

    /// Only print the link
    #[arg(long)]
    no_open: bool,
}

/// Makes a link, prints it and opens it.
pub(crate) async fn run(arguments: ConsoleArguments) -> Result<(), Failure> {
    let deployment = arguments.options.deployment()?;
    let link = deployment.api.console_link().await.map_err(|error| deployment.explain(&error))?;
    output::print(&format!("{}\n", link.url))?;
    if !arguments.no_open {
        open(&link.url);
    }
    Ok(())
}

/// Opens a link with the browser of this machine, if it has one. Otherwise there is the printed
/// link.
fn open(url: &str) {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let _ = Command::new(program)
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}
