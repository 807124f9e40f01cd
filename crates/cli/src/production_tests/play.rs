//! `fieldtest tests play` (§10, §13).

use std::time::Duration;

use clap::{Args, ValueEnum};
use client::Tester;
use serde::Serialize;
use wire::error::ErrorCode;
use wire::participation::{JoinChallenge, ParticipationStatus, StartedParticipation};
use wire::production_test::{Platform, ProductionTest};
use wire::verification::SimulateVerification;
use wire::verifier::VerifierKind;

use super::{Session, test_id};
use crate::deployment::Deployment;
use crate::failure::Failure;
use crate::output;
use crate::possible_values::{PLATFORMS, one_of};
use crate::table::printable;

/// The shortest pause before joining again after a 429.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);

const NOTES: &str = "\
Each tester is a new person in a new browser, who joins and ends the verification on the \
simulator's page. It works where the simulator verifies: in a sandbox, for providers without \
another verifier. Where the server limits how many may join at a moment, it waits.

Examples:
  fieldtest tests play ch_019d6c8b-6c00-7b1e-8f1a-0c3d5b6e7f8a
  fieldtest tests play ch_019d6c8b-6c00-7b1e-8f1a-0c3d5b6e7f8a --testers 3 --provider mitid";

/// The arguments of `tests play`.
#[derive(Args)]
#[command(after_help = NOTES)]
pub(super) struct PlayArguments {
    /// The id of the request (req_…) or of the challenge (ch_…)
    #[arg(value_parser = test_id)]
    id: String,

    /// The number of testers, one after the other, at most 100
    #[arg(long, value_name = "NUMBER", default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(1..=100))]
    testers: u32,

    /// How each verification ends
    #[arg(long, value_enum, default_value_t = PlayedOutcome::Completed)]
    outcome: PlayedOutcome,

    /// The provider [default: the first one of the test that the simulator verifies]
    #[arg(long, value_name = "ID")]
    provider: Option<String>,

    /// What the testers' devices run: ios or android [default: the test's target, or else ios]
    #[arg(
        long,
        value_parser = one_of::<domain::Platform>(PLATFORMS),
        hide_possible_values = true
    )]
    platform: Option<domain::Platform>,
}

/// How a verification ends.
#[derive(Clone, Copy, ValueEnum)]
enum PlayedOutcome {
    /// The person is verified
    Completed,
    /// The person is not verified
    Failed,
}

/// How it ended for one tester, as it is printed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PlayedParticipation {
    id: String,
    provider_id: String,
    platform: Platform,
    status: ParticipationStatus,
}

/// Plays the testers, and prints a line for each when it ends.
pub(super) async fn run(session: &Session, arguments: PlayArguments) -> Result<(), Failure> {
    let PlayArguments { id, testers, outcome, provider, platform } = arguments;
    let deployment = &session.deployment;
    let explain = |error: &client::ClientError| deployment.explain(error);
    let app = deployment.app().await?;
    let test = deployment.api.production_test(&app, &id).await.map_err(|error| explain(&error))?;
    let challenge = test.request.challenge_id.as_deref().ok_or_else(|| not_scheduled(&id))?;
    let join = JoinChallenge {
        provider_id: simulated_provider(deployment, &test, provider).await?,
        platform: platform
            .map(Into::into)
            .or(test.request.payload.target_platform)
            .unwrap_or(Platform::Ios),
    };
    let tester = Tester::new(&deployment.url).map_err(|error| explain(&error))?;
    for number in 1..=testers {
        let played = play(&tester, challenge, &join, outcome).await;
        let played = played.map_err(|error| explain(&error))?;
        output::print(&if session.as_json {
            super::json(&played, false)?
        } else {
            format!("tester {number}: {}\n", sentence(&played))
        })?;
    }
    Ok(())
}

async fn play(
    tester: &Tester,
    challenge: &str,
    join: &JoinChallenge,
    outcome: PlayedOutcome,
) -> Result<PlayedParticipation, client::ClientError> {
    let joined = join_when_possible(tester, challenge, join).await?.participation;
    let outcome = match outcome {
        // Every participation is another person.
        PlayedOutcome::Completed => SimulateVerification::Completed { subject: joined.id.clone() },
        PlayedOutcome::Failed => SimulateVerification::Failed { reason: None },
    };
    let result = tester.simulate(&joined.verification_url, &outcome).await?;
    Ok(PlayedParticipation {
        id: result.id,
        provider_id: joined.provider_id,
        platform: joined.platform,
        status: result.status,
    })
}

/// Joins. Where too many people join at this moment, it waits as long as the server says: a refused
/// request has made no participation.
async fn join_when_possible(
    tester: &Tester,
    challenge: &str,
    join: &JoinChallenge,
) -> Result<StartedParticipation, client::ClientError> {
    loop {
        match tester.join(challenge, join).await {
            Err(error) if error.code() == Some(ErrorCode::RateLimitExceeded) => {
                let pause = error.retry_after().unwrap_or_default().max(SHORTEST_PAUSE);
                tokio::time::sleep(pause).await;
            }
            result => return result,
        }
    }
}

/// The provider to play at: the one that is named, or else the first of the test, if the simulator
/// verifies its testers. Nothing is joined before this is known.
async fn simulated_provider(
    deployment: &Deployment,
    test: &ProductionTest,
    named: Option<String>,
) -> Result<String, Failure> {
    let verifiers = deployment.api.verifiers().await;
    let verifiers = verifiers.map_err(|error| deployment.explain(&error))?;
    let is_simulated = |provider: &str| {
        let is_its = |it: &&wire::verifier::Verifier| it.provider_id == provider;
        verifiers.iter().find(is_its).is_some_and(|it| it.kind == VerifierKind::Simulator)
    };
    let providers = &test.request.payload.provider_ids;
    match named {
        Some(named) if !providers.contains(&named) => Err(Failure::Input(format!(
            "the test has no provider {}; it has {}",
            printable(&named),
            providers.join(", ")
        ))),
        Some(named) if !is_simulated(&named) => Err(Failure::Other(format!(
            "the simulator does not verify testers of {} here, so they cannot be played",
            printable(&named)
        ))),
        Some(named) => Ok(named),
        None => {
            providers.iter().find(|provider| is_simulated(provider)).cloned().ok_or_else(|| {
                Failure::Other(
                    "the simulator verifies no provider of this test here, so testers cannot be \
                 played: it works in a sandbox only"
                        .into(),
                )
            })
        }
    }
}

fn not_scheduled(id: &str) -> Failure {
    Failure::Other(format!(
        "{id} has no challenge yet, so it cannot be taken; `fieldtest tests show {id}` says why"
    ))
}

/// What became of one tester, in words.
fn sentence(played: &PlayedParticipation) -> String {
    let what = match played.status {
        ParticipationStatus::Claimed => "verified, has a stamp",
        ParticipationStatus::Missed => "verified, but the last stamp was gone",
        ParticipationStatus::Duplicate => "verified, but this person has a stamp already",
        ParticipationStatus::Failed => "not verified",
        ParticipationStatus::Lapsed => "lapsed before the verification ended",
        ParticipationStatus::Started => "not ended yet",
    };
    format!("{what} ({})", played.provider_id)
}
