//! Moving a deployment from the embedded databases to PostgreSQL (§13).

use std::path::Path;

use db::{CopyOutcome, PostgresOptions};

use super::data_directory::DataDirectory;
use super::start_error::StartError;

/// What was copied of each store.
#[derive(Clone, Debug)]
pub struct CopiedDeployment {
    /// The workspace store.
    pub workspace: CopyOutcome,
    /// The challenge store.
    pub challenge: CopyOutcome,
}

/// Copies both stores from a data directory to PostgreSQL. No server may run on the directory. The
/// copy is safe to repeat: a store that was copied before is skipped, and a schema with other rows
/// is refused.
///
/// # Errors
/// When a server runs on the directory, or a store cannot be copied; its schema is then unchanged.
pub async fn copy(
    data_dir: &Path,
    workspace: &PostgresOptions,
    challenge: &PostgresOptions,
) -> Result<CopiedDeployment, StartError> {
    let _directory = DataDirectory::lock_existing(data_dir)?;
    Ok(CopiedDeployment {
        workspace: db::copy(data_dir, workspace, &store_workspace::SCHEMA).await?,
        challenge: db::copy(data_dir, challenge, &store_challenge::SCHEMA).await?,
    })
}
