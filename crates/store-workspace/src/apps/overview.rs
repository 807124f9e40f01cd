//! All apps of all workspaces, the deleted ones too: for operators (§13).

use db::{Row, Sql, StoreError, Value};
use domain::app::App;
use domain::{Timestamp, WorkspaceId};

use crate::WorkspaceStore;
use crate::apps::records::read_app;

/// An app as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppOverview {
    /// The app.
    pub app: App,
    /// When it was deleted, if it was.
    pub deleted_at: Option<Timestamp>,
}

impl WorkspaceStore {
    /// All apps, or those of one workspace, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn app_overviews(
        &self,
        workspace_id: Option<&WorkspaceId>,
    ) -> Result<Vec<AppOverview>, StoreError> {
        static SQL: Sql = Sql::new(
            "SELECT apps.workspace_id, apps.client_id, apps.name, apps.created_at, apps.deleted_at,
                app_providers.provider_id, app_providers.state
            FROM apps LEFT JOIN app_providers
                ON app_providers.workspace_id = apps.workspace_id AND app_providers.client_id = apps.client_id
            WHERE CAST($1 AS TEXT) IS NULL OR apps.workspace_id = $1
            ORDER BY apps.created_at, apps.workspace_id, apps.client_id",
        );
        let parameters = vec![Value::from(workspace_id.map(WorkspaceId::as_str)).into_owned()];
        let rows = self.database.query(&SQL, parameters, read_overview).await?;
        let mut overviews: Vec<AppOverview> = Vec::new();
        for mut row in rows {
            match overviews.last_mut().filter(|last| last.app.client_id == row.app.client_id) {
                Some(last) => {
                    last.app.enabled_providers.append(&mut row.app.enabled_providers);
                    last.app.requested_providers.append(&mut row.app.requested_providers);
                }
                None => overviews.push(row),
            }
        }
        Ok(overviews)
    }
}

fn read_overview(row: &Row<'_>) -> Result<AppOverview, StoreError> {
    Ok(AppOverview { app: read_app(row)?, deleted_at: row.optional_time("deleted_at")? })
}
