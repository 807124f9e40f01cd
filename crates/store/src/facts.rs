//! What all processes on the same tables have to agree on (§13).

use crate::StoreError;
use crate::database::Database;
use crate::row::Row;
use crate::sql::Sql;
use crate::unit::{Transaction, Unit, one_by_one};

/// Says something about the deployment, unless it has been said before.
#[derive(Clone, Debug)]
pub struct AgreeOnFact {
    /// What it is about.
    pub name: &'static str,
    /// What this process would say.
    pub value: String,
}

static READ: Sql = Sql::new("SELECT value FROM deployment_facts WHERE name = $1");

impl Unit for AgreeOnFact {
    /// What holds: what was said first.
    type Outcome = String;

    async fn decide(units: &[Self], transaction: &Transaction<'_>) -> Result<Vec<String>, StoreError> {
        static SAY: Sql =
            Sql::new("INSERT INTO deployment_facts (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING");
        one_by_one(units, async |Self { name, value }| {
            transaction.execute(&SAY, &[(*name).into(), value.into()]).await?;
            let said = transaction.query(&READ, &[(*name).into()], read).await?.pop();
            said.ok_or_else(|| StoreError::Internal("a fact was gone as soon as it was written".into()))
        })
        .await
    }
}

fn read(row: &Row<'_>) -> Result<String, StoreError> {
    row.text("value").map(str::to_owned)
}

/// What was said about this, if anything was.
pub(crate) async fn find(database: &Database, name: &'static str) -> Result<Option<String>, StoreError> {
    database.find(&READ, vec![name.into()], read).await
}
