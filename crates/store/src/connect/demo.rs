//! The demo workspace: all of it or none (§13).

use std::slice::from_ref;

use super::{ConnectStore, CreateApiKey, CreateApp, CreateWorkspace};
use crate::StoreError;
use crate::unit::{Transaction, Unit, one_by_one};

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

impl Unit for CreateDemo {
    type Outcome = ();

    async fn decide(units: &[Self], transaction: &Transaction<'_>) -> Result<Vec<()>, StoreError> {
        one_by_one(units, async |Self { workspace, app, key }| {
            CreateWorkspace::decide(from_ref(workspace), transaction).await?;
            CreateApp::decide(from_ref(app), transaction).await?;
            CreateApiKey::decide(from_ref(key), transaction).await?;
            Ok(())
        })
        .await
    }
}

impl ConnectStore {
    /// Makes the demo workspace with its app and its key.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn create_demo(&self, unit: CreateDemo) -> Result<(), StoreError> {
        self.database.write(unit).await
    }
}
