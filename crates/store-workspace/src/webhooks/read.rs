//! Reads webhooks (§12).

use db::{Sql, StoreError, Value, read_columns};
use domain::webhook::{WebhookConfig, WebhookSecrets};
use domain::{ClientId, WorkspaceId};

use super::events_from_text;
use crate::WorkspaceStore;

/// A webhook as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// The app's workspace.
    pub workspace_id: WorkspaceId,
    /// The app.
    pub client_id: ClientId,
    /// How it is configured.
    pub config: WebhookConfig,
    /// The secrets that sign.
    pub secrets: WebhookSecrets,
    /// How many attempts in a row have had no answer.
    pub failures: u32,
}

read_columns! {
    /// A webhook.
    pub(crate) WEBHOOK: Webhook {
        workspace_id: parsed,
        client_id: parsed,
        url: optional_string,
        enabled: boolean,
        retry_attempts: count,
        timeout_seconds: count,
        events: string,
        secret: string,
        previous_secret: optional_string,
        previous_secret_until: optional_time,
        failing_since: optional_time,
        failures: count,
    } => Webhook {
        workspace_id,
        client_id,
        config: WebhookConfig {
            url,
            enabled,
            retry_attempts,
            timeout_seconds,
            events: events_from_text(&events)?,
            failing_since,
        },
        secrets: WebhookSecrets {
            current: secret,
            previous: previous_secret.zip(previous_secret_until),
        },
        failures,
    }
}

impl WorkspaceStore {
    /// The webhook of an app. `None` if it was never configured.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn webhook(
        &self,
        workspace_id: &WorkspaceId,
        client_id: &ClientId,
    ) -> Result<Option<Webhook>, StoreError> {
        static SQL: Sql =
            Sql::new("SELECT {columns} FROM webhooks WHERE workspace_id = $1 AND client_id = $2")
                .reading(&WEBHOOK);
        let key = [workspace_id.as_str().into(), client_id.as_str().into()].map(Value::into_owned);
        self.database.find(&SQL, key.into(), WEBHOOK.read).await
    }

    /// The webhooks of a workspace's apps, those that were configured, in no order.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn webhooks_of(
        &self,
        apps: &[(WorkspaceId, ClientId)],
    ) -> Result<Vec<Webhook>, StoreError> {
        use crate::apps::AppKeyRow;
        static SQL: Sql = Sql::each(
            "SELECT {columns} FROM webhooks
            {join each on} workspace_id = each.workspace AND client_id = each.client",
            &AppKeyRow::COLUMNS,
        )
        .reading(&WEBHOOK);
        let rows = apps.iter().map(|app| AppKeyRow::of(app).map(Value::into_owned));
        self.database.query_each(&SQL, rows.collect(), WEBHOOK.read).await
    }
}
