//! `fieldtest admin verifier` (§10, §13). These commands open no database.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueHint};
use domain::{ClockAndRng, Environment};
use serde_json::{Value, json};
use server::{ConfiguredVerifier, check_verifiers, configured_verifiers};

use super::CommandOutput;
use crate::failure::Failure;
use crate::options::Options;
use crate::possible_values::{ENVIRONMENTS, one_of};
use crate::table::{Table, printable};
use crate::values::{BaseUrl, ListenAddress};
use crate::{doctor, output};

const LIST_EXAMPLE: &str = "\
Example:
  fieldtest admin verifier list --verifiers verifiers.toml --public-url https://test.example";

const CHECK_NOTES: &str = "\
Exit codes:
  0  no check failed; there may be warnings
  1  a check failed
  2  the arguments, the environment or the configuration file are not valid

Example:
  fieldtest admin verifier check --verifiers verifiers.toml --public-url https://test.example";

/// The commands for verifiers.
#[derive(Subcommand)]
pub(super) enum VerifierCommand {
    /// List who verifies the testers of each provider, and the redirect URI to register
    #[command(after_help = LIST_EXAMPLE)]
    List(VerifierArguments),
    /// Reach each OpenID Connect provider, and compare what it offers with the configuration
    #[command(after_help = CHECK_NOTES)]
    Check(VerifierArguments),
}

/// The options of a server that say who verifies.
#[derive(Args)]
pub(super) struct VerifierArguments {
    /// A TOML file that says who verifies the testers of each provider [default: the simulator in a
    /// sandbox, nobody in production]
    #[arg(long, env = "FIELDTEST_VERIFIERS", value_name = "FILE", value_hint = ValueHint::FilePath)]
    verifiers: Option<PathBuf>,

    /// A TOML file with a provider catalogue [default: the built-in one]
    #[arg(long, env = "FIELDTEST_CATALOGUE", value_name = "FILE", value_hint = ValueHint::FilePath)]
    catalogue: Option<PathBuf>,

    /// The URL at which testers reach the deployment; redirect URIs begin with it
    #[arg(long, env = "FIELDTEST_PUBLIC_URL", value_name = "URL")]
    public_url: Option<BaseUrl>,

    /// The address that the server listens on, in a sandbox without --public-url
    /// [default: 127.0.0.1:8080]
    #[arg(long, env = "FIELDTEST_LISTEN", value_name = "ADDRESS")]
    listen: Option<ListenAddress>,

    /// The environment of the deployment: sandbox or production [default: sandbox]
    #[arg(
        long,
        env = "FIELDTEST_ENVIRONMENT",
        value_parser = one_of::<Environment>(ENVIRONMENTS),
        hide_possible_values = true
    )]
    environment: Option<Environment>,
}

impl VerifierArguments {
    /// The configuration of a server with these options, and with `others` where they are not set.
    fn config(self, others: Options) -> Result<server::Config, Failure> {
        let Self { verifiers, catalogue, public_url, listen, environment } = self;
        let typed =
            Options { verifiers, catalogue, public_url, listen, environment, ..Options::default() };
        typed.or(others).config()
    }
}

/// Runs a command, and prints its output. `others` are the options of the configuration file.
pub(super) async fn run(
    others: Options,
    command: VerifierCommand,
    json: bool,
) -> Result<ExitCode, Failure> {
    match command {
        VerifierCommand::List(arguments) => {
            let verifiers =
                configured_verifiers(&arguments.config(others)?, &ClockAndRng::system()?)?;
            output::print(&listed(&verifiers).render(json))?;
            Ok(ExitCode::SUCCESS)
        }
        VerifierCommand::Check(arguments) => {
            let findings = check_verifiers(&arguments.config(others)?).await;
            doctor::print(&findings, json)
        }
    }
}

fn listed(verifiers: &[ConfiguredVerifier]) -> CommandOutput {
    let header = ["PROVIDER", "KIND", "ADDRESS", "AUTHENTICATION", "REDIRECT URI"];
    let table = verifiers.iter().fold(Table::new(header), |table, verifier| {
        let text = |value: Option<&str>| value.map_or("-".to_owned(), printable);
        table.row([
            verifier.provider_id.to_string(),
            verifier.kind.to_owned(),
            text(verifier.address.as_deref()),
            text(verifier.client_authentication),
            text(verifier.redirect_uri.as_deref()),
        ])
    });
    CommandOutput::new(verifiers.iter().map(to_json), table, 2)
}

fn to_json(verifier: &ConfiguredVerifier) -> Value {
    let ConfiguredVerifier { provider_id, kind, address, client_authentication, redirect_uri } =
        verifier;
    json!({
        "providerId": provider_id.as_str(),
        "kind": kind,
        "address": address,
        "clientAuthentication": client_authentication,
        "redirectUri": redirect_uri,
    })
}
