//! `fieldtest admin provider` (§11, §13).

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};
use domain::ClientId;
use domain::app::ProviderState;
use domain::catalogue::{Catalogue, Provider};
use serde_json::json;
use store_workspace::{ApproveProvider, SetProvider};

use super::{AdminContext, Answer};
use crate::failure::Failure;
use crate::options::Options;
use crate::table::Table;
use crate::values;

/// How alike two words are that one of them may have been meant by the other: from 0 to 1.
const CLOSE: f64 = 0.75;

const ENABLE_EXAMPLE: &str = "\
Example:
  fieldtest admin provider enable --app FK5b0KSM --provider bankidse";

const DISABLE_EXAMPLE: &str = "\
Example:
  fieldtest admin provider disable --app FK5b0KSM --provider bankidse";

const APPROVE_EXAMPLE: &str = "\
Example:
  fieldtest admin provider approve --app FK5b0KSM --provider bankidse";

/// What can be done with an app's providers.
#[derive(Subcommand)]
pub(super) enum ProviderCommand {
    /// Let an app have a provider tested
    #[command(after_help = ENABLE_EXAMPLE)]
    Enable(Which),
    /// Let an app no longer have a provider tested
    #[command(after_help = DISABLE_EXAMPLE)]
    Disable(Which),
    /// Approve a provider that an app has asked for in production
    #[command(after_help = APPROVE_EXAMPLE)]
    Approve(Which),
}

/// Which provider of which app.
#[derive(Args)]
pub(super) struct Which {
    /// The app's client id
    #[arg(long, value_name = "CLIENT ID", value_parser = values::client_id)]
    app: ClientId,

    /// The provider's id in the catalogue, such as bankidse
    #[arg(long, value_name = "ID")]
    provider: String,

    /// A provider catalogue of your own, a TOML file [default: the shipped one]
    #[arg(long, env = "FIELDTEST_CATALOGUE", value_name = "FILE", value_hint = ValueHint::FilePath)]
    catalogue: Option<PathBuf>,
}

pub(super) async fn run(desk: &AdminContext, command: ProviderCommand) -> Result<Answer, Failure> {
    match command {
        ProviderCommand::Enable(which) => set(desk, which, true).await,
        ProviderCommand::Disable(which) => set(desk, which, false).await,
        ProviderCommand::Approve(which) => approve(desk, which).await,
    }
}

async fn set(desk: &AdminContext, which: Which, enabled: bool) -> Result<Answer, Failure> {
    let Which { app, provider, catalogue } = which;
    let catalogue =
        server::read_catalogue(&desk.config(Options { catalogue, ..Options::default() })?)?;
    let Some(provider) = catalogue.get(&provider) else {
        return Err(Failure::Input(unknown(&provider, &catalogue)));
    };
    let provider_id = provider.id.clone();
    let state = enabled.then_some(ProviderState::Enabled);
    let (client_id, now) = (app.clone(), desk.clock_and_rng.now());
    let write = SetProvider { workspace_id: None, client_id, provider_id, state, now };
    if !desk.store.set_provider(write).await? {
        return Err(Failure::Other(format!("there is no app {app}; check --app, and --data-dir")));
    }
    Ok(answer(&app, provider, enabled))
}

async fn approve(desk: &AdminContext, which: Which) -> Result<Answer, Failure> {
    let Which { app, provider, catalogue } = which;
    let catalogue =
        server::read_catalogue(&desk.config(Options { catalogue, ..Options::default() })?)?;
    let Some(provider) = catalogue.get(&provider) else {
        return Err(Failure::Input(unknown(&provider, &catalogue)));
    };
    let write = ApproveProvider {
        client_id: app.clone(),
        provider_id: provider.id.clone(),
        now: desk.clock_and_rng.now(),
    };
    if !desk.store.approve_provider(write).await? {
        let id = &provider.id;
        let problem = format!(
            "the app {app} does not wait for {id}: it has not asked for it, has it already, or is deleted"
        );
        return Err(Failure::Other(problem));
    }
    Ok(answer(&app, provider, true))
}

fn answer(app: &ClientId, provider: &Provider, enabled: bool) -> Answer {
    let json =
        json!({ "clientId": app.as_str(), "providerId": provider.id.as_str(), "enabled": enabled });
    let table = Table::new(["APP", "PROVIDER", "ENABLED"]).row([
        app.to_string(),
        provider.id.to_string(),
        if enabled { "yes" } else { "no" }.to_owned(),
    ]);
    Answer::new([json], table, 1)
}

/// Says that there is no such provider, and which ones may have been meant: the closest, or else
/// all.
fn unknown(given: &str, catalogue: &Catalogue) -> String {
    let mut scored: Vec<(f64, &Provider)> = catalogue
        .providers()
        .iter()
        .map(|provider| (likeness(given, provider), provider))
        .collect();
    scored.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let list = |providers: &[(f64, &Provider)]| {
        let ids: Vec<&str> = providers.iter().map(|(_, provider)| provider.id.as_str()).collect();
        ids.join(", ")
    };
    let close: Vec<_> =
        scored.iter().copied().filter(|(likeness, _)| *likeness >= CLOSE).take(3).collect();
    if close.is_empty() {
        format!("the catalogue has no provider {given:?}; it has {}", list(&scored))
    } else {
        format!("the catalogue has no provider {given:?}; closest to that, it has {}", list(&close))
    }
}

/// How alike the word is to the provider's id or name: from 0 to 1.
fn likeness(given: &str, provider: &Provider) -> f64 {
    let given = given.to_lowercase();
    let to = |text: &str| strsim::jaro_winkler(&given, &text.to_lowercase());
    to(provider.id.as_str()).max(to(&provider.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advice(given: &str) -> String {
        let text = unknown(given, &Catalogue::built_in());
        text.split_once("; ").unwrap().1.to_owned()
    }

    #[test]
    fn close_names_are_offered_closest_first() {
        assert!(
            advice("bankid").starts_with("closest to that, it has bankidse"),
            "{}",
            advice("bankid")
        );
        assert!(
            advice("BankID NO").starts_with("closest to that, it has no-bankid"),
            "{}",
            advice("BankID NO")
        );
        assert!(advice("mitd").starts_with("closest to that, it has mitid"), "{}", advice("mitd"));
    }

    #[test]
    fn without_a_close_name_all_are_offered() {
        let advice = advice("zzz");
        assert!(
            Catalogue::built_in()
                .providers()
                .iter()
                .all(|provider| advice.contains(provider.id.as_str()))
        );
    }
}
