//! A database file that is missing beside the other one.
//!
//! Both files belong to one deployment. If one is gone, a start would make an empty one, and nobody
//! would notice that every order, or every challenge, was lost. `serve` and `doctor` refuse that.

use std::path::Path;

use db::{Inspection, Location, Schema, TablesState};
use domain::SystemClock;

use super::consistency::ENVIRONMENT;
use crate::config::{Config, Role};

/// What to do about it.
pub(crate) const REMEDY: &str = "restore both from one backup (docs/operations.md, Backup and \
     restore), or correct --data-dir; if it is to begin empty, run `fieldtest migrate`, which \
     makes it";

/// A database that this configuration needs, and that is missing or empty although the other one
/// belongs to a deployment.
#[derive(Debug)]
pub(crate) struct MissingDatabase {
    /// The display name of the missing one.
    pub(crate) missing: String,
    /// The display name of the other one.
    pub(crate) living: String,
}

/// Looks for a missing database. Only for embedded ones: the schemas of PostgreSQL can belong to
/// processes that start at different times.
///
/// Call this in a process that does not have the files open, as [`db::inspect`].
pub(crate) async fn find(config: &Config) -> Option<MissingDatabase> {
    let locations = (config.workspace_location(), config.challenge_location());
    let (Location::Folder(_), Location::Folder(_)) = &locations else { return None };
    let workspace = &store_workspace::SCHEMA;
    let challenge = &store_challenge::SCHEMA;
    let roles = &config.roles;
    let needs_workspace = roles.has(Role::Api) || roles.has(Role::Scheduler);
    let needs_challenge = roles.has(Role::ChallengeService);
    // Most starts find both, and need not read them.
    let is_empty = |schema: &Schema| length(&config.data_dir, schema) == 0;
    let candidates = [
        (needs_workspace && is_empty(workspace), workspace, challenge),
        (needs_challenge && is_empty(challenge), challenge, workspace),
    ];
    let (_, schema, other) = candidates.into_iter().find(|(is_missing, ..)| *is_missing)?;
    // Files have no clock that would be compared with this one.
    let Inspection { name, state } = db::inspect(&locations.0, other, &SystemClock).await;
    let is_living = match state {
        // A first start that was interrupted has not settled the environment.
        TablesState::Open(tables) => tables.settings.contains_key(ENVIRONMENT),
        TablesState::Missing | TablesState::Closed(_) => false,
    };
    is_living.then(|| MissingDatabase { missing: locations.0.describe(schema), living: name })
}

/// The length of a store's file in bytes, or 0 if it is missing.
fn length(folder: &Path, schema: &Schema) -> u64 {
    std::fs::metadata(folder.join(schema.file)).map_or(0, |metadata| metadata.len())
}
