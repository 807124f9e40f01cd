//! What the pages do, they do with the operations of the Workspace API, as the person who is signed
//! in: the same rules, the same texts. The calls stay in this process.

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, HeaderValue, Method, Request, header};
use axum::response::Response;
use domain::api_key::SecretHash;
use http_support::error::ApiError;
use http_support::request_layer::RequestIdentity;
use http_support::signed_in::SignedInKey;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower::ServiceExt;

use crate::session::Session;
use crate::state::Console;

/// The largest answer that a page shows, in bytes.
const LARGEST_ANSWER: usize = 8 * 1024 * 1024;

/// The Workspace API, in the name of a key.
pub(crate) struct Api<'a> {
    console: &'a Console,
    secret_hash: SecretHash,
    identity: RequestIdentity,
}

impl Console {
    /// The Workspace API, in the name of a person who is signed in.
    pub(crate) fn api(&self, session: &Session) -> Api<'_> {
        self.api_of(session.secret_hash, session.identity.clone())
    }

    /// The Workspace API, in the name of a key.
    pub(crate) fn api_of(&self, secret_hash: SecretHash, identity: RequestIdentity) -> Api<'_> {
        Api { console: self, secret_hash, identity }
    }
}

impl Api<'_> {
    /// Reads what is at a path below `/connect/v1`.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ApiError> {
        Ok(self.get_with_headers(path).await?.1)
    }

    /// [`Self::get`], with the headers of the answer.
    pub(crate) async fn get_with_headers<T: DeserializeOwned>(
        &self,
        path: &str,
    ) -> Result<(HeaderMap, T), ApiError> {
        let response = self.respond(Method::GET, path, None, HeaderMap::new()).await?;
        decode(response).await
    }

    /// Sends a body to a path below `/connect/v1`.
    pub(crate) async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T, ApiError> {
        let response = self.respond(method, path, body, HeaderMap::new()).await?;
        Ok(decode(response).await?.1)
    }

    /// [`Self::send`] with an idempotency key, so that a form that is sent twice does one thing.
    pub(crate) async fn send_once<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &Value,
        idempotency_key: &str,
    ) -> Result<T, ApiError> {
        let mut headers = HeaderMap::new();
        if let Ok(key) = HeaderValue::from_str(idempotency_key) {
            headers.insert("idempotency-key", key);
        }
        let response = self.respond(Method::POST, path, Some(body), headers).await?;
        Ok(decode(response).await?.1)
    }

    /// The answer as the API gives it, for downloads and streams.
    pub(crate) async fn respond(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: HeaderMap,
    ) -> Result<Response, ApiError> {
        let mut request = Request::builder().method(method).uri(format!("/connect/v1{path}"));
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let mut request = request.body(body).map_err(ApiError::internal)?;
        request.headers_mut().extend(headers);
        request.extensions_mut().insert(SignedInKey(self.secret_hash));
        request.extensions_mut().insert(self.identity.clone());
        let Ok(mut response) = self.console.parts.api.clone().oneshot(request).await;
        if let Some(error) = response.extensions_mut().remove::<ApiError>() {
            return Err(error);
        }
        let status = response.status();
        if status.is_client_error() || status.is_server_error() {
            return Err(ApiError::of_framework(status));
        }
        Ok(response)
    }
}

async fn decode<T: DeserializeOwned>(response: Response) -> Result<(HeaderMap, T), ApiError> {
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, LARGEST_ANSWER).await.map_err(ApiError::internal)?;
    let value = serde_json::from_slice(&bytes).map_err(ApiError::internal)?;
    Ok((parts.headers, value))
}
