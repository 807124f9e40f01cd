//! Webhooks of an app (§12).

use reqwest::Method;
use wire::webhook::{Delivery, UpdateWebhookConfig, WebhookAttempt, WebhookConfig};

use crate::http::send;
use crate::{ClientError, WorkspaceApi};

impl WorkspaceApi {
    /// Reads the configuration of an app's webhook.
    ///
    /// # Errors
    /// When there is no such app, or no response.
    pub async fn webhook_config(&self, client_id: &str) -> Result<WebhookConfig, ClientError> {
        let path = of_app(client_id, "webhook-config");
        Ok(self.send(self.http.request(Method::GET, &path)).await?.body)
    }

    /// Changes the configuration of an app's webhook. Idempotent.
    ///
    /// # Errors
    /// When the change is refused, or there is no response.
    pub async fn update_webhook_config(
        &self,
        client_id: &str,
        change: &UpdateWebhookConfig,
    ) -> Result<WebhookConfig, ClientError> {
        let path = of_app(client_id, "webhook-config");
        Ok(self.send(self.http.request(Method::PATCH, &path).json(change)).await?.body)
    }

    /// Sends a test event, and returns what the receiver said. It is sent once.
    ///
    /// # Errors
    /// When the webhook has no URL (409), or there is no response.
    pub async fn test_webhook(&self, client_id: &str) -> Result<WebhookAttempt, ClientError> {
        let path = [&of_app(client_id, "webhook-config")[..], &["test"]].concat();
        Ok(send(self.http.request(Method::POST, &path)).await?.body)
    }

    /// Lists the newest deliveries of an app, at most 100.
    ///
    /// # Errors
    /// When there is no such app, or no response.
    pub async fn webhook_deliveries(&self, client_id: &str) -> Result<Vec<Delivery>, ClientError> {
        let path = of_app(client_id, "webhook-deliveries");
        let request = self.http.request(Method::GET, &path).query(&[("limit", 100)]);
        Ok(self.send(request).await?.body)
    }

    /// Delivers an event again. Idempotent while it has not been delivered.
    ///
    /// # Errors
    /// When there is no such delivery, or no response.
    pub async fn redeliver(&self, client_id: &str, id: &str) -> Result<Delivery, ClientError> {
        let path = [&of_app(client_id, "webhook-deliveries")[..], &[id, "redeliver"]].concat();
        Ok(self.send(self.http.request(Method::POST, &path)).await?.body)
    }
}

fn of_app<'a>(client_id: &'a str, what: &'a str) -> [&'a str; 5] {
    ["connect", "v1", "apps", client_id, what]
}
