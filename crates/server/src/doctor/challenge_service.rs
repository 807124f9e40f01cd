//! Whether there is a challenge service, and whether it takes the token (§10).

use client::{ChallengeServiceClient, ClientError};
use wire::error::ErrorCode;

use super::Finding;
use crate::config::{Config, Role};

const CHECK: &str = "challenge-service";

/// No challenge has this id: ids hold the time at which they were made.
const NOBODYS: &str = "ch_00000000-0000-7000-8000-000000000000";

pub(super) async fn look(config: &Config) -> Finding {
    let Config { roles, tpas_url, tpas_token, .. } = config;
    match (tpas_url, tpas_token) {
        (Some(url), Some(token)) => {
            ask(config, url, token).await.unwrap_or_else(|error| no_answer(url, &error))
        }
        (Some(url), None) => Finding::failed(
            CHECK,
            format!("there is no token for the challenge service at {url}"),
            "give with --tpas-token the token that the challenge service was given",
        ),
        (None, token) if roles.has(Role::Tpas) => {
            let is_alone = !roles.has(Role::Api) && !roles.has(Role::Scheduler);
            if is_alone && token.is_none() {
                let text = "this process is a challenge service for others, but lets nobody in";
                return Finding::warning(CHECK, text, "give all of them the same --tpas-token");
            }
            Finding::good(CHECK, "in this process")
        }
        (None, _) if roles.has(Role::Api) || roles.has(Role::Scheduler) => {
            let mend = "add tpas to --roles, or say with --tpas-url where it runs";
            Finding::failed(CHECK, "there is none", mend)
        }
        (None, _) => Finding::good(CHECK, "not needed for these roles"),
    }
}

/// Reads a challenge that nobody has, with the token and without: only a challenge service knows
/// the difference. Nothing is made by that.
async fn ask(config: &Config, url: &str, token: &str) -> Result<Finding, ClientError> {
    let limit = config.limits.peer_read;
    match ChallengeServiceClient::new(url, token, limit)?.challenge(NOBODYS).await {
        Ok(_) => {}
        Err(error) if error.code() == Some(ErrorCode::ResourceNotFound) => {}
        Err(error) => return Err(error),
    }
    match ChallengeServiceClient::new(url, "", limit)?.challenge(NOBODYS).await {
        Err(error) if error.code() == Some(ErrorCode::AuthInvalidCredentials) => {
            Ok(Finding::good(CHECK, format!("the one at {url} takes the token")))
        }
        Err(error @ ClientError::NoAnswer(_)) => Err(error),
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
            format!("the one at {url} refuses the token, so each order would fail for good"),
            "give both the same --tpas-token before a scheduler runs",
        );
    }
    let mend = match error {
        ClientError::Answer { .. } => {
            "look at the log of the challenge service, and run `fieldtest doctor` there"
        }
        ClientError::UnexpectedAnswer { .. } => {
            "correct --tpas-url, and look at what stands between"
        }
        ClientError::NoAnswer(_) => {
            "see whether it runs, and whether this machine reaches it; --tpas-url says where"
        }
    };
    Finding::failed(CHECK, format!("the one at {url} cannot be used: {error}"), mend)
}
