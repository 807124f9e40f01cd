//! The route table of the challenge service.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post, put};
use domain::Environment;
use http_support::body::LIMIT_WITHOUT_KEY;

use crate::service::ChallengeService;
use crate::verifier::{self, simulator};
use crate::{challenge_requests, challenges, pages, participations, verification};

/// All routes below `/tpas/v1`, and the testers' pages below `/t`. The simulator exists in a
/// sandbox only.
pub fn routes(service: ChallengeService) -> Router {
    let schedulers = Router::new()
        .route("/challenge-requests/{request_id}", put(challenge_requests::put::put))
        .route("/challenges/{id}", get(challenges::show::show).patch(challenges::update::update))
        .route("/challenges/{id}/report", get(challenges::report::report))
        .route("/challenges/{id}/outcomes", get(challenges::outcomes::outcomes))
        .route("/verifiers", get(verifier::list::list))
        .route("/challenges/{id}/close", post(challenges::close::close));
    let testers = Router::new()
        .route("/challenges/open", get(challenges::open::open))
        .route("/challenges/{id}/participations", post(participations::create::create))
        .route("/participations/{id}", get(participations::show::show))
        .route("/participations/{id}/feedback", post(participations::feedback::give));
    let verifiers = Router::new()
        .route("/verification-events", post(verification::event::receive))
        .route("/verifications/{participation_id}/start", get(verification::start::start))
        .route("/verifications/keys", get(verification::keys::keys))
        .route("/verifications/callback", get(verification::callback::callback));
    let simulator = match service.parts.environment {
        Environment::Sandbox => Router::new().route(
            "/simulator/{participation_id}",
            get(simulator::page::show).post(simulator::play::play),
        ),
        Environment::Production => Router::new(),
    };
    let public = testers.merge(verifiers).merge(simulator).layer(limit_without_key());
    let pages = pages::routes().layer(limit_without_key());
    let routes = schedulers.merge(public);
    Router::new().nest("/tpas/v1", routes).merge(pages).with_state(service)
}

fn limit_without_key() -> DefaultBodyLimit {
    DefaultBodyLimit::max(LIMIT_WITHOUT_KEY)
}
