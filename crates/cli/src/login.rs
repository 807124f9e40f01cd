//! `fieldtest login` (§13).

use std::fs::File;
use std::io::{self, BufRead, IsTerminal, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;

use clap::Args;
use domain::text::without_byte_order_mark;

use crate::deployment::{Deployment, DeploymentOptions, Profile, Profiles};
use crate::failure::Failure;
use crate::output;

const NOTES: &str = "\
Asks for the API key, or reads it from standard input, which takes precedence over --api-key and \
FIELDTEST_API_KEY. Checks the key and the app before they are stored; without --app, the stored \
app stays. The file is fieldtest/profiles.toml in $XDG_CONFIG_HOME or ~/.config, and only you can \
read it.

Examples:
  fieldtest login --url https://fieldtest.example --app FK5b0KSM
  fieldtest login --profile demo < data/demo-api-key
  fieldtest login --status";

/// The arguments of `login`.
#[derive(Args)]
#[command(after_help = NOTES)]
pub(crate) struct LoginArguments {
    #[command(flatten)]
    options: DeploymentOptions,

    /// Say where the profile is logged in, and whether its key is accepted; store nothing
    #[arg(long)]
    status: bool,
}

/// Checks the key and the app with the deployment, and stores them.
pub(crate) async fn run(LoginArguments { options, status }: LoginArguments) -> Result<(), Failure> {
    if status {
        return show_status(options).await;
    }
    let mut profiles = Profiles::read()?;
    let name = options.profile_name().to_owned();
    let stored = profiles.get(&name).cloned();
    let mut target = options.for_login(stored.as_ref());
    let url = target.url().to_owned();
    // A key on standard input takes precedence over the environment.
    if let Some(piped) = piped_key()? {
        target.api_key = Some(piped);
    }
    if target.api_key.is_none() {
        target.api_key = Some(ask_for_key(&url)?);
    }
    let api_key = target.api_key.clone().unwrap_or_default();
    let deployment = target.deployment()?;
    let workspace = deployment.api.workspace().await.map_err(|error| deployment.explain(&error))?;
    let stored_app = stored.filter(|profile| profile.url == url).and_then(|profile| profile.app);
    let (app, note) = app(&deployment, stored_app).await?;
    profiles.put(&name, Profile { url: url.clone(), api_key, app });
    let path = profiles.write()?;
    output::print(&format!(
        "Logged in to workspace {} at {url}.\nThe profile {name} is stored in {}.\n{note}",
        workspace.id,
        path.display()
    ))
}

/// Says where the profile is logged in. Fails if it is not, or if its key is not accepted any more.
async fn show_status(options: DeploymentOptions) -> Result<(), Failure> {
    let name = options.profile_name().to_owned();
    let deployment = options.deployment()?;
    let workspace = deployment.api.workspace().await.map_err(|error| deployment.explain(&error))?;
    let app = deployment.named_app().map_or("none".to_owned(), ToString::to_string);
    output::print(&format!(
        "Profile {name}: logged in to workspace {} at {}; app: {app}.\n",
        workspace.id, deployment.url
    ))
}

/// The app to store, and a note for the user: the app of `--app`, or else the app that is stored
/// for the same URL. Either must exist.
async fn app(
    deployment: &Deployment,
    stored: Option<String>,
) -> Result<(Option<String>, String), Failure> {
    if let Some(named) = deployment.named_app().map(ToString::to_string) {
        deployment.api.app(&named).await.map_err(|error| deployment.explain(&error))?;
        return Ok((Some(named), String::new()));
    }
    let Some(stored) = stored else { return Ok((None, String::new())) };
    match deployment.api.app(&stored).await {
        Ok(_) => Ok((Some(stored), String::new())),
        Err(error) if error.status() == Some(404) => Ok((
            None,
            format!(
                "The key has no access to the stored app {stored}; the profile has no app now.\n"
            ),
        )),
        Err(error) => Err(deployment.explain(&error)),
    }
}

/// The key on standard input, if that is a file or a pipe and not empty.
fn piped_key() -> Result<Option<String>, Failure> {
    let cannot = |error: io::Error| Failure::Input(format!("cannot read the API key: {error}"));
    let kind = File::from(io::stdin().as_fd().try_clone_to_owned().map_err(cannot)?)
        .metadata()
        .map_err(cannot)?;
    // Reading anything else may block forever.
    if !kind.is_file() && !kind.file_type().is_fifo() {
        return Ok(None);
    }
    let key = first_line().map_err(cannot)?;
    Ok(Some(key).filter(|key| !key.is_empty()))
}

/// Asks for the key without an echo, or reads it from standard input.
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
    Ok(without_byte_order_mark(&line).trim().to_owned())
}
