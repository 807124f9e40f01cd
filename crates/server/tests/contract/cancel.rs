//! §7: calling a production test off.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::fake_service::{FakeService, Reaction};
use crate::support::{Answer, SERVICE_TOKEN, TESTS, Tables, TestServer};

async fn order(site: &TestServer) -> String {
    let order = json!({ "title": "BankID", "providerIds": ["bankidse"], "maxStamps": 1 });
    site.order(&order).await.expect(201)["id"].as_str().unwrap().to_owned()
}

async fn cancel(site: &TestServer, id: &str) -> Answer {
    site.post(&format!("{TESTS}/{id}/cancel")).send().await
}

async fn open(site: &TestServer) -> Value {
    site.call("GET", "/tpas/v1/challenges/open").send().await.expect(200)
}

/// A site in front of whose challenge service stands one that misbehaves.
async fn behind(real: &TestServer, reactions: &[Reaction]) -> TestServer {
    let url = FakeService::start(Some(real.url.clone()), reactions).await.url;
    TestServer::configured(move |config| {
        config.tpas_url = Some(url);
        config.limits.hand_over = Duration::from_millis(200);
    })
    .await
}

#[tokio::test]
async fn a_pending_request_is_cancelled_and_never_scheduled() {
    let site = TestServer::start().await;
    let id = order(&site).await;
    let cancelled = cancel(&site, &id).await.expect(200);
    assert_eq!(
        (&cancelled["status"], &cancelled["scheduling"]["nextAttemptAt"]),
        (&json!("cancelled"), &Value::Null)
    );
    assert_eq!(site.get(&format!("{TESTS}/{id}")).send().await.expect(200), cancelled);
    site.round().await;
    assert_eq!(open(&site).await, json!([]));
    let listed = site.get(TESTS).send().await.expect(200);
    assert_eq!(
        (&listed[0]["type"], &listed[0]["request"]["status"]),
        (&json!("request"), &json!("cancelled"))
    );
}

#[tokio::test]
async fn to_cancel_twice_changes_nothing() {
    let site = TestServer::start().await;
    let id = order(&site).await;
    let first = cancel(&site, &id).await.expect(200);
    site.advance(Duration::from_mins(1));
    assert_eq!(cancel(&site, &id).await.expect(200), first);

    let id = order(&site).await;
    site.round().await;
    let first = cancel(&site, &id).await.expect(200);
    assert_eq!(cancel(&site, &id).await.expect(200)["challenge"], first["challenge"]);
}

#[tokio::test]
async fn a_scheduled_test_has_its_challenge_closed_and_its_report_stays() {
    let site = TestServer::start().await;
    let challenge = site.challenge(&json!({ "title": "x", "maxStamps": 2 })).await;
    assert_eq!(site.take_part(&challenge, "bankidse", "Ada").await, "claimed");
    // A challenge's id names the test as well as its request's.
    let cancelled = cancel(&site, &challenge).await.expect(200);
    assert_eq!(
        (&cancelled["status"], &cancelled["challenge"]["isActive"]),
        (&json!("scheduled"), &json!(false))
    );
    site.join(&challenge, "bankidse").send().await.expect_error(409, "RESOURCE_CONFLICT");
    let listed = site.get(TESTS).send().await.expect(200);
    assert_eq!(
        (&listed[0]["challenge"]["isActive"], &listed[0]["challenge"]["completedAt"]),
        (&json!(false), &Value::Null)
    );
    let report = site.get(&format!("{TESTS}/{challenge}/report")).send().await.expect(200);
    assert_eq!(report["stats"]["totalClaims"], 1);
}

#[tokio::test]
async fn what_has_ended_by_itself_cannot_be_cancelled_any_more() {
    let site = TestServer::start().await;
    let complete = site.challenge(&json!({ "title": "x", "maxStamps": 1 })).await;
    site.take_part(&complete, "bankidse", "Ada").await;
    let error = cancel(&site, &complete).await.expect_error(409, "RESOURCE_CONFLICT");
    assert_eq!(error["details"]["status"], "completed");

    let over = site.challenge(&json!({ "title": "x" })).await;
    site.advance(Duration::from_hours(24 * 8));
    let error = cancel(&site, &over).await.expect_error(409, "RESOURCE_CONFLICT");
    assert_eq!(error["details"]["status"], "expired");

    let real = TestServer::start().await;
    let site = behind(&real, &[Reaction::Status(400, "")]).await;
    let failed = order(&site).await;
    site.round().await;
    let error = cancel(&site, &failed).await.expect_error(409, "RESOURCE_CONFLICT");
    assert_eq!(error["details"]["status"], "failed");
}

#[tokio::test]
async fn a_cancelled_test_says_when_it_changed() {
    let site = TestServer::start().await;
    let challenge = site.challenge(&json!({ "title": "x" })).await;
    site.advance(Duration::from_mins(1));
    let cancelled = cancel(&site, &challenge).await.expect(200);
    assert_eq!(cancelled["updatedAt"], site.now().to_string());
    site.round().await;
    assert_eq!(site.get(&format!("{TESTS}/{challenge}")).send().await.expect(200), cancelled);
}

#[tokio::test]
async fn what_is_known_to_have_ended_is_a_conflict_even_while_the_challenge_service_is_down() {
    let real = TestServer::start().await;
    // One hand-over and one look are answered, and then nothing any more.
    let site = behind(&real, &[Reaction::Forward, Reaction::Forward, Reaction::Cut]).await;
    let id = order(&site).await;
    site.round().await;
    let test = site.get(&format!("{TESTS}/{id}")).send().await.expect(200);
    assert_eq!(
        real.take_part(test["challengeId"].as_str().unwrap(), "bankidse", "Ada").await,
        "claimed"
    );
    site.advance(Duration::from_secs(2));
    site.round().await;
    let error = cancel(&site, &id).await.expect_error(409, "RESOURCE_CONFLICT");
    assert_eq!(error["details"]["status"], "completed");

    let real = TestServer::start().await;
    let site = behind(&real, &[Reaction::Forward, Reaction::Cut]).await;
    let id = order(&site).await;
    site.round().await;
    site.advance(Duration::from_hours(24 * 8));
    let error = cancel(&site, &id).await.expect_error(409, "RESOURCE_CONFLICT");
    assert_eq!(error["details"]["status"], "expired");
}

#[tokio::test]
async fn a_recall_that_is_refused_is_tried_again() {
    let real = TestServer::start().await;
    let refused = Reaction::Status(401, "");
    let site =
        behind(&real, &[Reaction::ForwardAndCut, refused.clone(), refused, Reaction::Forward])
            .await;
    let id = order(&site).await;
    site.round().await;
    cancel(&site, &id).await.expect(200);
    site.round().await;
    assert_eq!(open(&real).await.as_array().unwrap().len(), 1, "the token was wrong");
    site.advance(Duration::from_secs(20));
    site.round().await;
    assert_eq!(open(&real).await, json!([]));
}

#[tokio::test]
async fn a_recall_ends_where_there_is_no_challenge() {
    let real = TestServer::start().await;
    let refused = Reaction::Status(422, "");
    let site = behind(&real, &[Reaction::Cut, refused, Reaction::Status(404, "")]).await;
    let id = order(&site).await;
    site.round().await;
    cancel(&site, &id).await.expect(200);
    site.round().await;
    let due = site
        .ground()
        .value(Tables::Connect, "SELECT COUNT(recall_at) FROM challenge_requests")
        .await;
    assert_eq!(due.as_deref(), Some("0"));
}

#[tokio::test]
async fn a_challenge_that_was_made_all_the_same_is_closed_again() {
    let real = TestServer::start().await;
    // The challenge is made, but nobody hears of it.
    let site = behind(&real, &[Reaction::ForwardAndCut, Reaction::Forward]).await;
    let id = order(&site).await;
    site.round().await;
    assert_eq!(open(&real).await.as_array().unwrap().len(), 1);
    assert_eq!(cancel(&site, &id).await.expect(200)["status"], "cancelled");
    site.round().await;
    assert_eq!(open(&real).await, json!([]));
    assert_eq!(cancel(&site, &id).await.expect(200)["challengeId"], Value::Null);
}

#[tokio::test]
async fn a_request_that_is_being_handed_over_at_this_moment_can_be_cancelled_and_leaves_no_open_challenge()
 {
    let real = TestServer::start().await;
    let site = behind(&real, &[Reaction::Silence, Reaction::Forward]).await;
    let id = order(&site).await;
    let (cancelled, ()) = tokio::join!(
        async {
            let sql = "SELECT leased_by FROM challenge_requests";
            while site.ground().value(Tables::Connect, sql).await.is_none() {
                tokio::task::yield_now().await;
            }
            cancel(&site, &id).await
        },
        site.round()
    );
    assert_eq!(cancelled.expect(200)["status"], "cancelled");
    // By the time the lease would have ended, whatever came of the attempt is closed.
    site.advance(Duration::from_secs(20));
    site.round().await;
    assert_eq!(site.get(&format!("{TESTS}/{id}")).send().await.expect(200)["status"], "cancelled");
    assert_eq!(open(&real).await, json!([]));
}

/// The challenge of a request is made on this site, as an attempt does whose answer nobody hears.
async fn make_unheard(site: &TestServer, id: &str) {
    let body = json!({ "title": "BankID", "providerIds": ["bankidse"], "maxStampClaims": 1, "hostName": "Acme Bank" });
    let path = format!("/tpas/v1/challenge-requests/{id}");
    site.call("PUT", &path).key(SERVICE_TOKEN).json(&body).send().await.expect(201);
    assert_eq!(open(site).await.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_challenge_that_was_made_before_the_lease_was_given_back_is_closed_again() {
    use store_workspace::{LeaseDue, ReleaseLeases};
    let site = TestServer::start().await;
    let id = order(&site).await;
    site.lease_of_new_orders_ends();
    let (now, until) = (site.now(), site.now().plus(Duration::from_secs(20)));
    let lease = LeaseDue { holder: "stopping".into(), now, until, limit: 10 };
    assert_eq!(
        site.database(async |store, _| store.lease_due(lease).await.unwrap()).await.len(),
        1
    );
    make_unheard(&site, &id).await;
    let release = ReleaseLeases { holder: "stopping".into() };
    assert_eq!(
        site.database(async |store, _| store.release_leases(release).await.unwrap()).await,
        1
    );
    assert_eq!(cancel(&site, &id).await.expect(200)["status"], "cancelled");
    site.round().await;
    assert_eq!(open(&site).await, json!([]));
}

#[tokio::test]
async fn a_challenge_that_was_made_before_a_retry_is_closed_again() {
    let real = TestServer::start().await;
    // It is refused, and denied, and made all the same.
    let site =
        behind(&real, &[Reaction::Status(400, ""), Reaction::Status(404, ""), Reaction::Forward])
            .await;
    let id = order(&site).await;
    site.round().await;
    make_unheard(&real, &id).await;
    site.post(&format!("{TESTS}/{id}/retry")).send().await.expect(200);
    assert_eq!(cancel(&site, &id).await.expect(200)["status"], "cancelled");
    site.round().await;
    assert_eq!(open(&real).await, json!([]));
}

#[tokio::test]
async fn a_server_that_stops_in_the_middle_of_a_hand_over_forgets_no_challenge() {
    let real = TestServer::start().await;
    let fake =
        FakeService::start(Some(real.url.clone()), &[Reaction::Silence, Reaction::Forward]).await;
    let url = fake.url.clone();
    let site = TestServer::configured(|config| {
        config.tpas_url = Some(url.clone());
        config.background = server::Background::Periodic;
        config.limits.drain = Duration::from_millis(100);
    })
    .await;
    let id = order(&site).await;
    while fake.request_count() == 0 {
        tokio::task::yield_now().await;
    }
    make_unheard(&real, &id).await;
    let ground = site.stop().await;
    // The next one does nothing before it is told to.
    let site = TestServer::on(ground, |config| config.tpas_url = Some(url)).await;
    assert_eq!(cancel(&site, &id).await.expect(200)["status"], "cancelled");
    site.round().await;
    assert_eq!(open(&real).await, json!([]));
}

#[tokio::test]
async fn a_challenge_that_cannot_be_closed_now_stays_open_and_the_caller_is_told() {
    let real = TestServer::start().await;
    let site = behind(&real, &[Reaction::Forward, Reaction::Cut, Reaction::Forward]).await;
    let id = order(&site).await;
    site.round().await;
    let error = cancel(&site, &id).await.expect_error(503, "SYSTEM_UNAVAILABLE");
    assert!(error["message"].as_str().unwrap().contains("not known"), "{error}");
    assert_eq!(open(&real).await.as_array().unwrap().len(), 1);
    cancel(&site, &id).await.expect(200);
    assert_eq!(open(&real).await, json!([]));
}

#[tokio::test]
async fn only_who_may_change_things_can_cancel_and_only_their_own() {
    let site = TestServer::start().await;
    let id = order(&site).await;
    let workspace = site.demo_workspace().await;
    let reader = site.key(&workspace, |key| key.access = domain::api_key::Access::ReadOnly).await;
    let path = format!("{TESTS}/{id}/cancel");
    site.call("POST", &path).key(&reader).send().await.expect_error(403, "AUTH_FORBIDDEN");
    let (_, stranger) = site.workspace().await;
    site.call("POST", &path).key(&stranger).send().await.expect_error(404, "RESOURCE_NOT_FOUND");
    site.call("POST", &path).send().await.expect_error(401, "AUTH_INVALID_CREDENTIALS");
    cancel(&site, "req_019d6c88-0000-7000-8000-000000000000")
        .await
        .expect_error(404, "RESOURCE_NOT_FOUND");
    assert_eq!(site.get(&format!("{TESTS}/{id}")).send().await.expect(200)["status"], "pending");
}

#[tokio::test]
async fn a_cancelled_order_is_still_what_its_idempotency_key_made() {
    let site = TestServer::start().await;
    let order = json!({ "title": "BankID" });
    let first = site.post(TESTS).idempotency_key("key").json(&order).send().await.expect(201);
    cancel(&site, first["id"].as_str().unwrap()).await.expect(200);
    assert_eq!(
        site.post(TESTS).idempotency_key("key").json(&order).send().await.expect(201),
        first
    );
}

#[tokio::test]
async fn what_has_expired_elsewhere_is_over_and_not_cancelled() {
    let real = TestServer::start().await;
    let site = behind(&real, &[Reaction::Forward]).await;
    let over = site.challenge(&json!({ "title": "x" })).await;
    for each in [&real, &site] {
        each.advance(Duration::from_hours(24 * 8));
    }
    let error = cancel(&site, &over).await.expect_error(409, "RESOURCE_CONFLICT");
    assert_eq!(error["details"]["status"], "expired");
}
