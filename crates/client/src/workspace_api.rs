use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use http::header::LOCATION;
use reqwest::{Method, RequestBuilder};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::error::ErrorCode;
use wire::page::{MAX_PAGE_SIZE, Order, TOTAL_COUNT_HEADER};
use wire::production_test::{
    ChallengeRequest, CreateProductionTest, ItemType, ListItem, ProductionTest, RequestStatus,
};
use wire::report::Report;
use wire::workspace::Workspace;

use crate::http::{Answer, Http, send, send_again, send_counted};
use crate::{ClientError, Retries};

/// No answer takes longer.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// The Workspace API (§5 to §8).
#[derive(Clone)]
pub struct WorkspaceApi {
    pub(crate) http: Http,
    retries: Option<Retries>,
}

/// A production test that was ordered, now or before under the same idempotency key.
#[derive(Clone, Debug, PartialEq)]
pub struct Created {
    /// The challenge request.
    pub request: ChallengeRequest,
    /// Where it can be read.
    pub location: Option<String>,
    /// Whether this is the answer to an earlier order.
    pub is_replay: bool,
}

/// Which production tests to list (§6). The default is all of them, oldest first.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ListQuery {
    /// At most so many, from 1 to 100.
    pub limit: Option<u32>,
    /// Leave out so many at the beginning.
    pub offset: Option<u64>,
    /// Only items of this type.
    #[serde(rename = "type")]
    pub kind: Option<ItemType>,
    /// Only items whose request stands here.
    pub status: Option<RequestStatus>,
    /// Oldest or youngest first.
    pub order: Option<Order>,
}

/// A list, or a page of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ProductionTests {
    /// The items.
    pub items: Vec<ListItem>,
    /// How many there are on all pages together; only where a limit was given.
    pub total: Option<u64>,
}

impl WorkspaceApi {
    /// The Workspace API of the deployment at `origin`, such as `https://fieldtest.example`. Each
    /// call is one attempt.
    ///
    /// # Errors
    /// When `origin` is no HTTP URL.
    pub fn new(origin: &str, api_key: &str) -> Result<Self, ClientError> {
        Ok(Self { http: Http::new(origin, Some(api_key), TIMEOUT)?, retries: None })
    }

    /// The same, trying again what is safe to repeat: reads, cancelling and retrying, and whatever
    /// has an idempotency key.
    #[must_use]
    pub fn with_retries(self, retries: Retries) -> Self {
        Self { retries: Some(retries), ..self }
    }

    /// The workspace that the key belongs to.
    ///
    /// # Errors
    /// When the key is not valid there, or there is no answer.
    pub async fn workspace(&self) -> Result<Workspace, ClientError> {
        Ok(self.send(self.http.request(Method::GET, &["connect", "v1", "workspace"])).await?.body)
    }

    /// Orders a production test. With an idempotency key it is safe to repeat; with retries, an
    /// order without a key gets one of its own.
    ///
    /// # Errors
    /// When the order was refused, or not answered.
    pub async fn create_production_test(
        &self,
        client_id: &str,
        order: &CreateProductionTest,
        idempotency_key: Option<&str>,
    ) -> Result<Created, ClientError> {
        let request = self.http.request(Method::POST, &tests(client_id)).json(order);
        let answer = self.send_under_key(request, idempotency_key).await?;
        let location =
            answer.headers.get(LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let is_replay = answer.headers.contains_key("Idempotency-Replayed");
        Ok(Created { request: answer.body, location, is_replay })
    }

    /// Lists an app's production tests: all of them at once, or a page of them where the query has
    /// a limit.
    ///
    /// # Errors
    /// When the query was refused, or not answered.
    pub async fn production_tests(
        &self,
        client_id: &str,
        query: &ListQuery,
    ) -> Result<ProductionTests, ClientError> {
        let answer =
            self.send(self.http.request(Method::GET, &tests(client_id)).query(query)).await?;
        let total = answer
            .headers
            .get(TOTAL_COUNT_HEADER)
            .and_then(|value| value.to_str().ok()?.parse().ok());
        Ok(ProductionTests { items: answer.body, total })
    }

    /// An app's production tests one after the other, read page by page as they are asked for. The
    /// query's limit is the size of a page, and 100 if it has none.
    ///
    /// Oldest first and without a filter every test is there once. What is ordered or changes its
    /// state while another list is read may be missing or be there twice. After an error the stream
    /// is at its end.
    #[must_use]
    pub fn all_production_tests(
        &self,
        client_id: &str,
        query: ListQuery,
    ) -> BoxStream<'static, Result<ListItem, ClientError>> {
        let limit = query.limit.unwrap_or(MAX_PAGE_SIZE);
        let (api, client_id) = (self.clone(), client_id.to_owned());
        let pages = stream::try_unfold(Some(query.offset.unwrap_or(0)), move |offset| {
            let (api, client_id, query) = (api.clone(), client_id.clone(), query.clone());
            async move {
                let Some(offset) = offset else { return Ok(None) };
                let page = ListQuery { limit: Some(limit), offset: Some(offset), ..query };
                let ProductionTests { items, total } =
                    api.production_tests(&client_id, &page).await?;
                let end = offset.saturating_add(u64::try_from(items.len()).unwrap_or(u64::MAX));
                let is_last = items.is_empty() || total.is_some_and(|total| end >= total);
                Ok(Some((stream::iter(items).map(Ok), (!is_last).then_some(end))))
            }
        });
        pages.try_flatten().boxed()
    }

    /// Reads a production test, by its request's or its challenge's id.
    ///
    /// # Errors
    /// When there is none, or no answer.
    pub async fn production_test(
        &self,
        client_id: &str,
        id: &str,
    ) -> Result<ProductionTest, ClientError> {
        let path = [&tests(client_id)[..], &[id]].concat();
        Ok(self.send(self.http.request(Method::GET, &path)).await?.body)
    }

    /// Cancels a production test, by its request's or its challenge's id: a pending one will not be
    /// scheduled, a scheduled one has its challenge closed. Safe to repeat.
    ///
    /// # Errors
    /// When there is none, it has failed or is over (409), or there is no answer.
    pub async fn cancel_production_test(
        &self,
        client_id: &str,
        id: &str,
    ) -> Result<ProductionTest, ClientError> {
        let path = [&tests(client_id)[..], &[id, "cancel"]].concat();
        Ok(self.send(self.http.request(Method::POST, &path)).await?.body)
    }

    /// Has a failed production test tried again. Safe to repeat: where an answer was lost, and the
    /// test is under way or scheduled by the next attempt, it was done.
    ///
    /// # Errors
    /// When there is none, it has not failed (409), or there is no answer.
    pub async fn retry_production_test(
        &self,
        client_id: &str,
        id: &str,
    ) -> Result<ProductionTest, ClientError> {
        let path = [&tests(client_id)[..], &[id, "retry"]].concat();
        let sent = AtomicU32::new(0);
        match send_counted(self.http.request(Method::POST, &path), self.retries.as_ref(), &sent)
            .await
        {
            Err(error) if sent.load(Ordering::Relaxed) > 1 && has_been_retried(&error) => {
                self.production_test(client_id, id).await
            }
            outcome => Ok(outcome?.body),
        }
    }

    /// Reads a challenge's report.
    ///
    /// # Errors
    /// When there is none, or no answer.
    pub async fn report(&self, client_id: &str, challenge_id: &str) -> Result<Report, ClientError> {
        let path = [&tests(client_id)[..], &[challenge_id, "report"]].concat();
        Ok(self.send(self.http.request(Method::GET, &path)).await?.body)
    }

    /// By which rules to try again, if at all.
    pub(crate) fn retries(&self) -> Option<&Retries> {
        self.retries.as_ref()
    }

    /// Sends what an idempotency key makes safe to repeat; with retries, and without a key, under a
    /// new one.
    pub(crate) async fn send_under_key<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        key: Option<&str>,
    ) -> Result<Answer<T>, ClientError> {
        let own_key = || self.retries.as_ref().map(Retries::idempotency_key);
        match key.map(str::to_owned).or_else(own_key) {
            Some(key) => self.send(request.header("Idempotency-Key", key)).await,
            None => send(request).await,
        }
    }

    /// Sends what is safe to repeat.
    pub(crate) async fn send<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
    ) -> Result<Answer<T>, ClientError> {
        send_again(request, self.retries.as_ref()).await
    }
}

/// Whether this is how a retry is refused that an earlier one has made needless.
fn has_been_retried(error: &ClientError) -> bool {
    let ClientError::Answer { error, .. } = error else { return false };
    let status = error.error.details.as_ref().and_then(|details| details.get("status")?.as_str());
    error.error.code == ErrorCode::ResourceConflict
        && matches!(status, Some("pending" | "scheduled"))
}

fn tests(client_id: &str) -> [&str; 5] {
    ["connect", "v1", "apps", client_id, "production-tests"]
}
