//! `fieldtest logout` (§13).

use clap::Args;

use crate::deployment::{Profiles, parse_profile_name};
use crate::failure::Failure;
use crate::output;

const NOTES: &str = "\
Forgets the API key, the URL and the app of a profile. The key itself stays valid: revoke it in the \
console if nothing else uses it.

Example:
  fieldtest logout --profile demo";

/// The arguments of `logout`.
#[derive(Args)]
#[command(after_help = NOTES)]
pub(crate) struct LogoutArguments {
    /// The profile of `fieldtest login` to forget [default: default]
    #[arg(long, env = "FIELDTEST_PROFILE", value_name = "NAME", value_parser = parse_profile_name)]
    profile: Option<String>,
}

/// Forgets a profile. Without one there is nothing to do, so that it can be repeated.
pub(crate) fn run(LogoutArguments { profile }: LogoutArguments) -> Result<(), Failure> {
    let name = profile.as_deref().unwrap_or("default");
    let mut profiles = Profiles::read()?;
    let Some(forgotten) = profiles.remove(name) else {
        return output::print(&format!("There is no profile {name}.\n"));
    };
    let path = profiles.write()?;
    output::print(&format!(
        "Logged out of {}. The profile {name} is removed from {}; its key stays valid.\n",
        forgotten.url,
        path.display()
    ))
}
