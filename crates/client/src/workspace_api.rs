//! The Workspace API (§5 to §8).

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::stream::BoxStream;
use http::header::LOCATION;
use reqwest::{Method, RequestBuilder};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::api_key::ConsoleLink;
use wire::error::ErrorCode;
use wire::outcomes::Outcomes;
use wire::page::{MAX_PAGE_SIZE, Order, TOTAL_COUNT_HEADER};
use wire::production_test::{
    ChallengeRequest, CreateProductionTest, ItemType, ListItem, ProductionTest, RequestStatus,
    UpdateProductionTest,
};
use wire::report::Report;
use wire::verifier::Verifier;
use wire::workspace::Workspace;

use crate::http::{Decoded, Http, send, send_counting_attempts, send_with_retries};
use crate::pages::{next_cursor, stream_pages};
use crate::{ClientError, Retries};

/// The timeout of every call.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// A client of the Workspace API (§5 to §8, §11). Clones share the connection pool.
#[derive(Clone)]
pub struct WorkspaceApi {
    pub(crate) http: Http,
    retries: Option<Retries>,
}

/// A created production test.
#[derive(Clone, Debug, PartialEq)]
pub struct Created {
    /// The challenge request.
    pub request: ChallengeRequest,
    /// The path of the production test: the `Location` of the response.
    pub location: Option<String>,
    /// Whether an earlier request with the same idempotency key created it.
    pub is_replay: bool,
}

/// Which production tests to list (§6). The default is all, oldest first.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ListQuery {
    /// The maximum number of items, from 1 to 100.
    pub limit: Option<u32>,
    /// The number of items to skip, with a cursor after it.
    pub offset: Option<u64>,
    /// Where the page begins: empty for the first page, then [`ProductionTests::next`].
    pub cursor: Option<String>,
    /// Only items of this type.
    #[serde(rename = "type")]
    pub kind: Option<ItemType>,
    /// Only items whose request has this status.
    pub status: Option<RequestStatus>,
    /// Oldest or newest first.
    pub order: Option<Order>,
}

/// A list of production tests, or a page of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ProductionTests {
    /// The items.
    pub items: Vec<ListItem>,
    /// The number of items on all pages; only if the query has a limit and no cursor.
    pub total: Option<u64>,
    /// The cursor of the next page; only if the query has a cursor and there is a next page.
    pub next: Option<String>,
}

impl WorkspaceApi {
    /// A client of the deployment at `origin`, such as `https://fieldtest.example`, without
    /// retries.
    ///
    /// # Errors
    /// When `origin` is not an HTTP URL.
    pub fn new(origin: &str, api_key: &str) -> Result<Self, ClientError> {
        Ok(Self { http: Http::new(origin, Some(api_key), TIMEOUT)?, retries: None })
    }

    /// Retries idempotent calls: reads and updates, cancelling and retrying a production test, and
    /// every create, with an idempotency key.
    #[must_use]
    pub fn with_retries(self, retries: Retries) -> Self {
        Self { retries: Some(retries), ..self }
    }

    /// Reads the workspace that the API key belongs to.
    ///
    /// # Errors
    /// When the API key is not valid, or there is no response.
    pub async fn workspace(&self) -> Result<Workspace, ClientError> {
        Ok(self.send(self.http.request(Method::GET, &["connect", "v1", "workspace"])).await?.body)
    }

    /// Makes a link that signs in to the console once.
    ///
    /// # Errors
    /// When the API key is not valid, or there is no response.
    pub async fn console_link(&self) -> Result<ConsoleLink, ClientError> {
        let path = ["connect", "v1", "console-links"];
        Ok(send(self.http.request(Method::POST, &path)).await?.body)
    }

    /// Orders a production test. Idempotent with an idempotency key; with retries, a call without
    /// one gets a random key.
    ///
    /// # Errors
    /// When the order is refused, or there is no response.
    pub async fn create_production_test(
        &self,
        client_id: &str,
        order: &CreateProductionTest,
        idempotency_key: Option<&str>,
    ) -> Result<Created, ClientError> {
        let request = self.http.request(Method::POST, &tests(client_id)).json(order);
        let Decoded { headers, body } = self.send_with_key(request, idempotency_key).await?;
        let location =
            headers.get(LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let is_replay = headers.contains_key("Idempotency-Replayed");
        Ok(Created { request: body, location, is_replay })
    }

    /// Lists an app's production tests: all of them, or one page if the query has a limit.
    ///
    /// # Errors
    /// When the query is refused, or there is no response.
    pub async fn production_tests(
        &self,
        client_id: &str,
        query: &ListQuery,
    ) -> Result<ProductionTests, ClientError> {
        let request = self.http.request(Method::GET, &tests(client_id)).query(query);
        let Decoded { headers, body: items } = self.send(request).await?;
        let total =
            headers.get(TOTAL_COUNT_HEADER).and_then(|value| value.to_str().ok()?.parse().ok());
        Ok(ProductionTests { items, total, next: next_cursor(&headers) })
    }

    /// Streams an app's production tests, without the first `offset` of the query. Pages are read
    /// on demand; their size is the query's limit, or 100. The stream ends after an error.
    ///
    /// The stream has every production test at most once, in both orders. With a filter, a test
    /// that changes its status meanwhile is shown as the filter finds it.
    #[must_use]
    pub fn all_production_tests(
        &self,
        client_id: &str,
        query: ListQuery,
    ) -> BoxStream<'static, Result<ListItem, ClientError>> {
        let limit = query.limit.unwrap_or(MAX_PAGE_SIZE);
        let (api, client_id) = (self.clone(), client_id.to_owned());
        let first = query.cursor.clone().unwrap_or_default();
        stream_pages(first.clone(), move |cursor| {
            let (api, client_id) = (api.clone(), client_id.clone());
            let page = ListQuery {
                limit: Some(limit),
                offset: query.offset.filter(|_| cursor == first),
                cursor: Some(cursor),
                ..query.clone()
            };
            async move {
                let ProductionTests { items, next, .. } =
                    api.production_tests(&client_id, &page).await?;
                Ok((items, next))
            }
        })
    }

    /// Reads a production test by the id of its request or its challenge.
    ///
    /// # Errors
    /// When there is no such production test, or no response.
    pub async fn production_test(
        &self,
        client_id: &str,
        id: &str,
    ) -> Result<ProductionTest, ClientError> {
        let path = [&tests(client_id)[..], &[id]].concat();
        Ok(self.send(self.http.request(Method::GET, &path)).await?.body)
    }

    /// Gives a production test more room and more time, by the id of its request or its challenge.
    /// Idempotent.
    ///
    /// # Errors
    /// When there is no such production test, its state or the values do not allow it (409), or
    /// there is no response.
    pub async fn update_production_test(
        &self,
        client_id: &str,
        id: &str,
        update: &UpdateProductionTest,
    ) -> Result<ProductionTest, ClientError> {
        let path = [&tests(client_id)[..], &[id]].concat();
        Ok(self.send(self.http.request(Method::PATCH, &path).json(update)).await?.body)
    }

    /// Cancels a production test by the id of its request or its challenge. A pending one is not
    /// scheduled any more, and the challenge of a scheduled one is closed. Idempotent.
    ///
    /// # Errors
    /// When there is no such production test, it has failed or ended (409), or there is no
    /// response.
    pub async fn cancel_production_test(
        &self,
        client_id: &str,
        id: &str,
    ) -> Result<ProductionTest, ClientError> {
        let path = [&tests(client_id)[..], &[id, "cancel"]].concat();
        Ok(self.send(self.http.request(Method::POST, &path)).await?.body)
    }

    /// Schedules a failed production test again. If a response was lost and the next attempt finds
    /// the test pending or scheduled, the lost attempt succeeded and the test is returned.
    ///
    /// # Errors
    /// When there is no such production test, it has not failed (409), or there is no response.
    pub async fn retry_production_test(
        &self,
        client_id: &str,
        id: &str,
    ) -> Result<ProductionTest, ClientError> {
        let path = [&tests(client_id)[..], &[id, "retry"]].concat();
        let request = self.http.request(Method::POST, &path);
        let attempts = AtomicU32::new(0);
        match send_counting_attempts(request, self.retries.as_ref(), &attempts).await {
            Err(error) if attempts.load(Ordering::Relaxed) > 1 && has_been_retried(&error) => {
                self.production_test(client_id, id).await
            }
            result => Ok(result?.body),
        }
    }

    /// Reads a challenge's outcomes.
    ///
    /// # Errors
    /// When there is no such challenge, or no response.
    pub async fn outcomes(
        &self,
        client_id: &str,
        challenge_id: &str,
    ) -> Result<Outcomes, ClientError> {
        let path = [&tests(client_id)[..], &[challenge_id, "outcomes"]].concat();
        Ok(self.send(self.http.request(Method::GET, &path)).await?.body)
    }

    /// Lists who verifies the testers of each provider of the deployment.
    ///
    /// # Errors
    /// When there is no response.
    pub async fn verifiers(&self) -> Result<Vec<Verifier>, ClientError> {
        let path = ["connect", "v1", "verifiers"];
        Ok(self.send(self.http.request(Method::GET, &path)).await?.body)
    }

    /// Reads a challenge's report.
    ///
    /// # Errors
    /// When there is no such challenge, or no response.
    pub async fn report(&self, client_id: &str, challenge_id: &str) -> Result<Report, ClientError> {
        let path = [&tests(client_id)[..], &[challenge_id, "report"]].concat();
        Ok(self.send(self.http.request(Method::GET, &path)).await?.body)
    }

    /// The retries, if there are any.
    pub(crate) fn retries(&self) -> Option<&Retries> {
        self.retries.as_ref()
    }

    /// Sends a request with an idempotency key. With retries, a request without one gets a random
    /// key; otherwise it is sent once.
    pub(crate) async fn send_with_key<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        key: Option<&str>,
    ) -> Result<Decoded<T>, ClientError> {
        let random_key = || self.retries.as_ref().map(Retries::idempotency_key);
        match key.map(str::to_owned).or_else(random_key) {
            Some(key) => self.send(request.header("Idempotency-Key", key)).await,
            None => send(request).await,
        }
    }

    /// Sends an idempotent request.
    pub(crate) async fn send<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
    ) -> Result<Decoded<T>, ClientError> {
        send_with_retries(request, self.retries.as_ref()).await
    }
}

/// Whether the server refuses a retry because an earlier one has succeeded.
fn has_been_retried(error: &ClientError) -> bool {
    let ClientError::ErrorResponse { error, .. } = error else { return false };
    let status = error.error.details.as_ref().and_then(|details| details.get("status")?.as_str());
    error.error.code == ErrorCode::ResourceConflict
        && matches!(status, Some("pending" | "scheduled"))
}

fn tests(client_id: &str) -> [&str; 5] {
    ["connect", "v1", "apps", client_id, "production-tests"]
}
