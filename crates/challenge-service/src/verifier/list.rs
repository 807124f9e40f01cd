//! `GET /tpas/v1/verifiers` (§10)

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use db::StoreError;
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use store_challenge::VerifierHealth;
use wire::verifier::VerifierKind;

use crate::service::ChallengeService;
use crate::service_caller::ServiceCaller;
use crate::verifier::Verifier;

/// List verifiers
///
/// Who verifies the testers of each provider of this deployment, and how it goes.
#[utoipa::path(
    get,
    path = "/tpas/v1/verifiers",
    operation_id = "listServiceVerifiers",
    tag = "Challenge service",
    security(("service_token" = [])),
    responses(
        (status = 200, description = "The verifiers", body = [wire::verifier::Verifier]),
        ServiceCaller, ServerErrors,
    ),
)]
pub(crate) async fn list(
    State(service): State<ChallengeService>,
    _caller: ServiceCaller,
) -> Result<Json<Vec<wire::verifier::Verifier>>, ApiError> {
    Ok(Json(service.list_verifiers().await?))
}

impl ChallengeService {
    /// Who verifies the testers of each provider, in the catalogue's order, and how it goes.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn list_verifiers(&self) -> Result<Vec<wire::verifier::Verifier>, StoreError> {
        let seen = self.store().verifier_health().await?.into_iter();
        let mut seen: HashMap<_, _> =
            seen.map(|health| (health.provider_id.clone(), health)).collect();
        let environment = self.parts.environment;
        let providers = self.parts.catalogue.providers().iter();
        let offered = providers.filter(|it| it.environments.contains(&environment));
        let verifiers = offered.filter_map(|provider| {
            let kind = match self.parts.verifiers.get(&provider.id)? {
                Verifier::Simulator => VerifierKind::Simulator,
                Verifier::OpenIdConnect(_) => VerifierKind::Oidc,
                Verifier::External(_) => VerifierKind::External,
            };
            let seen = seen.remove(&provider.id).filter(|_| kind != VerifierKind::Simulator);
            Some(described(provider.id.to_string(), kind, seen))
        });
        Ok(verifiers.collect())
    }
}

fn described(
    provider_id: String,
    kind: VerifierKind,
    health: Option<VerifierHealth>,
) -> wire::verifier::Verifier {
    let time = |of: fn(&VerifierHealth) -> Option<domain::Timestamp>| {
        health.as_ref().and_then(of).map(wire::Moment)
    };
    wire::verifier::Verifier {
        provider_id,
        kind,
        discovered_at: time(|health| health.discovered_at),
        returned_at: time(|health| health.returned_at),
        succeeded_at: time(|health| health.succeeded_at),
        failed_at: time(|health| health.failed_at),
        failure_reason: health.as_ref().and_then(|it| it.failure_reason).map(Into::into),
    }
}
