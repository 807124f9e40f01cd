//! Values for unit tests.

use std::collections::BTreeSet;

use domain::app::App;
use domain::challenge_request::ChallengeRequest;
use domain::production_test::Payload;
use domain::{RequestId, Timestamp};

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn app() -> App {
    App {
        workspace_id: "org_2f6c9a644a534d8e8e0e3d2a3c9d6f10".parse().unwrap(),
        client_id: "FK5b0KSM".parse().unwrap(),
        name: "Acme Bank".into(),
        enabled_providers: BTreeSet::new(),
        requested_providers: BTreeSet::new(),
        created_at: at(0),
    }
}

pub(crate) fn request() -> ChallengeRequest {
    let payload = Payload {
        title: "BankID".into(),
        description: None,
        provider_ids: vec!["bankidse".parse().unwrap()],
        max_stamp_claims: 1,
        target_platform: None,
        allow_duplicate_participation: None,
        expires_at: None,
    };
    ChallengeRequest::new(RequestId::from_bytes([1; 16]), &app(), payload, at(0))
}
