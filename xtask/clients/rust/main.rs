//! The first minute with the client of openapi-generator: part of `cargo xtask test --only clients`.
//!
//! Environment: the ORIGIN of a sandbox server and the API_KEY of its demo workspace.

use std::error::Error;
use std::time::Duration;

use fieldtest::apis::configuration::Configuration;
use fieldtest::apis::production_tests_api::{self as tests, ListProductionTestsError};
use fieldtest::apis::{self, sandbox_simulator_api, testers_api, workspace_api};
use fieldtest::models::{
    Challenge, ChallengeRequestStatus, CompletedSimulation, CreateProductionTest, ErrorCode,
    JoinChallenge, ParticipationStatus, Platform, SimulateVerification, SortOrder,
    completed_simulation,
};

const APP: &str = "FK5b0KSM";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let base_path = std::env::var("ORIGIN")?;
    let tester = Configuration { base_path, ..Configuration::default() };
    let key = std::env::var("API_KEY")?;
    let engineer = Configuration { bearer_access_token: Some(key), ..tester.clone() };
    workspace_api::read_workspace(&engineer).await?;

    let mut order = CreateProductionTest::new("BankID SE Test".into());
    order.provider_ids = Some(Some(vec!["bankidse".into()]));
    let request = tests::create_production_test(&engineer, APP, order, Some("from Rust")).await?;
    assert_eq!(request.payload.max_stamp_claims, 3);

    let challenge = list_until_it_is_a_challenge(&engineer).await?;
    let test = tests::read_production_test(&engineer, APP, &request.id).await?;
    assert_eq!(test.status, ChallengeRequestStatus::Scheduled);
    assert_eq!(test.challenge_id.as_ref(), Some(&challenge.id));

    let wish = JoinChallenge::new(Platform::Ios, "bankidse".into());
    let joined = testers_api::join_challenge(&tester, &challenge.id, wish, None).await?;
    let (_, code) = joined.verification_url.split_once("code=").ok_or("no code")?;
    let outcome = completed_simulation::Outcome::Completed;
    let play = CompletedSimulation::new(outcome, "Ada".into());
    let play = SimulateVerification::CompletedSimulation(Box::new(play));
    let played = sandbox_simulator_api::simulate_verification(&tester, &joined.id, code, play);
    assert_eq!(played.await?.status, ParticipationStatus::Claimed);

    let report = tests::read_report(&engineer, APP, &challenge.id).await?;
    assert_eq!(report.stats.total_claims, 1);
    println!("ok      the first minute: ordered, listed, read, joined, verified, reported");

    let unknown = list(&engineer, "nobody00").await;
    let Err(apis::Error::ResponseError(response)) = unknown else { return Err("no error".into()) };
    assert_eq!(response.status, 404);
    // All errors have the same envelope, so the first variant takes each of them.
    let Some(ListProductionTestsError::Status400(envelope)) = response.entity else {
        return Err("no typed error".into());
    };
    assert_eq!(envelope.error.code, ErrorCode::ResourceNotFound);
    println!("ok      errors are typed");
    Ok(())
}

type Items = Vec<fieldtest::models::ProductionTestItem>;

async fn list(
    engineer: &Configuration,
    app: &str,
) -> Result<Items, apis::Error<ListProductionTestsError>> {
    let newest = Some(SortOrder::Desc);
    tests::list_production_tests(engineer, app, Some(1), None, None, None, None, newest).await
}

/// The challenge of the newest production test.
async fn list_until_it_is_a_challenge(engineer: &Configuration) -> Result<Challenge, Box<dyn Error>> {
    for _ in 0..100 {
        let items = list(engineer, APP).await?;
        if let Some(challenge) = items.into_iter().find_map(|item| item.challenge) {
            return Ok(*challenge);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err("the test is not scheduled after 10 s".into())
}
