//! The check `challenge-service`: there is one, and it accepts the token (§10).

use client::{ChallengeServiceClient, ClientError};
use wire::error::ErrorCode;

use super::finding::Finding;
use crate::config::{Config, Role};

const CHECK: &str = "challenge-service";

/// No challenge has this id: ids contain the time of their creation, and this time is 1970.
const NO_CHALLENGE: &str = "ch_00000000-0000-7000-8000-000000000000";

pub(super) async fn check(config: &Config) -> Finding {
    let Config { roles, tpas_url, tpas_token, .. } = config;
    match (tpas_url, tpas_token) {
        (Some(url), Some(token)) => {
            request(config, url, token).await.unwrap_or_else(|error| no_answer(url, &error))
        }
        (Some(url), None) => Finding::failed(
            CHECK,
            format!("there is no token for the challenge service at {url}"),
            "give with --tpas-token the token that the challenge service was given",
        ),
        (None, token) if roles.has(Role::ChallengeService) => {
            let is_alone = !roles.has(Role::Api) && !roles.has(Role::Scheduler);
            if is_alone && token.is_none() {
                let text =
                    "this process is a challenge service for others, but refuses every caller";
                return Finding::warning(CHECK, text, "give all of them the same --tpas-token");
            }
            Finding::good(CHECK, "in this process")
        }
        (None, _) if roles.has(Role::Api) || roles.has(Role::Scheduler) => {
            let fix = "add tpas to --roles, or say with --tpas-url where it runs";
            Finding::failed(CHECK, "there is none", fix)
        }
        (None, _) => Finding::good(CHECK, "not needed for these roles"),
    }
}

/// Reads a challenge that does not exist, with the token and without. Only a challenge service
/// answers the two differently.
async fn request(config: &Config, url: &str, token: &str) -> Result<Finding, ClientError> {
    let limit = config.limits.challenge_service_read;
    match ChallengeServiceClient::new(url, token, limit)?.challenge(NO_CHALLENGE).await {
        Ok(_) => {}
        Err(error) if error.code() == Some(ErrorCode::ResourceNotFound) => {}
        Err(error) => return Err(error),
    }
    match ChallengeServiceClient::new(url, "", limit)?.challenge(NO_CHALLENGE).await {
        Err(error) if error.code() == Some(ErrorCode::AuthInvalidCredentials) => {
            Ok(Finding::good(CHECK, format!("the one at {url} takes the token")))
        }
        Err(error @ ClientError::NoResponse(_)) => Err(error),
        _ => Ok(Finding::failed(
            CHECK,
            format!("the fieldtest at {url} is no challenge service"),
            "correct --tpas-url, or give that server the role tpas",
        )),
    }
}

fn no_answer(url: &str, error: &ClientError) -> Finding {
    if error.code() == Some(ErrorCode::AuthInvalidCredentials) {
        return Finding::failed(
            CHECK,
            format!("the one at {url} refuses the token, so orders stay pending"),
            "give both the same --tpas-token before a scheduler runs",
        );
    }
    let fix = match error {
        ClientError::ErrorResponse { .. } => {
            "look at the log of the challenge service, and run `fieldtest doctor` there"
        }
        ClientError::UnexpectedResponse { .. } => {
            "correct --tpas-url, and look at what stands between"
        }
        ClientError::NoResponse(_) => {
            "see whether it runs, and whether this machine reaches it; --tpas-url says where"
        }
    };
    Finding::failed(CHECK, format!("the one at {url} cannot be used: {error}"), fix)
}
