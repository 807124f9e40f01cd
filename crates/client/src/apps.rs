//! Apps and their providers (§11).

use futures_util::stream::BoxStream;
use reqwest::Method;
use wire::app::{
    App, AppPage, ClientSecret, CreateApp, CreateApps, CreatedApps, RedirectUris, UpdateApp,
};
use wire::page::MAX_PAGE_SIZE;
use wire::provider::{ActivationResult, Provider, SetActivation};

use crate::http::send;
use crate::pages::stream_pages;
use crate::{ClientError, WorkspaceApi};

impl WorkspaceApi {
    /// Lists the workspace's apps, oldest first. A page has `limit` apps, from 1 to 100; the
    /// default is 20.
    ///
    /// # Errors
    /// When the query is refused, or there is no response.
    pub async fn apps(
        &self,
        limit: Option<u32>,
        offset: Option<u64>,
    ) -> Result<AppPage, ClientError> {
        let request = self.http.request(Method::GET, &apps());
        Ok(self
            .send(request.query(&[("limit", limit.map(u64::from)), ("offset", offset)]))
            .await?
            .body)
    }

    /// Streams the workspace's apps, oldest first. Pages are read on demand, and the stream ends
    /// after an error.
    #[must_use]
    pub fn all_apps(&self) -> BoxStream<'static, Result<App, ClientError>> {
        let api = self.clone();
        stream_pages(0, move |offset: u64| {
            let api = api.clone();
            async move {
                let AppPage { data, total, .. } =
                    api.apps(Some(MAX_PAGE_SIZE), Some(offset)).await?;
                let end = offset.saturating_add(u64::try_from(data.len()).unwrap_or(u64::MAX));
                let next = (!data.is_empty() && end < total).then_some(end);
                Ok((data, next))
            }
        })
    }

    /// Creates an app. Only this response contains its whole secret. Idempotent with an idempotency
    /// key; with retries, a call without one gets a random key.
    ///
    /// # Errors
    /// When the body is refused, or there is no response.
    pub async fn create_app(
        &self,
        app: &CreateApp,
        idempotency_key: Option<&str>,
    ) -> Result<App, ClientError> {
        let request = self.http.request(Method::POST, &apps()).json(app);
        Ok(self.send_with_key(request, idempotency_key).await?.body)
    }

    /// Creates up to 100 apps. The response has a result for each of them. Idempotent with an
    /// idempotency key for the batch; with retries, a call without one gets a random key.
    ///
    /// # Errors
    /// When the batch as a whole is refused, or there is no response.
    pub async fn create_apps(
        &self,
        batch: &CreateApps,
        idempotency_key: Option<&str>,
    ) -> Result<CreatedApps, ClientError> {
        let path = [&apps()[..], &["batch"]].concat();
        let request = self.http.request(Method::POST, &path).json(batch);
        Ok(self.send_with_key(request, idempotency_key).await?.body)
    }

    /// Reads an app.
    ///
    /// # Errors
    /// When there is no such app, or no response.
    pub async fn app(&self, client_id: &str) -> Result<App, ClientError> {
        Ok(self.send(self.http.request(Method::GET, &app(client_id))).await?.body)
    }

    /// Changes an app. Fields that are `None` do not change.
    ///
    /// # Errors
    /// When the body is refused, there is no such app, or no response.
    pub async fn update_app(
        &self,
        client_id: &str,
        change: &UpdateApp,
    ) -> Result<App, ClientError> {
        Ok(self.send(self.http.request(Method::PATCH, &app(client_id)).json(change)).await?.body)
    }

    /// Deletes an app, cancels its pending production tests and closes its active challenges.
    /// Returns the app as it was. Never retried, because a second attempt would get 404.
    ///
    /// # Errors
    /// When there is no such app, or no response.
    pub async fn delete_app(&self, client_id: &str) -> Result<App, ClientError> {
        Ok(send(self.http.request(Method::DELETE, &app(client_id))).await?.body)
    }

    /// Rotates the client secret of an app. The old secret is invalid at once. Idempotent with an
    /// idempotency key; with retries, a call without one gets a random key.
    ///
    /// # Errors
    /// When there is no such app, or no response.
    pub async fn rotate_client_secret(
        &self,
        client_id: &str,
        idempotency_key: Option<&str>,
    ) -> Result<ClientSecret, ClientError> {
        let path = [&app(client_id)[..], &["rotate-client-secret"]].concat();
        Ok(self.send_with_key(self.http.request(Method::POST, &path), idempotency_key).await?.body)
    }

    /// Reads the redirect URIs of an app.
    ///
    /// # Errors
    /// When there is no such app, or no response.
    pub async fn redirect_uris(&self, client_id: &str) -> Result<RedirectUris, ClientError> {
        let path = [&app(client_id)[..], &["redirect-uris"]].concat();
        Ok(self.send(self.http.request(Method::GET, &path)).await?.body)
    }

    /// Replaces the redirect URIs of an app.
    ///
    /// # Errors
    /// When the body is refused, there is no such app, or no response.
    pub async fn replace_redirect_uris(
        &self,
        client_id: &str,
        uris: &RedirectUris,
    ) -> Result<RedirectUris, ClientError> {
        let path = [&app(client_id)[..], &["redirect-uris"]].concat();
        Ok(self.send(self.http.request(Method::PUT, &path).json(uris)).await?.body)
    }

    /// Lists all providers with their activation for an app.
    ///
    /// # Errors
    /// When there is no such app, or no response.
    pub async fn providers(&self, client_id: &str) -> Result<Vec<Provider>, ClientError> {
        let path = [&app(client_id)[..], &["providers"]].concat();
        Ok(self
            .send(self.http.request(Method::GET, &path).query(&[("include", "activation")]))
            .await?
            .body)
    }

    /// Enables or disables a provider for an app.
    ///
    /// # Errors
    /// When there is no such app or provider, or no response.
    pub async fn set_provider(
        &self,
        client_id: &str,
        provider_id: &str,
        enabled: bool,
    ) -> Result<ActivationResult, ClientError> {
        let path = [&app(client_id)[..], &["providers", provider_id, "activation"]].concat();
        let request = self.http.request(Method::PATCH, &path).json(&SetActivation { enabled });
        Ok(self.send(request).await?.body)
    }
}

fn apps() -> [&'static str; 3] {
    ["connect", "v1", "apps"]
}

fn app(client_id: &str) -> [&str; 4] {
    ["connect", "v1", "apps", client_id]
}
