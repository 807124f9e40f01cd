//! Workspaces (§11).

use db::{Row, Sql, StoreError, Transaction, Write, apply_each};
use domain::{Timestamp, WorkspaceId};

use super::WorkspaceStore;

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

impl Write for CreateWorkspace {
    type Outcome = ();

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<()>, StoreError> {
        static SQL: Sql =
            Sql::new("INSERT INTO workspaces (id, name, created_at) VALUES ($1, $2, $3)");
        apply_each(writes, async |Self(Workspace { id, name, created_at })| {
            transaction
                .execute(&SQL, &[id.as_str().into(), name.into(), (*created_at).into()])
                .await?;
            Ok(())
        })
        .await
    }
}

impl WorkspaceStore {
    /// Makes a workspace.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn create_workspace(&self, write: CreateWorkspace) -> Result<(), StoreError> {
        self.database.write(write).await
    }

    /// One workspace, and how many apps it has.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn workspace(
        &self,
        id: &WorkspaceId,
    ) -> Result<Option<(Workspace, u32)>, StoreError> {
        static SQL: Sql = Sql::new(
            "SELECT id, name, created_at, (SELECT COUNT(*) FROM apps WHERE workspace_id = $1 AND deleted_at IS NULL) AS apps
            FROM workspaces WHERE id = $1",
        );
        let key = vec![id.as_str().to_owned().into()];
        self.database.find(&SQL, key, |row| Ok((read_workspace(row)?, row.count("apps")?))).await
    }

    /// All workspaces, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn workspaces(&self) -> Result<Vec<Workspace>, StoreError> {
        static SQL: Sql =
            Sql::new("SELECT id, name, created_at FROM workspaces ORDER BY created_at, id");
        self.database.query(&SQL, Vec::new(), read_workspace).await
    }
}

fn read_workspace(row: &Row<'_>) -> Result<Workspace, StoreError> {
    Ok(Workspace {
        id: row.parsed("id")?,
        name: row.text("name")?.to_owned(),
        created_at: row.time("created_at")?,
    })
}
