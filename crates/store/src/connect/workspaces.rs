//! Workspaces (§11).

use domain::{Timestamp, WorkspaceId};
use rusqlite::{Row, Transaction};

use super::ConnectStore;
use crate::StoreError;
use crate::sqlite::{RowExt, Unit, prepare};

/// A workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    /// Its id.
    pub id: WorkspaceId,
    /// What people call it.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Makes a workspace. The id is random, so it is free.
#[derive(Clone, Debug)]
pub struct CreateWorkspace(pub Workspace);

impl Unit for CreateWorkspace {
    type Outcome = ();

    fn apply(&self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        let Workspace { id, name, created_at } = &self.0;
        prepare(transaction, "INSERT INTO workspaces (id, name, created_at) VALUES ($1, $2, $3)")?.execute((
            id.as_str(),
            name,
            created_at.as_millis(),
        ))?;
        Ok(())
    }
}

impl ConnectStore {
    /// Makes a workspace.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn create_workspace(&self, unit: CreateWorkspace) -> Result<(), StoreError> {
        self.database.write(unit).await
    }

    /// All workspaces, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn workspaces(&self) -> Result<Vec<Workspace>, StoreError> {
        self.database
            .read(|connection| {
                prepare(connection, "SELECT id, name, created_at FROM workspaces ORDER BY created_at, id")?
                    .query_map((), read_workspace)?
                    .collect()
            })
            .await
    }
}

fn read_workspace(row: &Row<'_>) -> rusqlite::Result<Workspace> {
    Ok(Workspace { id: row.parsed("id")?, name: row.get("name")?, created_at: row.time("created_at")? })
}
