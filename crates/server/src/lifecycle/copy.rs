//! Moving a deployment from the embedded databases to PostgreSQL (§13).

use std::path::Path;

use db::{CopyOutcome, PostgresOptions};

use super::StartError;
use super::data_directory::DataDirectory;

/// What was copied, store by store.
#[derive(Clone, Debug)]
pub struct CopiedDeployment {
    /// Workspaces and production tests.
    pub connect: CopyOutcome,
    /// Challenges.
    pub tpas: CopyOutcome,
}

/// Copies everything from a data directory, which no server may be using, to PostgreSQL. It is safe
/// to repeat: what is there already is left alone, and what holds anything else is not touched.
///
/// # Errors
/// When a server runs on the directory, or a store cannot be copied; that store is then as it was.
pub async fn copy(
    data_dir: &Path,
    connect: &PostgresOptions,
    tpas: &PostgresOptions,
) -> Result<CopiedDeployment, StartError> {
    let _directory = DataDirectory::take_existing(data_dir)?;
    Ok(CopiedDeployment {
        connect: db::copy(data_dir, connect, &store_workspace::SCHEMA).await?,
        tpas: db::copy(data_dir, tpas, &store_challenge::SCHEMA).await?,
    })
}
