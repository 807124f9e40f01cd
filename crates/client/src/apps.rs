//! Apps and their providers (§11).

use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use reqwest::Method;
use wire::app::{
    App, AppPage, ClientSecret, CreateApp, CreateApps, CreatedApps, RedirectUris, UpdateApp,
};
use wire::page::MAX_PAGE_SIZE;
use wire::provider::{ActivationResult, Provider, SetActivation};

use crate::http::send;
use crate::{ClientError, WorkspaceApi};

impl WorkspaceApi {
    /// The workspace's apps, oldest first: 20 of them, or as many as `limit` says, at most 100.
    ///
    /// # Errors
    /// When the query was refused, or not answered.
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

    /// The workspace's apps one after the other, oldest first, read page by page as they are asked
    /// for. After an error the stream is at its end.
    #[must_use]
    pub fn all_apps(&self) -> BoxStream<'static, Result<App, ClientError>> {
        let api = self.clone();
        let pages = stream::try_unfold(Some(0), move |offset| {
            let api = api.clone();
            async move {
                let Some(offset) = offset else { return Ok(None) };
                let AppPage { data, total, .. } =
                    api.apps(Some(MAX_PAGE_SIZE), Some(offset)).await?;
                let end = offset.saturating_add(u64::try_from(data.len()).unwrap_or(u64::MAX));
                let next = (!data.is_empty() && end < total).then_some(end);
                Ok(Some((stream::iter(data).map(Ok), next)))
            }
        });
        pages.try_flatten().boxed()
    }

    /// Makes an app. Its secret is in the answer, and nowhere else. With an idempotency key it is
    /// safe to repeat; with retries, a call without a key gets one of its own.
    ///
    /// # Errors
    /// When it was refused, or not answered.
    pub async fn create_app(
        &self,
        app: &CreateApp,
        idempotency_key: Option<&str>,
    ) -> Result<App, ClientError> {
        let request = self.http.request(Method::POST, &apps()).json(app);
        Ok(self.send_under_key(request, idempotency_key).await?.body)
    }

    /// Makes up to 100 apps, each item with an idempotency key of its own if it has one. With an
    /// idempotency key for the whole it is safe to repeat; with retries, a call without a key gets
    /// one of its own.
    ///
    /// # Errors
    /// When the call was refused as a whole, or not answered; what became of each item is in the
    /// answer.
    pub async fn create_apps(
        &self,
        batch: &CreateApps,
        idempotency_key: Option<&str>,
    ) -> Result<CreatedApps, ClientError> {
        let path = [&apps()[..], &["batch"]].concat();
        let request = self.http.request(Method::POST, &path).json(batch);
        Ok(self.send_under_key(request, idempotency_key).await?.body)
    }

    /// Reads an app.
    ///
    /// # Errors
    /// When there is none, or no answer.
    pub async fn app(&self, client_id: &str) -> Result<App, ClientError> {
        Ok(self.send(self.http.request(Method::GET, &app(client_id))).await?.body)
    }

    /// Changes an app. What is left out stays as it is.
    ///
    /// # Errors
    /// When it was refused, or not answered.
    pub async fn update_app(
        &self,
        client_id: &str,
        change: &UpdateApp,
    ) -> Result<App, ClientError> {
        Ok(self.send(self.http.request(Method::PATCH, &app(client_id)).json(change)).await?.body)
    }

    /// Deletes an app: its pending tests are cancelled, its running challenges closed. The answer
    /// is what it was. Never repeated by itself, because the second answer would be that there is
    /// no such app.
    ///
    /// # Errors
    /// When there is none, or no answer.
    pub async fn delete_app(&self, client_id: &str) -> Result<App, ClientError> {
        Ok(send(self.http.request(Method::DELETE, &app(client_id))).await?.body)
    }

    /// Gives an app a new secret; the old one is dead at once. With an idempotency key it is safe
    /// to repeat; with retries, a call without a key gets one of its own.
    ///
    /// # Errors
    /// When there is no such app, or no answer.
    pub async fn rotate_client_secret(
        &self,
        client_id: &str,
        idempotency_key: Option<&str>,
    ) -> Result<ClientSecret, ClientError> {
        let path = [&app(client_id)[..], &["rotate-client-secret"]].concat();
        Ok(self.send_under_key(self.http.request(Method::POST, &path), idempotency_key).await?.body)
    }

    /// Where an app's users may be sent back to.
    ///
    /// # Errors
    /// When there is no such app, or no answer.
    pub async fn redirect_uris(&self, client_id: &str) -> Result<RedirectUris, ClientError> {
        let path = [&app(client_id)[..], &["redirect-uris"]].concat();
        Ok(self.send(self.http.request(Method::GET, &path)).await?.body)
    }

    /// Replaces where an app's users may be sent back to.
    ///
    /// # Errors
    /// When it was refused, or not answered.
    pub async fn replace_redirect_uris(
        &self,
        client_id: &str,
        uris: &RedirectUris,
    ) -> Result<RedirectUris, ClientError> {
        let path = [&app(client_id)[..], &["redirect-uris"]].concat();
        Ok(self.send(self.http.request(Method::PUT, &path).json(uris)).await?.body)
    }

    /// The catalogue, as it stands for an app, with the state of each activation.
    ///
    /// # Errors
    /// When there is no such app, or no answer.
    pub async fn providers(&self, client_id: &str) -> Result<Vec<Provider>, ClientError> {
        let path = [&app(client_id)[..], &["providers"]].concat();
        Ok(self
            .send(self.http.request(Method::GET, &path).query(&[("include", "activation")]))
            .await?
            .body)
    }

    /// Enables a provider for an app, or disables it.
    ///
    /// # Errors
    /// When it was refused, or not answered.
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
