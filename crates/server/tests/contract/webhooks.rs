//! §12: webhooks.

use std::time::Duration;

use domain::webhook::standard_key;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use wire::signature;

use crate::support::receiver::{Answer, Receiver};
use crate::support::{APP, APPS, Store, TestResponse, TestServer, eventually};

const CONFIG: &str = "/connect/v1/apps/FK5b0KSM/webhook-config";
const DELIVERIES: &str = "/connect/v1/apps/FK5b0KSM/webhook-deliveries";
const DAY: Duration = Duration::from_hours(24);

async fn server() -> TestServer {
    TestServer::start_with(|config| config.webhook_allow = vec!["127.0.0.1/32".parse().unwrap()])
        .await
}

async fn configure(server: &TestServer, change: &Value) -> TestResponse {
    server.authorized("PATCH", CONFIG).json(change).send().await
}

/// A server whose demo app has a webhook to this receiver.
async fn server_for(receiver: &Receiver) -> TestServer {
    let server = server().await;
    let change = json!({ "url": receiver.url, "enabled": true, "timeoutSeconds": 1 });
    configure(&server, &change).await.expect(200);
    server
}

async fn deliveries(server: &TestServer) -> Vec<Value> {
    server.get(DELIVERIES).send().await.expect(200).as_array().unwrap().clone()
}

fn is_signed(
    secret: &str,
    now: domain::Timestamp,
    delivered: &crate::support::receiver::Delivered,
) {
    let body = delivered.body.as_bytes();
    let header = delivered.header("x-hopae-signature");
    assert_eq!(signature::verify(secret.as_bytes(), now, body, header), Ok(()));
    let text = format!(
        "{}.{}.{}",
        delivered.header("webhook-id"),
        delivered.header("webhook-timestamp"),
        delivered.body
    );
    let mut expected = Hmac::<Sha256>::new_from_slice(&standard_key(secret).unwrap()).unwrap();
    expected.update(text.as_bytes());
    let expected = expected.finalize().into_bytes();
    let matches = delivered.header("webhook-signature").split(' ').any(|signature| {
        signature.strip_prefix("v1,").is_some_and(|tag| {
            use base64::Engine;
            base64::engine::general_purpose::STANDARD.decode(tag).unwrap() == expected.as_slice()
        })
    });
    assert!(matches, "{}", delivered.header("webhook-signature"));
}

#[tokio::test]
async fn an_app_has_the_object_of_a_webhook_from_the_beginning() {
    let server = server().await;
    let app = server.get(APP).send().await.expect(200);
    let none = json!({ "enabled": false, "retryAttempts": 3, "timeoutSeconds": 10, "events": [] });
    assert_eq!(app["webhookConfig"], none);
    assert_eq!(server.get(CONFIG).send().await.expect(200), none);

    let body = json!({ "name": "x", "webhookConfig": { "url": "https://bank.example/h" } });
    let created = server.post(APPS).idempotency_key("k").json(&body).send().await.expect(201);
    assert_eq!(created["webhookConfig"]["url"], "https://bank.example/h");
    let replayed = server.post(APPS).idempotency_key("k").json(&body).send().await.expect(201);
    assert_eq!(replayed["webhookConfig"], created["webhookConfig"]);
    let path = format!("{APPS}/{}", created["clientId"].as_str().unwrap());
    let read = server.get(&path).send().await.expect(200);
    assert_eq!(read["webhookConfig"], created["webhookConfig"]);
    let change = json!({ "webhookConfig": { "timeoutSeconds": 5 } });
    let changed = server.authorized("PATCH", &path).json(&change).send().await.expect(200);
    assert_eq!(changed["webhookConfig"]["url"], "https://bank.example/h");
    assert_eq!(changed["webhookConfig"]["timeoutSeconds"], 5);
    assert_eq!(changed["webhookConfig"]["secret"], Value::Null);
}

#[tokio::test]
async fn events_are_delivered_in_order_and_signed_in_both_ways() {
    let receiver = Receiver::start(&[Answer::Status(201)]).await;
    let server = server_for(&receiver).await;
    let secret = server.get(CONFIG).send().await.expect(200)["secret"].clone();
    let secret = secret.as_str().unwrap();
    let challenge = server.order_and_schedule(&json!({ "title": "x", "maxStamps": 1 })).await;
    assert_eq!(server.join_and_verify(&challenge, "bankidse", "Ada").await, "claimed");
    for _ in 0..3 {
        server.run_background_tasks().await;
    }
    assert_eq!(receiver.events(), ["scheduled", "stamp_claimed", "completed"]);
    for delivered in receiver.delivered() {
        is_signed(secret, server.now(), &delivered);
        let body = delivered.json();
        assert_eq!(delivered.header("webhook-id"), body["eventId"].as_str().unwrap());
        assert_eq!(body["data"]["challengeId"], challenge);
        assert!(!delivered.body.contains("Ada"));
    }
    let sequences: Vec<_> =
        receiver.delivered().iter().map(|it| it.json()["data"]["sequence"].clone()).collect();
    assert_eq!(sequences, [1, 2, 3]);
    for delivery in deliveries(&server).await {
        assert_eq!(
            (&delivery["status"], &delivery["attemptCount"]),
            (&json!("delivered"), &json!(1))
        );
        assert_eq!(delivery["attempts"][0]["status"], 201);
        assert_eq!(delivery["attempts"][0]["answer"], "hello");
    }
}

#[tokio::test]
async fn a_failed_delivery_is_repeated_under_its_id_and_later_events_of_the_test_wait() {
    let receiver =
        Receiver::start(&[Answer::Status(500), Answer::Status(302), Answer::Status(200)]).await;
    let server = server_for(&receiver).await;
    let challenge = server.order_and_schedule(&json!({ "title": "x", "maxStamps": 1 })).await;
    server.join_and_verify(&challenge, "bankidse", "Ada").await;
    server.run_background_tasks().await;
    assert_eq!(receiver.events(), ["scheduled"], "the next attempt is a second later");
    for pause in [1, 5] {
        server.advance(Duration::from_secs(pause));
        server.run_background_tasks().await;
    }
    server.run_background_tasks().await;
    server.run_background_tasks().await;
    let events = receiver.events();
    assert_eq!(events, ["scheduled", "scheduled", "scheduled", "stamp_claimed", "completed"]);
    let ids: Vec<String> =
        receiver.delivered().iter().map(|it| it.header("webhook-id").to_owned()).collect();
    assert!(ids[0] == ids[1] && ids[1] == ids[2] && ids[2] != ids[3]);
}

#[tokio::test]
async fn only_the_chosen_events_are_delivered_and_unknown_names_are_refused() {
    let receiver = Receiver::start(&[Answer::Status(200)]).await;
    let server = server_for(&receiver).await;
    configure(&server, &json!({ "events": ["production_test.completed"] })).await.expect(200);
    let challenge = server.order_and_schedule(&json!({ "title": "x", "maxStamps": 1 })).await;
    server.join_and_verify(&challenge, "bankidse", "Ada").await;
    server.run_background_tasks().await;
    server.run_background_tasks().await;
    assert_eq!(receiver.events(), ["completed"]);
    let refused = configure(&server, &json!({ "events": ["verification.made_up"] })).await;
    let error = refused.expect_error(400, "VALIDATION_INVALID_PARAMETER");
    assert_eq!(error["details"]["parameter"], "events");
}

#[tokio::test]
async fn a_receiver_that_is_gone_turns_the_webhook_off() {
    let receiver = Receiver::start(&[Answer::Status(410)]).await;
    let server = server_for(&receiver).await;
    server.order_and_schedule(&json!({ "title": "x" })).await;
    server.run_background_tasks().await;
    assert_eq!(server.get(CONFIG).send().await.expect(200)["enabled"], false);
    server.order_and_schedule(&json!({ "title": "y" })).await;
    server.run_background_tasks().await;
    assert_eq!(receiver.events().len(), 1);
}

#[tokio::test]
async fn a_receiver_may_ask_for_time() {
    let receiver =
        Receiver::start(&[Answer::With(503, "Retry-After: 60\r\n"), Answer::Status(200)]).await;
    let server = server_for(&receiver).await;
    server.order_and_schedule(&json!({ "title": "x" })).await;
    server.run_background_tasks().await;
    server.advance(Duration::from_secs(59));
    server.run_background_tasks().await;
    assert_eq!(receiver.events().len(), 1);
    server.advance(Duration::from_secs(1));
    server.run_background_tasks().await;
    assert_eq!(receiver.events().len(), 2);
}

#[tokio::test]
async fn after_three_days_without_a_success_the_webhook_is_turned_off() {
    let receiver = Receiver::start(&[Answer::Status(500)]).await;
    let server = server_for(&receiver).await;
    server.order_and_schedule(&json!({ "title": "x" })).await;
    server.run_background_tasks().await;
    let since = server.now().to_string();
    let config = server.get(CONFIG).send().await.expect(200);
    assert_eq!((&config["enabled"], &config["failingSince"]), (&json!(true), &json!(since)));
    for _ in 0..3 {
        server.advance(DAY);
        server.run_background_tasks().await;
    }
    assert_eq!(server.get(CONFIG).send().await.expect(200)["enabled"], false);
    assert_eq!(deliveries(&server).await[0]["status"], "failed");
    let mended = configure(&server, &json!({ "enabled": true })).await.expect(200);
    assert_eq!(mended["failingSince"], Value::Null);
}

#[tokio::test]
async fn a_dead_receiver_and_an_endless_answer_delay_nobody_else() {
    let (silent, endless) =
        (Receiver::start(&[Answer::Silence]).await, Receiver::start(&[Answer::Endless]).await);
    let live = Receiver::start(&[Answer::Status(200)]).await;
    let server = server_for(&silent).await;
    let make = async |receiver: &Receiver| {
        let config = json!({ "url": receiver.url, "enabled": true, "timeoutSeconds": 1 });
        let body = json!({ "name": "x", "webhookConfig": config });
        let app = server.post(APPS).json(&body).send().await.expect(201);
        let app = format!("{APPS}/{}", app["clientId"].as_str().unwrap());
        let activation = format!("{app}/providers/bankidse/activation");
        let enable = server.authorized("PATCH", &activation).json(&json!({ "enabled": true }));
        enable.send().await.expect(200);
        app
    };
    let apps = [APP.to_owned(), make(&endless).await, make(&live).await];
    for app in &apps {
        let order = json!({ "title": "x", "providerIds": ["bankidse"] });
        server.post(&format!("{app}/production-tests")).json(&order).send().await.expect(201);
    }
    server.run_background_tasks().await;
    assert_eq!(live.events(), ["scheduled"]);
    let status = async |app: &str| {
        let path = format!("{app}/webhook-deliveries");
        server.get(&path).send().await.expect(200)[0].clone()
    };
    assert_eq!(status(&apps[0]).await["attempts"][0]["error"], "no answer in time");
    assert_eq!(status(&apps[1]).await["status"], "delivered", "64 KiB of an answer are enough");
}

#[tokio::test]
async fn what_becomes_due_while_a_receiver_is_silent_is_delivered_at_once() {
    let silent = Receiver::start(&[Answer::Silence]).await;
    let live = Receiver::start(&[Answer::Status(200)]).await;
    let server = server_for(&silent).await;
    configure(&server, &json!({ "timeoutSeconds": 30 })).await.expect(200);
    let config = json!({ "url": live.url, "enabled": true });
    let body = json!({ "name": "x", "webhookConfig": config });
    let app = server.post(APPS).json(&body).send().await.expect(201);
    let app = format!("{APPS}/{}", app["clientId"].as_str().unwrap());
    let activation = format!("{app}/providers/bankidse/activation");
    let enable = server.authorized("PATCH", &activation).json(&json!({ "enabled": true }));
    enable.send().await.expect(200);
    let order = json!({ "title": "x", "providerIds": ["bankidse"] });
    let order = |app: &str| server.post(&format!("{app}/production-tests")).json(&order).send();
    order(APP).await.expect(201);
    order(&app).await.expect(201);
    // One run serves both: the second event is written again while the first receiver is silent.
    let delivered_again = async {
        eventually("the silent receiver is asked", async || !silent.delivered().is_empty()).await;
        eventually("the live one has it", async || live.delivered().len() == 1).await;
        let path = format!("{app}/webhook-deliveries/1/redeliver");
        server.post(&path).send().await.expect(200);
        eventually("the live one has it again", async || live.delivered().len() == 2).await;
    };
    tokio::select! {
        () = server.run_background_tasks() => panic!("the silent receiver has answered"),
        () = delivered_again => {}
    }
}

#[tokio::test]
async fn a_delivery_whose_event_is_gone_is_not_repeated_and_keeps_nobody_busy() {
    let receiver = Receiver::start(&[Answer::Status(200)]).await;
    let server = server_for(&receiver).await;
    server.order_and_schedule(&json!({ "title": "x" })).await;
    server.run_background_tasks().await;
    server.database().rows(Store::Workspace, "DELETE FROM events").await;
    let path = format!("{DELIVERIES}/1/redeliver");
    server.post(&path).send().await.expect_error(404, "RESOURCE_NOT_FOUND");
    let pending = "UPDATE webhook_deliveries SET state = 'pending', next_attempt_at = created_at";
    server.database().rows(Store::Workspace, pending).await;
    let due = "UPDATE webhooks SET due_at = 0";
    server.database().rows(Store::Workspace, due).await;
    server.run_background_tasks().await;
    assert_eq!(receiver.delivered().len(), 1);
}

#[tokio::test]
async fn the_old_secret_signs_for_a_day_beside_the_new_one() {
    let receiver = Receiver::start(&[Answer::Status(200)]).await;
    let server = server_for(&receiver).await;
    let read = async || server.get(CONFIG).send().await.expect(200)["secret"].clone();
    let old = read().await;
    let path = format!("{CONFIG}/rotate-secret");
    let rotated = server.post(&path).idempotency_key("k").send().await.expect(201);
    let again = server.post(&path).idempotency_key("k").send().await.expect(201);
    assert_eq!((&rotated, &rotated["secret"]), (&again, &read().await));
    assert_ne!(rotated["secret"], old);
    server.post(&path).send().await.expect_error(409, "RESOURCE_CONFLICT");

    server.order_and_schedule(&json!({ "title": "x" })).await;
    server.run_background_tasks().await;
    for secret in [&old, &rotated["secret"]] {
        is_signed(secret.as_str().unwrap(), server.now(), &receiver.delivered()[0]);
    }
    let forced = server.post(&format!("{path}?force=true")).send().await.expect(201);
    server.advance(DAY);
    server.order_and_schedule(&json!({ "title": "y" })).await;
    server.run_background_tasks().await;
    let last = receiver.delivered().pop().unwrap();
    is_signed(forced["secret"].as_str().unwrap(), server.now(), &last);
    assert_eq!(last.header("webhook-signature").split(' ').count(), 1);
}

#[tokio::test]
async fn a_url_inside_is_refused_and_so_is_one_that_resolves_inwards() {
    let server = TestServer::start().await;
    for url in [
        "http://127.0.0.1/h",
        "http://0x7f.1/h",
        "http://[::ffff:7f00:1]/h",
        "https://name@10.0.0.1/h",
        "http://169.254.169.254/latest",
        "ftp://bank.example",
        "bank.example",
    ] {
        let refused = configure(&server, &json!({ "url": url, "enabled": true })).await;
        let error = refused.expect_error(400, "VALIDATION_INVALID_PARAMETER");
        assert_eq!(error["details"]["parameter"], "url", "{url}");
    }
    configure(&server, &json!({ "enabled": true }))
        .await
        .expect_error(400, "VALIDATION_MISSING_PARAMETER");
    let url = format!("http://localhost:{}/h", server.address().rsplit(':').next().unwrap());
    configure(&server, &json!({ "url": url, "enabled": true })).await.expect(200);
    let tried = server.post(&format!("{CONFIG}/test")).send().await.expect(200);
    assert_eq!(tried["status"], Value::Null);
    assert!(tried["error"].as_str().unwrap().starts_with("no connection"), "{tried}");
}

#[tokio::test]
async fn in_production_a_webhook_is_https() {
    let server = TestServer::start_in_production().await;
    let (_, key) = server.create_workspace().await;
    let app = server.request("POST", APPS).bearer(&key).json(&json!({ "name": "x" }));
    let app = app.send().await.expect(201)["clientId"].as_str().unwrap().to_owned();
    let path = format!("{APPS}/{app}/webhook-config");
    let set = async |url: &str| {
        server.request("PATCH", &path).bearer(&key).json(&json!({ "url": url })).send().await
    };
    set("http://bank.example/h").await.expect_error(400, "VALIDATION_INVALID_PARAMETER");
    set("https://bank.example/h").await.expect(200);
}

#[tokio::test]
async fn a_test_event_is_signed_and_answered_with_what_the_receiver_said() {
    let receiver = Receiver::start(&[Answer::Status(418)]).await;
    let server = server().await;
    let path = format!("{CONFIG}/test");
    server.post(&path).send().await.expect_error(409, "RESOURCE_CONFLICT");
    configure(&server, &json!({ "url": receiver.url })).await.expect(200);
    let said = server.post(&path).send().await.expect(200);
    assert_eq!((&said["status"], &said["answer"]), (&json!(418), &json!("hello")));
    let secret = server.get(CONFIG).send().await.expect(200)["secret"].clone();
    is_signed(secret.as_str().unwrap(), server.now(), &receiver.delivered()[0]);
    assert_eq!(deliveries(&server).await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_delivery_is_repeated_on_demand_under_the_same_id() {
    let receiver = Receiver::start(&[Answer::Status(200)]).await;
    let server = server_for(&receiver).await;
    server.order_and_schedule(&json!({ "title": "x" })).await;
    server.run_background_tasks().await;
    let id = deliveries(&server).await[0]["id"].as_str().unwrap().to_owned();
    let path = format!("{DELIVERIES}/{id}/redeliver");
    assert_eq!(server.post(&path).send().await.expect(200)["status"], "pending");
    server.run_background_tasks().await;
    let delivered = receiver.delivered();
    assert_eq!(delivered.len(), 2);
    assert_eq!(delivered[0].header("webhook-id"), delivered[1].header("webhook-id"));
    let missing = format!("{DELIVERIES}/999/redeliver");
    server.post(&missing).send().await.expect_error(404, "RESOURCE_NOT_FOUND");
}

#[tokio::test]
async fn a_read_only_key_sees_no_secret_and_changes_nothing() {
    let receiver = Receiver::start(&[Answer::Status(200)]).await;
    let server = server_for(&receiver).await;
    let key = server.read_only_key().await;
    let read = server.request("GET", CONFIG).bearer(&key).send().await.expect(200);
    assert_eq!((&read["secret"], &read["url"]), (&Value::Null, &json!(receiver.url)));
    for (method, path) in [
        ("PATCH", CONFIG.to_owned()),
        ("POST", format!("{CONFIG}/rotate-secret")),
        ("POST", format!("{CONFIG}/test")),
        ("POST", format!("{DELIVERIES}/1/redeliver")),
    ] {
        let refused = server.request(method, &path).bearer(&key).json(&json!({})).send().await;
        refused.expect_error(403, "AUTH_FORBIDDEN");
    }
}

#[tokio::test]
async fn deliveries_are_kept_for_seven_days() {
    let receiver = Receiver::start(&[Answer::Status(200)]).await;
    let server = server_for(&receiver).await;
    server.order_and_schedule(&json!({ "title": "x" })).await;
    server.run_background_tasks().await;
    assert_eq!(deliveries(&server).await.len(), 1);
    server.advance(7 * DAY + Duration::from_secs(1));
    server.run_background_tasks().await;
    let kept = deliveries(&server).await;
    assert!(kept.iter().all(|it| it["event"] != "production_test.scheduled"), "{kept:?}");
}

#[tokio::test]
async fn what_a_stopped_server_held_is_delivered_by_another() {
    let receiver = Receiver::start(&[Answer::Status(200)]).await;
    let server = server_for(&receiver).await;
    let store = "UPDATE webhooks SET leased_by = 'dead', lease_expires_at = due_at + 20000";
    server.order_bankid().await;
    server.run_background_tasks().await;
    let before = receiver.events().len();
    server.order_bankid().await;
    // The event is written, and another process holds the webhook.
    server.database().rows(crate::support::Store::Workspace, "SELECT 1").await;
    server.run_background_tasks().await;
    assert_eq!(receiver.events().len(), before + 1);
    let id = deliveries(&server).await[0]["id"].as_str().unwrap().to_owned();
    server.post(&format!("{DELIVERIES}/{id}/redeliver")).send().await.expect(200);
    server.database().rows(crate::support::Store::Workspace, store).await;
    server.run_background_tasks().await;
    assert_eq!(receiver.events().len(), before + 1, "the other one may still deliver it");
    server.advance(Duration::from_secs(20));
    server.run_background_tasks().await;
    assert_eq!(receiver.events().len(), before + 2);
}
