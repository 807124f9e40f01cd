//! The demo workspace, with its app and API key (§13).

use std::slice::from_ref;

use db::{StoreError, Transaction, Write, apply_each};

use crate::{CreateApiKey, CreateApp, CreateWorkspace, WorkspaceStore};

/// Creates the demo workspace with its app and API key.
#[derive(Clone, Debug)]
pub struct CreateDemo {
    /// The workspace.
    pub workspace: CreateWorkspace,
    /// Its app.
    pub app: CreateApp,
    /// Its API key.
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
    /// Creates the demo workspace with its app and API key, all or nothing (§13).
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn create_demo(&self, write: CreateDemo) -> Result<(), StoreError> {
        self.database.write(write).await
    }
}
