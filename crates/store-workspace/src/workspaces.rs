//! Workspaces (§11).

use db::{Sql, StoreError, Transaction, Write, apply_each, read_columns, write_columns};
use domain::{Timestamp, WorkspaceId};

use crate::WorkspaceStore;

/// A workspace (§11).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    /// Its id.
    pub id: WorkspaceId,
    /// Its display name.
    pub name: String,
    /// When it was created.
    pub created_at: Timestamp,
}

write_columns! {
    /// A row of `workspaces`.
    WorkspaceRow(Workspace) = |Workspace { id, name, created_at }| {
        id: Text = id.as_str(),
        name: Text = name,
        created_at: Integer = *created_at,
    }
}

read_columns! {
    /// A workspace.
    WORKSPACE: Workspace {
        id: parsed,
        name: string,
        created_at: time,
    } => Workspace { id, name, created_at }
}

/// Creates a workspace. Its id is random, so it is not taken.
#[derive(Clone, Debug)]
pub struct CreateWorkspace(pub Workspace);

impl Write for CreateWorkspace {
    type Outcome = ();

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<()>, StoreError> {
        static SQL: Sql = Sql::each("INSERT INTO workspaces {row of each}", &WorkspaceRow::COLUMNS);
        apply_each(writes, async |Self(workspace)| {
            transaction.execute_each(&SQL, &[WorkspaceRow::of(workspace)]).await.map(drop)
        })
        .await
    }
}

/// Whether there is a workspace with this id.
pub(crate) async fn exists(
    transaction: &Transaction<'_>,
    id: &WorkspaceId,
) -> Result<bool, StoreError> {
    static SQL: Sql = Sql::new("SELECT id FROM workspaces WHERE id = $1");
    let found = transaction.query(&SQL, &[id.as_str().into()], |_| Ok(())).await?;
    Ok(!found.is_empty())
}

impl WorkspaceStore {
    /// Creates a workspace (§11).
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn create_workspace(&self, write: CreateWorkspace) -> Result<(), StoreError> {
        self.database.write(write).await
    }

    /// The workspace of this id, and the number of its apps.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn workspace(
        &self,
        id: &WorkspaceId,
    ) -> Result<Option<(Workspace, u32)>, StoreError> {
        static SQL: Sql = Sql::new(
            "SELECT {columns}, (SELECT COUNT(*) FROM apps
                WHERE workspace_id = $1 AND deleted_at IS NULL) AS apps
            FROM workspaces WHERE id = $1",
        )
        .reading(&WORKSPACE);
        let key = vec![id.as_str().to_owned().into()];
        self.database.find(&SQL, key, |row| Ok(((WORKSPACE.read)(row)?, row.count("apps")?))).await
    }

    /// All workspaces, oldest first.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn workspaces(&self) -> Result<Vec<Workspace>, StoreError> {
        static SQL: Sql = Sql::new("SELECT {columns} FROM workspaces ORDER BY created_at, id")
            .reading(&WORKSPACE);
        self.database.query(&SQL, Vec::new(), WORKSPACE.read).await
    }
}
