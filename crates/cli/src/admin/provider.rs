//! `fieldtest admin provider` (§11, §13).

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};
use domain::ClientId;
use domain::app::ProviderState;
use domain::catalogue::{Catalogue, Provider};
use serde_json::json;
use store_workspace::{ApproveProvider, SetProvider};

use super::{AdminContext, CommandOutput};
use crate::failure::Failure;
use crate::options::Options;
use crate::table::Table;
use crate::values;

/// The similarity, from 0 to 1, from which on a provider is suggested.
const MIN_SIMILARITY: f64 = 0.75;

const ENABLE_EXAMPLE: &str = "\
Example:
  fieldtest admin provider enable --app FK5b0KSM --provider bankidse";

const DISABLE_EXAMPLE: &str = "\
Example:
  fieldtest admin provider disable --app FK5b0KSM --provider bankidse";

const APPROVE_EXAMPLE: &str = "\
Example:
  fieldtest admin provider approve --app FK5b0KSM --provider bankidse";

/// The commands for an app's providers.
#[derive(Subcommand)]
pub(super) enum ProviderCommand {
    /// Enable a provider for an app
    #[command(after_help = ENABLE_EXAMPLE)]
    Enable(ProviderArguments),
    /// Disable a provider for an app
    #[command(after_help = DISABLE_EXAMPLE)]
    Disable(ProviderArguments),
    /// Approve a provider that an app requested in production
    #[command(after_help = APPROVE_EXAMPLE)]
    Approve(ProviderArguments),
}

/// The arguments of the commands.
#[derive(Args)]
pub(super) struct ProviderArguments {
    /// The app's client id
    #[arg(long, value_name = "CLIENT ID", value_parser = values::client_id)]
    app: ClientId,

    /// The provider's id in the catalogue, such as bankidse
    #[arg(long, value_name = "ID")]
    provider: String,

    /// A TOML file with a provider catalogue [default: the built-in one]
    #[arg(long, env = "FIELDTEST_CATALOGUE", value_name = "FILE", value_hint = ValueHint::FilePath)]
    catalogue: Option<PathBuf>,
}

pub(super) async fn run(
    context: &AdminContext,
    command: ProviderCommand,
) -> Result<CommandOutput, Failure> {
    match command {
        ProviderCommand::Enable(arguments) => set(context, arguments, true).await,
        ProviderCommand::Disable(arguments) => set(context, arguments, false).await,
        ProviderCommand::Approve(arguments) => approve(context, arguments).await,
    }
}

async fn set(
    context: &AdminContext,
    arguments: ProviderArguments,
    enabled: bool,
) -> Result<CommandOutput, Failure> {
    let (app, provider) = arguments.find(context)?;
    let write = SetProvider {
        workspace_id: None,
        client_id: app.clone(),
        provider_id: provider.id.clone(),
        state: enabled.then_some(ProviderState::Enabled),
        now: context.clock_and_rng.now(),
    };
    if !context.store.set_provider(write).await? {
        return Err(Failure::Other(format!("there is no app {app}; check --app and --data-dir")));
    }
    Ok(output(&app, &provider, enabled))
}

async fn approve(
    context: &AdminContext,
    arguments: ProviderArguments,
) -> Result<CommandOutput, Failure> {
    let (app, provider) = arguments.find(context)?;
    let write = ApproveProvider {
        client_id: app.clone(),
        provider_id: provider.id.clone(),
        now: context.clock_and_rng.now(),
    };
    if !context.store.approve_provider(write).await? {
        let id = &provider.id;
        return Err(Failure::Other(format!(
            "the app {app} has no request for {id}: it made none, it has {id} already, or it is \
             deleted"
        )));
    }
    Ok(output(&app, &provider, true))
}

impl ProviderArguments {
    /// Looks the provider up in the catalogue. Returns it with the app.
    fn find(self, context: &AdminContext) -> Result<(ClientId, Provider), Failure> {
        let Self { app, provider, catalogue } = self;
        let config = context.config(Options { catalogue, ..Options::default() })?;
        let catalogue = server::read_catalogue(&config)?;
        match catalogue.get(&provider) {
            Some(provider) => Ok((app, provider.clone())),
            None => Err(Failure::Input(unknown(&provider, &catalogue))),
        }
    }
}

fn output(app: &ClientId, provider: &Provider, enabled: bool) -> CommandOutput {
    let json =
        json!({ "clientId": app.as_str(), "providerId": provider.id.as_str(), "enabled": enabled });
    let table = Table::new(["APP", "PROVIDER", "ENABLED"]).row([
        app.to_string(),
        provider.id.to_string(),
        if enabled { "yes" } else { "no" }.to_owned(),
    ]);
    CommandOutput::new([json], table, 1)
}

/// The error for an unknown provider. It suggests the most similar ones, or else lists all.
fn unknown(name: &str, catalogue: &Catalogue) -> String {
    let mut scored: Vec<(f64, &Provider)> = catalogue
        .providers()
        .iter()
        .map(|provider| (similarity(name, provider), provider))
        .collect();
    scored.sort_by(|(left, _), (right, _)| right.total_cmp(left));
    let list = |providers: &[(f64, &Provider)]| {
        let ids: Vec<&str> = providers.iter().map(|(_, provider)| provider.id.as_str()).collect();
        ids.join(", ")
    };
    let similar = scored.partition_point(|(similarity, _)| *similarity >= MIN_SIMILARITY);
    match scored.get(..similar.min(3)) {
        Some(similar) if !similar.is_empty() => {
            format!("the catalogue has no provider {name:?}; the most similar: {}", list(similar))
        }
        _ => format!("the catalogue has no provider {name:?}; it has {}", list(&scored)),
    }
}

/// The similarity of a word to the provider's id or name, from 0 to 1.
fn similarity(word: &str, provider: &Provider) -> f64 {
    let word = word.to_lowercase();
    let to = |text: &str| strsim::jaro_winkler(&word, &text.to_lowercase());
    to(provider.id.as_str()).max(to(&provider.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suggestion(name: &str) -> String {
        let text = unknown(name, &Catalogue::built_in());
        text.split_once("; ").unwrap().1.to_owned()
    }

    #[test]
    fn similar_providers_are_suggested_in_order() {
        for (name, first) in [("bankid", "bankidse"), ("BankID NO", "no-bankid"), ("mitd", "mitid")]
        {
            let suggestion = suggestion(name);
            let expected = format!("the most similar: {first}");
            assert!(suggestion.starts_with(&expected), "{suggestion}");
        }
    }

    #[test]
    fn without_a_similar_provider_all_are_listed() {
        let suggestion = suggestion("zzz");
        let catalogue = Catalogue::built_in();
        assert!(
            catalogue.providers().iter().all(|provider| suggestion.contains(provider.id.as_str()))
        );
    }
}
