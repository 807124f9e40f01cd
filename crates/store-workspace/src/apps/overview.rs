//! Lists the apps of all workspaces, deleted ones included, for operators (§13).

use db::{Sql, StoreError, Value, read_columns};
use domain::app::App;
use domain::{Timestamp, WorkspaceId};

use crate::WorkspaceStore;
use crate::apps::read::{APP, merge_providers};

/// An app as an operator sees it (§13).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppOverview {
    /// The app.
    pub app: App,
    /// When it was deleted, or `None`.
    pub deleted_at: Option<Timestamp>,
}

read_columns! {
    /// An app as an operator sees it, with one of its providers.
    APP_OVERVIEW: AppOverview {
        ..app = APP,
        deleted_at: optional_time,
    } => AppOverview { app, deleted_at }
}

impl WorkspaceStore {
    /// All apps, or those of one workspace, oldest first.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn app_overviews(
        &self,
        workspace_id: Option<&WorkspaceId>,
    ) -> Result<Vec<AppOverview>, StoreError> {
        static SQL: Sql = Sql::new(
            "SELECT {columns} FROM apps LEFT JOIN app_providers USING (workspace_id, client_id)
            WHERE CAST($1 AS TEXT) IS NULL OR workspace_id = $1
            ORDER BY created_at, workspace_id, client_id",
        )
        .reading(&APP_OVERVIEW);
        let parameters = vec![Value::from(workspace_id.map(WorkspaceId::as_str)).into_owned()];
        let rows = self.database.query(&SQL, parameters, APP_OVERVIEW.read).await?;
        Ok(merge_providers(rows, |overview| &mut overview.app))
    }
}
