use std::time::Duration;

use http::header::LOCATION;
use reqwest::Method;
use serde::Serialize;
use wire::page::{Order, TOTAL_COUNT_HEADER};
use wire::production_test::{
    ChallengeRequest, CreateProductionTest, ItemType, ListItem, ProductionTest, RequestStatus,
};
use wire::report::Report;

use crate::ClientError;
use crate::http::{Http, send};

/// No answer takes longer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The Workspace API (§5 to §8).
#[derive(Clone)]
pub struct WorkspaceApi(Http);

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
    /// The Workspace API of the deployment at `origin`, such as `https://fieldtest.example`.
    ///
    /// # Errors
    /// When `origin` is no HTTP URL.
    pub fn new(origin: &str, api_key: &str) -> Result<Self, ClientError> {
        Http::new(origin, Some(api_key), TIMEOUT).map(Self)
    }

    /// Orders a production test. With an idempotency key it is safe to repeat.
    ///
    /// # Errors
    /// When the order was refused, or not answered.
    pub async fn create_production_test(
        &self,
        client_id: &str,
        order: &CreateProductionTest,
        idempotency_key: Option<&str>,
    ) -> Result<Created, ClientError> {
        let mut request = self.0.request(Method::POST, &tests(client_id)).json(order);
        if let Some(key) = idempotency_key {
            request = request.header("Idempotency-Key", key);
        }
        let answer = send(request).await?;
        let location = answer.headers.get(LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let is_replay = answer.headers.contains_key("Idempotency-Replayed");
        Ok(Created { request: answer.body, location, is_replay })
    }

    /// Lists an app's production tests.
    ///
    /// # Errors
    /// When the query was refused, or not answered.
    pub async fn production_tests(&self, client_id: &str, query: &ListQuery) -> Result<ProductionTests, ClientError> {
        let answer = send(self.0.request(Method::GET, &tests(client_id)).query(query)).await?;
        let total = answer.headers.get(TOTAL_COUNT_HEADER).and_then(|value| value.to_str().ok()?.parse().ok());
        Ok(ProductionTests { items: answer.body, total })
    }

    /// Reads a production test, by its request's or its challenge's id.
    ///
    /// # Errors
    /// When there is none, or no answer.
    pub async fn production_test(&self, client_id: &str, id: &str) -> Result<ProductionTest, ClientError> {
        let path = [&tests(client_id)[..], &[id]].concat();
        Ok(send(self.0.request(Method::GET, &path)).await?.body)
    }

    /// Reads a challenge's report.
    ///
    /// # Errors
    /// When there is none, or no answer.
    pub async fn report(&self, client_id: &str, challenge_id: &str) -> Result<Report, ClientError> {
        let path = [&tests(client_id)[..], &[challenge_id, "report"]].concat();
        Ok(send(self.0.request(Method::GET, &path)).await?.body)
    }
}

fn tests(client_id: &str) -> [&str; 5] {
    ["connect", "v1", "apps", client_id, "production-tests"]
}
