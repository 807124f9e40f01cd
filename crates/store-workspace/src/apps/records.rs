//! Apps as their engineers see and change them (§11).

use std::collections::BTreeSet;

use db::{Row, Sql, StoreError, Transaction, Value, Write, apply_each_in_lock_order};
use domain::app::{App, ProviderState};
use domain::{ClientId, Timestamp, WorkspaceId};

use crate::WorkspaceStore;

/// An app with all that is kept of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppRecord {
    /// What production tests need of it.
    pub app: App,
    /// Where its users may be sent back to.
    pub redirect_uris: Vec<String>,
    /// What may still be shown of its secret.
    pub client_secret_preview: String,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A part of a workspace's apps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppPage {
    /// The part, oldest first.
    pub apps: Vec<AppRecord>,
    /// How many there are in all.
    pub total: u64,
}

/// Changes an app.
#[derive(Clone, Debug)]
pub struct UpdateApp {
    /// Whose it is.
    pub workspace_id: WorkspaceId,
    /// Which.
    pub client_id: ClientId,
    /// Its new name, if it gets one.
    pub name: Option<String>,
    /// Where its users may be sent back to from now on, if that changes.
    pub redirect_uris: Option<Vec<String>>,
    /// When.
    pub now: Timestamp,
}

impl Write for UpdateApp {
    /// Whether there is such an app.
    type Outcome = bool;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<bool>, StoreError> {
        static SQL: Sql = Sql::new(
            "UPDATE apps SET name = COALESCE($1, name), redirect_uris = COALESCE($2, redirect_uris), updated_at = $3
            WHERE workspace_id = $4 AND client_id = $5 AND deleted_at IS NULL",
        );
        apply_each_in_lock_order(
            writes,
            |write| write.client_id.as_str(),
            async |Self { workspace_id, client_id, name, redirect_uris, now }| {
                let redirect_uris = redirect_uris
                    .as_ref()
                    .map(|uris| serde_json::Value::from(uris.clone()).to_string());
                let parameters = [
                    name.as_ref().into(),
                    redirect_uris.into(),
                    (*now).into(),
                    workspace_id.as_str().into(),
                    client_id.as_str().into(),
                ];
                Ok(transaction.execute(&SQL, &parameters).await? == 1)
            },
        )
        .await
    }
}

/// Deletes an app. What it has ordered is called off: pending requests are cancelled, and active
/// challenges are to be closed.
#[derive(Clone, Debug)]
pub struct DeleteApp {
    /// Whose it is.
    pub workspace_id: WorkspaceId,
    /// Which.
    pub client_id: ClientId,
    /// When.
    pub now: Timestamp,
}

impl Write for DeleteApp {
    /// Whether there is such an app.
    type Outcome = bool;

    async fn apply_batch(
        writes: &[Self],
        transaction: &Transaction<'_>,
    ) -> Result<Vec<bool>, StoreError> {
        // Inserts under way hold a lock on their app: they are waited for, and then seen. Those
        // that come later are cancelled when they are first looked at (LeaseDue).
        static LOCK: Sql = Sql::new(
            "SELECT client_id FROM apps WHERE workspace_id = $1 AND client_id = $2 {lock alone}",
        );
        static DELETE: Sql = Sql::new(
            "UPDATE apps SET deleted_at = $1, updated_at = $1
            WHERE workspace_id = $2 AND client_id = $3 AND deleted_at IS NULL",
        );
        // As for a single request: whoever attempts it right now is done when the lease ends.
        static CANCEL: Sql = Sql::new(
            "UPDATE challenge_requests SET status = 'cancelled', next_attempt_at = NULL, leased_by = NULL,
                lease_expires_at = NULL, updated_at = $1,
                recall_at = CASE WHEN lease_expires_at IS NOT NULL THEN lease_expires_at WHEN attempts > 0 THEN $1 END
            WHERE workspace_id = $2 AND client_id = $3 AND status = 'pending'",
        );
        static RECALL: Sql = Sql::new(
            "UPDATE challenge_requests SET recall_at = $1
            WHERE workspace_id = $2 AND client_id = $3 AND status = 'scheduled' AND challenge_expires_at > $1
                AND challenge_completed_at IS NULL AND NOT challenge_is_closed",
        );
        apply_each_in_lock_order(
            writes,
            |write| write.client_id.as_str(),
            async |Self { workspace_id, client_id, now }| {
                transaction
                    .query(
                        &LOCK,
                        &[workspace_id.as_str().into(), client_id.as_str().into()],
                        |_| Ok(()),
                    )
                    .await?;
                let key = [(*now).into(), workspace_id.as_str().into(), client_id.as_str().into()];
                if transaction.execute(&DELETE, &key).await? == 0 {
                    return Ok(false);
                }
                transaction.execute(&CANCEL, &key).await?;
                transaction.execute(&RECALL, &key).await?;
                Ok(true)
            },
        )
        .await
    }
}

impl WorkspaceStore {
    /// Changes an app; `false` when there is no such app.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn update_app(&self, write: UpdateApp) -> Result<bool, StoreError> {
        self.database.write(write).await
    }

    /// Deletes an app; `false` when there is no such app.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn delete_app(&self, write: DeleteApp) -> Result<bool, StoreError> {
        self.database.write(write).await
    }

    /// An app of the workspace's, with all that is kept of it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn app_record(
        &self,
        workspace_id: &WorkspaceId,
        client_id: &ClientId,
    ) -> Result<Option<AppRecord>, StoreError> {
        static SQL: Sql = Sql::new(
            "SELECT apps.workspace_id, apps.client_id, apps.name, apps.redirect_uris, apps.client_secret_preview,
                apps.created_at, apps.updated_at, app_providers.provider_id, app_providers.state
            FROM apps LEFT JOIN app_providers
                ON app_providers.workspace_id = apps.workspace_id AND app_providers.client_id = apps.client_id
            WHERE apps.workspace_id = $1 AND apps.client_id = $2 AND apps.deleted_at IS NULL",
        );
        let key = [workspace_id.as_str().into(), client_id.as_str().into()].map(Value::into_owned);
        let rows = self.database.query(&SQL, key.into(), read_record).await?;
        Ok(joined(rows).pop())
    }

    /// The workspace's apps, oldest first, cut, and how many there would be uncut.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn app_records(
        &self,
        workspace_id: &WorkspaceId,
        limit: u32,
        offset: u64,
    ) -> Result<AppPage, StoreError> {
        static SQL: Sql = Sql::new(
            "WITH page AS (
                SELECT workspace_id, client_id, name, redirect_uris, client_secret_preview, created_at, updated_at FROM apps
                WHERE workspace_id = $1 AND deleted_at IS NULL ORDER BY created_at, client_id LIMIT $2 OFFSET $3)
            SELECT total, page.workspace_id, page.client_id, page.name, page.redirect_uris, page.client_secret_preview,
                page.created_at, page.updated_at, app_providers.provider_id, app_providers.state
            FROM (SELECT COUNT(*) AS total FROM apps WHERE workspace_id = $1 AND deleted_at IS NULL) AS uncut
            LEFT JOIN page ON true
            LEFT JOIN app_providers
                ON app_providers.workspace_id = page.workspace_id AND app_providers.client_id = page.client_id
            ORDER BY page.created_at, page.client_id",
        );
        // No table has more rows than fit a signed 64-bit number.
        let offset = i64::try_from(offset).unwrap_or(i64::MAX);
        let parameters =
            [workspace_id.as_str().into(), limit.into(), offset.into()].map(Value::into_owned);
        let rows = self.database.query(&SQL, parameters.into(), read_row).await?;
        let total = rows.first().map_or(0, |(total, _)| *total);
        Ok(AppPage { apps: joined(rows.into_iter().filter_map(|(_, record)| record)), total })
    }
}

/// Apps of which each row has one provider, as apps that have them all. Rows of one app stand
/// together.
fn joined(rows: impl IntoIterator<Item = AppRecord>) -> Vec<AppRecord> {
    let mut records: Vec<AppRecord> = Vec::new();
    for mut row in rows {
        match records.last_mut().filter(|last| last.app.client_id == row.app.client_id) {
            Some(last) => {
                last.app.enabled_providers.append(&mut row.app.enabled_providers);
                last.app.requested_providers.append(&mut row.app.requested_providers);
            }
            None => records.push(row),
        }
    }
    records
}

fn read_row(row: &Row<'_>) -> Result<(u64, Option<AppRecord>), StoreError> {
    let record = match row.optional_text("client_id")? {
        Some(_) => Some(read_record(row)?),
        None => None,
    };
    Ok((row.integer("total")?.unsigned_abs(), record))
}

fn read_record(row: &Row<'_>) -> Result<AppRecord, StoreError> {
    let redirect_uris = serde_json::from_str(row.text("redirect_uris")?).map_err(|_| {
        StoreError::Internal("the column redirect_uris holds a value that cannot be".into())
    })?;
    Ok(AppRecord {
        app: read_app(row)?,
        redirect_uris,
        client_secret_preview: row.text("client_secret_preview")?.to_owned(),
        updated_at: row.time("updated_at")?,
    })
}

/// An app and, of its providers, the one that the row names.
pub(crate) fn read_app(row: &Row<'_>) -> Result<App, StoreError> {
    let (mut enabled_providers, mut requested_providers) = (BTreeSet::new(), BTreeSet::new());
    if row.optional_text("provider_id")?.is_some() {
        let set = match row.named("state", ProviderState::from_name)? {
            ProviderState::Enabled => &mut enabled_providers,
            ProviderState::Requested => &mut requested_providers,
        };
        set.insert(row.parsed("provider_id")?);
    }
    Ok(App {
        workspace_id: row.parsed("workspace_id")?,
        client_id: row.parsed("client_id")?,
        name: row.text("name")?.to_owned(),
        enabled_providers,
        requested_providers,
        created_at: row.time("created_at")?,
    })
}
