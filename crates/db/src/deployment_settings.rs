//! Settings that all processes of a deployment share (§13). The first value that is recorded never
//! changes. Their table also has the row `probes`, which [`Database::check`] changes.

use crate::StoreError;
use crate::database::Database;
use crate::row::Row;
use crate::sql::Sql;
use crate::transaction::Transaction;
use crate::write::{Write, apply_each};

/// Records a deployment setting, unless it is already recorded.
#[derive(Clone, Debug)]
pub struct RecordDeploymentSetting {
    /// The setting's name.
    pub name: &'static str,
    /// The value of this process.
    pub value: String,
}

static READ: Sql = Sql::new("SELECT value FROM deployment_facts WHERE name = $1");

impl Write for RecordDeploymentSetting {
    /// The recorded value: that of the first process.
    type Outcome = String;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<String>, StoreError> {
        static INSERT: Sql = Sql::new(
            "INSERT INTO deployment_facts (name, value) VALUES ($1, $2)
            ON CONFLICT (name) DO NOTHING",
        );
        apply_each(writes, async |Self { name, value }| {
            transaction.execute(&INSERT, &[(*name).into(), value.into()]).await?;
            let recorded = transaction.query(&READ, &[(*name).into()], read).await?.pop();
            recorded.ok_or_else(|| StoreError::Internal("a recorded setting is missing".into()))
        })
        .await
    }
}

fn read(row: &Row<'_>) -> Result<String, StoreError> {
    row.text("value").map(str::to_owned)
}

impl Database {
    /// The deployment setting of this name, or `None` if it is not recorded.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn deployment_setting(
        &self,
        name: &'static str,
    ) -> Result<Option<String>, StoreError> {
        self.find(&READ, vec![name.into()], read).await
    }

    /// Records a deployment setting, unless it is already recorded. Returns the recorded value.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn record_deployment_setting(
        &self,
        setting: RecordDeploymentSetting,
    ) -> Result<String, StoreError> {
        self.write(setting).await
    }
}
