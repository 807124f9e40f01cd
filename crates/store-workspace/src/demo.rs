//! The demo workspace: all of it or none (§13).

use std::slice::from_ref;

use db::{StoreError, Transaction, Write, apply_each};

use super::{CreateApiKey, CreateApp, CreateWorkspace, WorkspaceStore};

/// Makes the demo workspace with its app and its key.
#[derive(Clone, Debug)]
pub struct CreateDemo {
    /// The workspace.
    pub workspace: CreateWorkspace,
    /// Its app.
    pub app: CreateApp,
    /// Its key.
    pub key: CreateApiKey,
}

impl Write for CreateDemo {
    type Outcome = ();

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<()>, StoreError> {
        apply_each(writes, async |Self { workspace, app, key }| {
            CreateWorkspace::apply_batch(from_ref(workspace), transaction).await?;
            CreateApp::apply_batch(from_ref(app), transaction).await?;
            CreateApiKey::apply_batch(from_ref(key), transaction).await?;
            Ok(())
        })
        .await
    }
}

impl WorkspaceStore {
    /// Makes the demo workspace with its app and its key.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn create_demo(&self, write: CreateDemo) -> Result<(), StoreError> {
        self.database.write(write).await
    }
}
