//! `fieldtest login` (§13).

use std::io::{self, BufRead, IsTerminal, Write};

use clap::Args;

use crate::deployment::{Access, Profile, Profiles};
use crate::failure::Failure;
use crate::output;

pub(crate) const LOGIN_NOTES: &str = "\
Asks for the API key, or reads it from standard input; that it works is tried before it is stored. The file is \
fieldtest/profiles.toml in the folder for configuration ($XDG_CONFIG_HOME, or else ~/.config), and only you can read it.

Examples:
  fieldtest login --url https://fieldtest.example --app FK5b0KSM
  fieldtest login --profile demo < data/demo-api-key";

/// Which profile to store, and what goes into it.
#[derive(Args)]
#[command(after_help = LOGIN_NOTES)]
pub(crate) struct LoginArguments {
    #[command(flatten)]
    access: Access,
}

/// Asks the deployment whether the key is good, and stores it.
pub(crate) async fn run(LoginArguments { access }: LoginArguments) -> Result<(), Failure> {
    let mut profiles = Profiles::read()?;
    let name = access.profile_name().to_owned();
    let known = profiles.get(&name).cloned();
    let mut settled = access.for_login(known.as_ref());
    let url = settled.url().to_owned();
    if settled.api_key.is_none() {
        settled.api_key = Some(ask_for_key(&url)?);
    }
    let api_key = settled.api_key.clone().unwrap_or_default();
    let deployment = settled.deployment()?;
    let workspace = deployment.api.workspace().await.map_err(|error| deployment.explain(&error))?;
    let app = deployment.named_app().map(ToString::to_string);
    profiles.put(&name, Profile { url: url.clone(), api_key, app });
    let path = profiles.write()?;
    output::print(&format!(
        "Logged in to workspace {} at {url}.\nThe profile {name} is stored in {}.\n",
        workspace.id,
        path.display()
    ))
}

/// The key, typed without being shown, or from standard input.
fn ask_for_key(url: &str) -> Result<String, Failure> {
    let cannot = |error: io::Error| Failure::Input(format!("cannot read the API key: {error}"));
    let text = if io::stdin().is_terminal() {
        write!(io::stderr(), "API key for {url}: ").and_then(|()| io::stderr().flush()).map_err(cannot)?;
        rpassword::read_password().map_err(cannot)?
    } else {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map_err(cannot)?;
        line
    };
    match text.trim() {
        "" => Err(Failure::Input("there is no API key on standard input".into())),
        key => Ok(key.to_owned()),
    }
}
