//! §5: ordering a production test.

use domain::Environment;
use serde_json::{Value, json};

use crate::support::{Answer, TESTS, TestServer};

#[track_caller]
fn refusal_of(answer: &Answer, parameter: &str) -> Value {
    let code = if parameter == "title" && answer.text.contains("MISSING") {
        "VALIDATION_MISSING_PARAMETER"
    } else {
        "VALIDATION_INVALID_PARAMETER"
    };
    let error = answer.expect_error(400, code);
    assert_eq!(error["details"]["parameter"], parameter, "{error}");
    error
}

#[tokio::test]
async fn an_order_is_answered_with_the_challenge_request() {
    let site = TestServer::start().await;
    let answer = site
        .order(&json!({ "title": "BankID SE Test", "providerIds": ["bankidse"], "maxStamps": 3 }))
        .await;
    let request = answer.expect(201);
    let id = request["id"].as_str().unwrap();
    let expected = json!({
        "id": id,
        "clientId": "FK5b0KSM",
        "status": "pending",
        "payload": {
            "title": "BankID SE Test",
            "providerIds": ["bankidse"],
            "maxStampClaims": 3,
            "targetPlatform": null,
        },
        "challengeId": null,
        "createdAt": "2026-04-08T10:00:00.000Z",
    });
    assert_eq!(request, expected);
    let uuid = uuid::Uuid::parse_str(id.strip_prefix("req_").unwrap()).unwrap();
    assert_eq!(uuid.get_version_num(), 7);
    assert_eq!(answer.header("location"), Some(format!("{TESTS}/{id}").as_str()));
    assert_eq!(answer.header("idempotency-replayed"), None);
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn what_was_given_is_in_the_payload_and_what_was_not_has_its_default() {
    let site = TestServer::start().await;
    let everything = json!({ "title": "t", "description": "d", "providerIds": ["mitid", "bankidse"], "targetPlatform": "ios",
        "maxStamps": 2_147_483_647_u32, "allowDuplicateParticipation": false });
    let payload = site.order(&everything).await.expect(201)["payload"].clone();
    let expected = json!({ "title": "t", "description": "d", "providerIds": ["mitid", "bankidse"], "targetPlatform": "ios",
        "maxStampClaims": 2_147_483_647_u32, "allowDuplicateParticipation": false });
    assert_eq!(payload, expected);

    let payload =
        site.order(&json!({ "title": "t", "targetPlatform": null })).await.expect(201)["payload"]
            .clone();
    let expected = json!({ "title": "t", "providerIds": ["bankidse", "mitid", "frejaid", "smartid"], "targetPlatform": null,
        "maxStampClaims": 3 });
    assert_eq!(payload, expected);
}

#[tokio::test]
async fn the_bounds_of_every_field() {
    let site = TestServer::start().await;
    for accepted in [
        json!({ "title": "x" }),
        json!({ "title": "🙂".repeat(200) }),
        json!({ "title": "x", "description": "" }),
        json!({ "title": "x", "description": "🙂".repeat(1000) }),
        json!({ "title": "x", "maxStamps": 1 }),
        json!({ "title": "x", "maxStamps": 3.0 }),
        json!({ "title": "x", "maxStamps": 2_147_483_647 }),
        json!({ "title": "x", "targetPlatform": "android" }),
        json!({ "title": "x", "hostName": "Evil Corp", "status": "scheduled" }),
    ] {
        site.order(&accepted).await.expect(201);
    }
    let before = site.get(TESTS).send().await.json().as_array().unwrap().len();
    for (refused, parameter) in [
        (json!({}), "title"),
        (json!({ "title": null }), "title"),
        (json!({ "title": "" }), "title"),
        (json!({ "title": " \t" }), "title"),
        (json!({ "title": "🙂".repeat(201) }), "title"),
        (json!({ "title": 1 }), "title"),
        (json!({ "title": "a\u{0}b" }), "title"),
        (json!({ "title": "x", "description": "🙂".repeat(1001) }), "description"),
        (json!({ "title": "x", "description": [] }), "description"),
        (json!({ "title": "x", "providerIds": [] }), "providerIds"),
        (json!({ "title": "x", "providerIds": "bankidse" }), "providerIds"),
        (json!({ "title": "x", "providerIds": [1] }), "providerIds"),
        (json!({ "title": "x", "providerIds": [null] }), "providerIds"),
        (json!({ "title": "x", "targetPlatform": "iOS" }), "targetPlatform"),
        (json!({ "title": "x", "targetPlatform": "" }), "targetPlatform"),
        (json!({ "title": "x", "maxStamps": 0 }), "maxStamps"),
        (json!({ "title": "x", "maxStamps": 2_147_483_648_u32 }), "maxStamps"),
        (json!({ "title": "x", "maxStamps": 1.5 }), "maxStamps"),
        (json!({ "title": "x", "maxStamps": "3" }), "maxStamps"),
        (json!({ "title": "x", "allowDuplicateParticipation": 1 }), "allowDuplicateParticipation"),
    ] {
        refusal_of(&site.order(&refused).await, parameter);
    }
    let after = site.get(TESTS).send().await.json().as_array().unwrap().len();
    assert_eq!(after, before, "a refused order leaves nothing behind");
}

#[tokio::test]
async fn repeated_providers_count_once() {
    let site = TestServer::start().await;
    let order = json!({ "title": "x", "providerIds": ["smartid", "bankidse", "smartid"] });
    let request = site.order(&order).await.expect(201);
    assert_eq!(request["payload"]["providerIds"], json!(["smartid", "bankidse"]));
}

#[tokio::test]
async fn each_refused_provider_is_named_with_its_reason() {
    let site = TestServer::start().await;
    let order = json!({ "title": "x", "providerIds": ["bankidse", "passport", "nope", "idin"] });
    let error = refusal_of(&site.order(&order).await, "providerIds");
    let expected = json!([
        { "providerId": "passport", "reason": "chip_based" },
        { "providerId": "nope", "reason": "not_registered" },
        { "providerId": "idin", "reason": "not_enabled" },
    ]);
    assert_eq!(error["details"]["providers"], expected);
}

#[tokio::test]
async fn a_provider_that_is_only_in_the_sandbox_is_not_available_in_production() {
    let site = TestServer::configured(|config| config.environment = Environment::Production).await;
    let (workspace, _) = site.workspace().await;
    site.app(&workspace, "Producti", &["us-mdl", "bankidse"]).await;
    let key = domain::api_key::new_secret(
        Environment::Production,
        &domain::SeededRandomness::from_seed(5),
    );
    let write = store_workspace::CreateApiKey {
        key: domain::api_key::ApiKey {
            id: domain::ApiKeyId::from_bytes([7; 16]),
            workspace_id: workspace,
            name: "production".into(),
            access: domain::api_key::Access::Full,
            created_at: site.now(),
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
        },
        secret_hash: domain::api_key::SecretHash::of(&key),
    };
    site.database(async |store, _| store.create_api_key(write).await.unwrap()).await;

    let path = "/connect/v1/apps/Producti/production-tests";
    let explicit = json!({ "title": "x", "providerIds": ["us-mdl"] });
    let error =
        refusal_of(&site.call("POST", path).key(&key).json(&explicit).send().await, "providerIds");
    assert_eq!(
        error["details"]["providers"],
        json!([{ "providerId": "us-mdl", "reason": "not_available" }])
    );
    let every =
        site.call("POST", path).key(&key).json(&json!({ "title": "x" })).send().await.expect(201);
    assert_eq!(every["payload"]["providerIds"], json!(["bankidse"]));
}

#[tokio::test]
async fn an_app_without_eligible_providers_cannot_order() {
    let site = TestServer::start().await;
    site.app(&site.demo_workspace().await, "Passport", &["passport"]).await;
    let answer = site
        .post("/connect/v1/apps/Passport/production-tests")
        .json(&json!({ "title": "x" }))
        .send()
        .await;
    refusal_of(&answer, "providerIds");
}

#[tokio::test]
async fn the_catalogue_can_be_the_operators_own() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalogue.toml");
    let shipped = include_str!("../../../domain/catalogue.toml")
        .replace("\"bankidse\"", "\"bankid-of-ours\"");
    std::fs::write(&file, shipped).unwrap();
    let site = TestServer::configured(|config| config.catalogue = Some(file)).await;
    let order = json!({ "title": "x", "providerIds": ["bankidse"] });
    let error = refusal_of(&site.order(&order).await, "providerIds");
    assert_eq!(error["details"]["providers"][0]["reason"], "not_registered");
}
