//! §5: ordering a production test.

use serde_json::{Value, json};

use crate::support::{TESTS, TestResponse, TestServer, id_of, tests_of};

/// The error of an order that was refused because of this parameter.
#[track_caller]
fn refusal(response: &TestResponse, code: &str, parameter: &str) -> Value {
    let error = response.expect_error(400, code);
    assert_eq!(error["details"]["parameter"], parameter, "{error}");
    error
}

const MISSING: &str = "VALIDATION_MISSING_PARAMETER";
const INVALID: &str = "VALIDATION_INVALID_PARAMETER";

#[tokio::test]
async fn an_order_is_answered_with_its_challenge_request() {
    let server = TestServer::start().await;
    let order = json!({ "title": "BankID SE Test", "providerIds": ["bankidse"], "maxStamps": 3 });
    let response = server.order(&order).await;
    let request = response.expect(201);
    let id = id_of(&request);
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
    assert_eq!(response.header("location"), Some(format!("{TESTS}/{id}").as_str()));
    assert_eq!(response.header("idempotency-replayed"), None);
    assert_eq!(response.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn the_payload_has_the_given_members_and_defaults_for_the_others() {
    let server = TestServer::start().await;
    let all = json!({ "title": "t", "description": "d", "providerIds": ["mitid", "bankidse"],
        "targetPlatform": "ios", "maxStamps": 2_147_483_647_u32,
        "allowDuplicateParticipation": false });
    let payload = server.order(&all).await.expect(201)["payload"].clone();
    let expected = json!({ "title": "t", "description": "d", "providerIds": ["mitid", "bankidse"],
        "targetPlatform": "ios", "maxStampClaims": 2_147_483_647_u32,
        "allowDuplicateParticipation": false });
    assert_eq!(payload, expected);

    let few = json!({ "title": "t", "targetPlatform": null });
    let payload = server.order(&few).await.expect(201)["payload"].clone();
    let expected = json!({ "title": "t", "targetPlatform": null, "maxStampClaims": 3,
        "providerIds": ["bankidse", "mitid", "frejaid", "smartid"] });
    assert_eq!(payload, expected);
}

#[tokio::test]
async fn every_member_is_accepted_up_to_its_bounds() {
    let server = TestServer::start().await;
    for accepted in [
        json!({ "title": "x" }),
        json!({ "title": "🙂".repeat(200) }),
        json!({ "title": "x", "description": "" }),
        json!({ "title": "x", "description": "🙂".repeat(1000) }),
        json!({ "title": "x", "maxStamps": 1 }),
        json!({ "title": "x", "maxStamps": 3.0 }),
        json!({ "title": "x", "maxStamps": 2_147_483_647 }),
        json!({ "title": "x", "targetPlatform": "android" }),
    ] {
        let payload = server.order(&accepted).await.expect(201)["payload"].clone();
        for member in ["title", "description", "targetPlatform"] {
            assert_eq!(payload[member], accepted[member], "{member}");
        }
    }
    let unknown_members = json!({ "title": "x", "hostName": "Evil Corp", "status": "scheduled" });
    let request = server.order(&unknown_members).await.expect(201);
    assert_eq!(request["status"], "pending", "unknown members are ignored");
}

#[tokio::test]
async fn a_member_out_of_its_bounds_is_refused_and_nothing_is_stored() {
    let server = TestServer::start().await;
    for (refused, code, parameter) in [
        (json!({}), MISSING, "title"),
        (json!({ "title": null }), MISSING, "title"),
        (json!({ "title": "" }), MISSING, "title"),
        (json!({ "title": " \t" }), MISSING, "title"),
        (json!({ "title": "🙂".repeat(201) }), INVALID, "title"),
        (json!({ "title": 1 }), INVALID, "title"),
        (json!({ "title": "a\u{0}b" }), INVALID, "title"),
        (json!({ "title": "x", "description": "🙂".repeat(1001) }), INVALID, "description"),
        (json!({ "title": "x", "description": [] }), INVALID, "description"),
        (json!({ "title": "x", "providerIds": [] }), INVALID, "providerIds"),
        (json!({ "title": "x", "providerIds": "bankidse" }), INVALID, "providerIds"),
        (json!({ "title": "x", "providerIds": [1] }), INVALID, "providerIds"),
        (json!({ "title": "x", "providerIds": [null] }), INVALID, "providerIds"),
        (json!({ "title": "x", "targetPlatform": "iOS" }), INVALID, "targetPlatform"),
        (json!({ "title": "x", "targetPlatform": "" }), INVALID, "targetPlatform"),
        (json!({ "title": "x", "maxStamps": 0 }), INVALID, "maxStamps"),
        (json!({ "title": "x", "maxStamps": 2_147_483_648_u32 }), INVALID, "maxStamps"),
        (json!({ "title": "x", "maxStamps": 1.5 }), INVALID, "maxStamps"),
        (json!({ "title": "x", "maxStamps": "3" }), INVALID, "maxStamps"),
        (
            json!({ "title": "x", "allowDuplicateParticipation": 1 }),
            INVALID,
            "allowDuplicateParticipation",
        ),
    ] {
        refusal(&server.order(&refused).await, code, parameter);
    }
    assert_eq!(server.list().await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_provider_that_is_named_twice_counts_once() {
    let server = TestServer::start().await;
    let order = json!({ "title": "x", "providerIds": ["smartid", "bankidse", "smartid"] });
    let request = server.order(&order).await.expect(201);
    assert_eq!(request["payload"]["providerIds"], json!(["smartid", "bankidse"]));
}

#[tokio::test]
async fn each_refused_provider_is_named_with_its_reason() {
    let server = TestServer::start().await;
    let order = json!({ "title": "x", "providerIds": ["bankidse", "passport", "nope", "idin"] });
    let error = refusal(&server.order(&order).await, INVALID, "providerIds");
    let expected = json!([
        { "providerId": "passport", "reason": "chip_based" },
        { "providerId": "nope", "reason": "not_registered" },
        { "providerId": "idin", "reason": "not_enabled" },
    ]);
    assert_eq!(error["details"]["providers"], expected);
}

#[tokio::test]
async fn a_sandbox_provider_is_not_available_in_production() {
    let server = TestServer::start_in_production().await;
    let (workspace, key) = server.create_workspace().await;
    server.create_app(&workspace, "Producti", &["us-mdl", "bankidse"]).await;
    let tests = tests_of("Producti");
    let order =
        async |order: Value| server.request("POST", &tests).bearer(&key).json(&order).send().await;

    let explicit = order(json!({ "title": "x", "providerIds": ["us-mdl"] })).await;
    let error = refusal(&explicit, INVALID, "providerIds");
    let expected = json!([{ "providerId": "us-mdl", "reason": "not_available" }]);
    assert_eq!(error["details"]["providers"], expected);
    let every = order(json!({ "title": "x" })).await.expect(201);
    assert_eq!(every["payload"]["providerIds"], json!(["bankidse"]));
}

#[tokio::test]
async fn an_app_without_eligible_providers_cannot_order() {
    let server = TestServer::start().await;
    server.create_app(&server.demo_workspace().await, "Passport", &["passport"]).await;
    let order = server.post(&tests_of("Passport")).json(&json!({ "title": "x" }));
    refusal(&order.send().await, INVALID, "providerIds");
}

#[tokio::test]
async fn an_operator_can_replace_the_catalogue_of_providers() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalogue.toml");
    let catalogue = include_str!("../../../domain/catalogue.toml")
        .replace("\"bankidse\"", "\"bankid-of-ours\"");
    std::fs::write(&file, catalogue).unwrap();
    let server = TestServer::start_with(|config| config.catalogue = Some(file)).await;
    let order = json!({ "title": "x", "providerIds": ["bankidse"] });
    let error = refusal(&server.order(&order).await, INVALID, "providerIds");
    assert_eq!(error["details"]["providers"][0]["reason"], "not_registered");
}
