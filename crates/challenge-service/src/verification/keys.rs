//! `GET /tpas/v1/verifications/keys` (§10): our public keys, for providers that know us by them.

use axum::Json;
use axum::extract::State;
use http_support::documentation::ServerErrors;
use serde_json::{Value, json};

use crate::service::ChallengeService;
use crate::verifier::Verifier;

/// Read the public keys
///
/// The keys of `private_key_jwt` and of encrypted ID tokens, of all verifiers: a JSON Web Key Set.
#[utoipa::path(
    get,
    path = "/tpas/v1/verifications/keys",
    operation_id = "readVerificationKeys",
    tag = "Verifiers",
    responses((status = 200, description = "The keys", body = Object), ServerErrors),
)]
pub(crate) async fn keys(State(service): State<ChallengeService>) -> Json<Value> {
    let sets = service.parts.verifiers.configured().filter_map(|(_, verifier)| match verifier {
        Verifier::OpenIdConnect(party) => Some(party.public_key_set()),
        Verifier::Simulator | Verifier::External(_) => None,
    });
    let mut keys: Vec<Value> = Vec::new();
    for key in sets.filter_map(|set| set.get("keys")?.as_array().cloned()).flatten() {
        // A key that several tables name is published once.
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    Json(json!({ "keys": keys }))
}
