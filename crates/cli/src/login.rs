//! `fieldtest login` (§13).

use std::fs::File;
use std::io::{self, BufRead, IsTerminal, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;

use clap::Args;

use crate::deployment::{Access, Deployment, Profile, Profiles};
use crate::failure::Failure;
use crate::output;

pub(crate) const LOGIN_NOTES: &str = "\
Asks for the API key, or reads it from standard input, which comes before --api-key and FIELDTEST_API_KEY. That the key \
works, and that the app is there, is tried before they are stored; an app that was stored before is kept. The file is \
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

/// Asks the deployment whether key and app are good, and stores them.
pub(crate) async fn run(LoginArguments { access }: LoginArguments) -> Result<(), Failure> {
    let mut profiles = Profiles::read()?;
    let name = access.profile_name().to_owned();
    let known = profiles.get(&name).cloned();
    let mut settled = access.for_login(known.as_ref());
    let url = settled.url().to_owned();
    // Who pipes a key in means that one, whatever the environment has.
    if let Some(piped) = piped_key()? {
        settled.api_key = Some(piped);
    }
    if settled.api_key.is_none() {
        settled.api_key = Some(ask_for_key(&url)?);
    }
    let api_key = settled.api_key.clone().unwrap_or_default();
    let deployment = settled.deployment()?;
    let workspace = deployment.api.workspace().await.map_err(|error| deployment.explain(&error))?;
    let kept = known.filter(|profile| profile.url == url).and_then(|profile| profile.app);
    let (app, note) = app(&deployment, kept).await?;
    profiles.put(&name, Profile { url: url.clone(), api_key, app });
    let path = profiles.write()?;
    output::print(&format!(
        "Logged in to workspace {} at {url}.\nThe profile {name} is stored in {}.\n{note}",
        workspace.id,
        path.display()
    ))
}

/// The app to store: the one that was named, or else the one that was stored for the same place
/// before. Both are tried.
async fn app(
    deployment: &Deployment,
    kept: Option<String>,
) -> Result<(Option<String>, String), Failure> {
    if let Some(named) = deployment.named_app().map(ToString::to_string) {
        deployment.api.app(&named).await.map_err(|error| deployment.explain(&error))?;
        return Ok((Some(named), String::new()));
    }
    let Some(kept) = kept else { return Ok((None, String::new())) };
    match deployment.api.app(&kept).await {
        Ok(_) => Ok((Some(kept), String::new())),
        Err(error) if error.status() == Some(404) => Ok((
            None,
            format!(
                "The app {kept}, which was stored before, is not there for this key: it is forgotten.\n"
            ),
        )),
        Err(error) => Err(deployment.explain(&error)),
    }
}

/// The key on standard input, where that is a file or a pipe with something in it.
fn piped_key() -> Result<Option<String>, Failure> {
    let cannot = |error: io::Error| Failure::Input(format!("cannot read the API key: {error}"));
    let kind = File::from(io::stdin().as_fd().try_clone_to_owned().map_err(cannot)?)
        .metadata()
        .map_err(cannot)?;
    // Anything else may never have an end.
    if !kind.is_file() && !kind.file_type().is_fifo() {
        return Ok(None);
    }
    let key = first_line().map_err(cannot)?;
    Ok(Some(key).filter(|key| !key.is_empty()))
}

/// The key, typed without being shown, or from standard input.
fn ask_for_key(url: &str) -> Result<String, Failure> {
    let cannot = |error: io::Error| Failure::Input(format!("cannot read the API key: {error}"));
    let key = if io::stdin().is_terminal() {
        write!(io::stderr(), "API key for {url}: ")
            .and_then(|()| io::stderr().flush())
            .map_err(cannot)?;
        rpassword::read_password().map_err(cannot)?.trim().to_owned()
    } else {
        first_line().map_err(cannot)?
    };
    if key.is_empty() {
        Err(Failure::Input("there is no API key on standard input".into()))
    } else {
        Ok(key)
    }
}

fn first_line() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim().to_owned())
}
