//! Orders a production test, waits until it is scheduled and prints its report.
//!
//! Start `fieldtest serve` in an empty folder. Then run this in the same folder:
//!
//! ```sh
//! export FIELDTEST_API_KEY=$(cat data/demo-api-key) FIELDTEST_APP=FK5b0KSM
//! cargo run -p fieldtest-client --example order
//! ```

#![expect(clippy::print_stdout, reason = "an example prints its results")]

use std::env;
use std::error::Error;
use std::time::Duration;

use client::{ListQuery, Retries, RetryPolicy, WorkspaceApi};
use futures_util::TryStreamExt;
use wire::production_test::{CreateProductionTest, RequestStatus};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = env::var("FIELDTEST_URL").unwrap_or_else(|_| "http://127.0.0.1:8080".into());
    let app = env::var("FIELDTEST_APP").map_err(|_| "set FIELDTEST_APP to the app's client id")?;
    let api_key = env::var("FIELDTEST_API_KEY")
        .map_err(|_| "set FIELDTEST_API_KEY to the workspace's API key")?;
    let retries = Retries::new(RetryPolicy::default())?;
    let api = WorkspaceApi::new(&url, &api_key)?.with_retries(retries);

    // With retries, the client adds an idempotency key, so the order is created only once.
    let order = CreateProductionTest {
        title: "Ordered by an example".into(),
        ..CreateProductionTest::default()
    };
    let request = api.create_production_test(&app, &order, None).await?.request;
    println!("created {}", request.id);

    let challenge_id = loop {
        let test = api.production_test(&app, &request.id).await?;
        match (test.request.status, test.request.challenge_id) {
            (_, Some(challenge_id)) => break challenge_id,
            (RequestStatus::Pending, None) => tokio::time::sleep(Duration::from_millis(200)).await,
            (status, None) => {
                let reason = test.scheduling.last_error.unwrap_or_default();
                return Err(format!("the order is {status:?}: {reason}").into());
            }
        }
    };
    let report = api.report(&app, &challenge_id).await?;
    println!("{challenge_id} expires at {}", report.challenge.expires_at);
    for row in report.stats.provider_breakdown {
        println!("  {}: {} stamps", row.provider_name, row.claim_count);
    }

    let mut tests = api.all_production_tests(&app, ListQuery::default());
    let mut count = 0;
    while tests.try_next().await?.is_some() {
        count += 1;
    }
    println!("the app has {count} production tests");
    Ok(())
}
