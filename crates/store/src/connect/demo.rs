//! The demo workspace: all of it or none (§13).

use rusqlite::Transaction;

use super::{ConnectStore, CreateApiKey, CreateApp, CreateWorkspace};
use crate::StoreError;
use crate::sqlite::Unit;

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

    fn apply(&self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        self.workspace.apply(transaction)?;
        self.app.apply(transaction)?;
        self.key.apply(transaction)?;
        Ok(())
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
