//! Reads apps (§11).

use std::collections::BTreeSet;

use db::{Row, Sql, StoreError, Value, read_columns};
use domain::app::{App, ProviderState};
use domain::{ClientId, ProviderId, Timestamp, WorkspaceId};

use crate::WorkspaceStore;

/// An app as its engineers see it (§11).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppRecord {
    /// The app.
    pub app: App,
    /// The URIs that its users may be redirected to.
    pub redirect_uris: Vec<String>,
    /// Its logo, a data URL.
    pub logo: Option<String>,
    /// Where a tester may go on after a stamp.
    pub default_success_redirect_uri: Option<String>,
    /// Where a tester may go on after a participation without a stamp.
    pub default_failure_redirect_uri: Option<String>,
    /// The last characters of its client secret: `****1a2b`.
    pub client_secret_preview: String,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A page of a workspace's apps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppPage {
    /// The apps of the page, oldest first.
    pub apps: Vec<AppRecord>,
    /// The number of all apps of the workspace.
    pub total: u64,
}

read_columns! {
    /// An app with one of its providers, from a row of `apps LEFT JOIN app_providers`. The rows of
    /// an app are merged by [`merge_providers`].
    pub(crate) APP: App {
        workspace_id: parsed,
        client_id: parsed,
        name: string,
        created_at: time,
        provider_id: optional_parsed,
        state: optional_named(ProviderState::from_name),
    } => App {
        workspace_id,
        client_id,
        name,
        enabled_providers: only(&provider_id, state == Some(ProviderState::Enabled)),
        requested_providers: only(&provider_id, state == Some(ProviderState::Requested)),
        created_at,
    }
}

read_columns! {
    /// An app as its engineers see it, with one of its providers.
    APP_RECORD: AppRecord {
        ..app = APP,
        redirect_uris: strings,
        logo: optional_string,
        default_success_redirect_uri: optional_string,
        default_failure_redirect_uri: optional_string,
        client_secret_preview: string,
        updated_at: time,
    } => AppRecord {
        app,
        redirect_uris,
        logo,
        default_success_redirect_uri,
        default_failure_redirect_uri,
        client_secret_preview,
        updated_at,
    }
}

/// The provider as a set, or the empty set.
fn only(provider_id: &Option<ProviderId>, is_member: bool) -> BTreeSet<ProviderId> {
    provider_id.iter().filter(|_| is_member).cloned().collect()
}

/// Merges the rows of each app, which follow each other and have one provider each.
pub(crate) fn merge_providers<T>(
    rows: impl IntoIterator<Item = T>,
    app_of: fn(&mut T) -> &mut App,
) -> Vec<T> {
    let mut merged: Vec<T> = Vec::new();
    for mut row in rows {
        let app = app_of(&mut row);
        match merged.last_mut().map(app_of).filter(|last| last.client_id == app.client_id) {
            Some(last) => {
                last.enabled_providers.append(&mut app.enabled_providers);
                last.requested_providers.append(&mut app.requested_providers);
            }
            None => merged.push(row),
        }
    }
    merged
}

impl WorkspaceStore {
    /// An app of the workspace, without the columns that only its engineers see.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn app(
        &self,
        workspace_id: &WorkspaceId,
        client_id: &ClientId,
    ) -> Result<Option<App>, StoreError> {
        static SQL: Sql = Sql::new(
            "SELECT {columns} FROM apps LEFT JOIN app_providers USING (workspace_id, client_id)
            WHERE workspace_id = $1 AND client_id = $2 AND deleted_at IS NULL",
        )
        .reading(&APP);
        let key = [workspace_id.as_str().into(), client_id.as_str().into()].map(Value::into_owned);
        let rows = self.database.query(&SQL, key.into(), APP.read).await?;
        Ok(merge_providers(rows, |app| app).pop())
    }

    /// An app of the workspace, as its engineers see it.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn app_record(
        &self,
        workspace_id: &WorkspaceId,
        client_id: &ClientId,
    ) -> Result<Option<AppRecord>, StoreError> {
        static SQL: Sql = Sql::new(
            "SELECT {columns} FROM apps LEFT JOIN app_providers USING (workspace_id, client_id)
            WHERE workspace_id = $1 AND client_id = $2 AND deleted_at IS NULL",
        )
        .reading(&APP_RECORD);
        let key = [workspace_id.as_str().into(), client_id.as_str().into()].map(Value::into_owned);
        let rows = self.database.query(&SQL, key.into(), APP_RECORD.read).await?;
        Ok(merge_providers(rows, |record| &mut record.app).pop())
    }

    /// A page of the workspace's apps, oldest first: at most `limit`, without the first `offset`.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn app_records(
        &self,
        workspace_id: &WorkspaceId,
        limit: u32,
        offset: u64,
    ) -> Result<AppPage, StoreError> {
        static SQL: Sql = Sql::new(
            "WITH page AS (
                SELECT * FROM apps WHERE workspace_id = $1 AND deleted_at IS NULL
                ORDER BY created_at, client_id LIMIT $2 OFFSET $3)
            SELECT total, {columns}
            FROM (SELECT COUNT(*) AS total FROM apps
                WHERE workspace_id = $1 AND deleted_at IS NULL) AS counted
            LEFT JOIN page ON true
            LEFT JOIN app_providers USING (workspace_id, client_id)
            ORDER BY created_at, client_id",
        )
        .reading(&APP_RECORD);
        // No table has more rows than an `i64` can count.
        let offset = i64::try_from(offset).unwrap_or(i64::MAX);
        let parameters =
            [workspace_id.as_str().into(), limit.into(), offset.into()].map(Value::into_owned);
        let rows = self.database.query(&SQL, parameters.into(), read_page_row).await?;
        let total = rows.first().map_or(0, |(total, _)| *total);
        let records = rows.into_iter().filter_map(|(_, record)| record);
        Ok(AppPage { apps: merge_providers(records, |record| &mut record.app), total })
    }
}

/// The number of all apps, and an app of the page, if the page has any.
fn read_page_row(row: &Row<'_>) -> Result<(u64, Option<AppRecord>), StoreError> {
    Ok((row.total("total")?, APP_RECORD.read_optional(row)?))
}
