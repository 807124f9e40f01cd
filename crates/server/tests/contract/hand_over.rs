//! §9: the life of a request, with a challenge service that misbehaves.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::fake_service::{FakeService, Reaction};
use crate::support::{TESTS, Tables, TestServer};

/// A real challenge service, one that stands in front of it and misbehaves, and a site that is told
/// to use that one.
async fn behind(reactions: &[Reaction]) -> (TestServer, FakeService, TestServer) {
    let real = TestServer::start().await;
    let fake = FakeService::start(Some(real.url.clone()), reactions).await;
    let url = fake.url.clone();
    let site = TestServer::configured(move |config| {
        config.tpas_url = Some(url);
        config.limits.hand_over = Duration::from_millis(200);
    })
    .await;
    (real, fake, site)
}

async fn ordered(site: &TestServer) -> String {
    let request =
        site.order(&json!({ "title": "BankID", "providerIds": ["bankidse"] })).await.expect(201);
    format!("{TESTS}/{}", request["id"].as_str().unwrap())
}

async fn read(site: &TestServer, path: &str) -> Value {
    site.get(path).send().await.expect(200)
}

async fn challenges_of(real: &TestServer) -> u32 {
    let count = real.ground().value(Tables::Tpas, "SELECT COUNT(*) FROM challenges").await;
    count.unwrap().parse().unwrap()
}

/// Runs rounds, an hour apart, until the request has left the queue.
async fn settle(site: &TestServer, path: &str) -> Value {
    for _ in 0..10 {
        site.round().await;
        let test = read(site, path).await;
        if test["status"] != "pending" {
            return test;
        }
        site.advance(Duration::from_hours(1));
    }
    panic!("still pending: {}", read(site, path).await);
}

#[tokio::test]
async fn a_request_is_handed_over_http_and_becomes_a_challenge() {
    let (real, _fake, site) = behind(&[Reaction::Forward]).await;
    let path = ordered(&site).await;
    let test = settle(&site, &path).await;
    assert_eq!(
        (&test["status"], &test["scheduling"]["attempts"]),
        (&json!("scheduled"), &json!(1))
    );
    let open = real.call("GET", "/tpas/v1/challenges/open").send().await.expect(200);
    assert_eq!((&open[0]["id"], &open[0]["hostName"]), (&test["challengeId"], &json!("Acme Bank")));
    let report = site
        .get(&format!("{TESTS}/{}/report", test["challengeId"].as_str().unwrap()))
        .send()
        .await
        .expect(200);
    assert_eq!(report["challenge"], test["challenge"]);
}

#[tokio::test]
async fn whatever_may_pass_is_tried_again() {
    let passing = [
        Reaction::Cut,
        Reaction::Silence,
        Reaction::Status(500, ""),
        Reaction::Status(503, ""),
        Reaction::Status(408, ""),
        Reaction::Status(429, ""),
        Reaction::Status(200, ""),
    ];
    for reaction in passing {
        let (real, fake, site) = behind(&[reaction.clone(), Reaction::Forward]).await;
        let path = ordered(&site).await;
        site.round().await;
        let test = read(&site, &path).await;
        assert_eq!(
            (&test["status"], &test["scheduling"]["attempts"]),
            (&json!("pending"), &json!(1)),
            "{reaction:?}"
        );
        assert!(test["scheduling"]["lastError"].is_string(), "{reaction:?}");
        assert_eq!(settle(&site, &path).await["status"], "scheduled", "{reaction:?}");
        assert_eq!((fake.hand_over_count(), challenges_of(&real).await), (2, 1), "{reaction:?}");
    }
}

#[tokio::test]
async fn a_refusal_fails_the_request_at_once_and_for_good() {
    for status in [400, 401, 404, 409, 422] {
        let (_real, fake, site) = behind(&[Reaction::Status(status, "")]).await;
        let path = ordered(&site).await;
        site.round().await;
        let test = read(&site, &path).await;
        assert_eq!((&test["status"], &test["challengeId"]), (&json!("failed"), &Value::Null));
        assert_eq!(test["scheduling"]["nextAttemptAt"], Value::Null);
        assert!(
            test["scheduling"]["lastError"].as_str().unwrap().contains(&status.to_string()),
            "{test}"
        );
        site.advance(Duration::from_hours(30));
        site.round().await;
        assert_eq!(fake.hand_over_count(), 1);
    }
}

#[tokio::test]
async fn an_attempt_is_not_made_before_it_is_due() {
    let (_real, fake, site) =
        behind(&[Reaction::Status(503, "retry-after: 40\r\n"), Reaction::Forward]).await;
    let path = ordered(&site).await;
    site.round().await;
    assert_eq!(read(&site, &path).await["scheduling"]["nextAttemptAt"], "2026-04-08T10:00:40.000Z");
    site.advance(Duration::from_millis(39_999));
    site.round().await;
    assert_eq!(fake.hand_over_count(), 1);
    site.advance(Duration::from_millis(1));
    site.round().await;
    assert_eq!(read(&site, &path).await["status"], "scheduled");
}

#[tokio::test]
async fn after_24_hours_without_success_the_request_fails_with_the_last_reason() {
    let (_real, _fake, site) =
        behind(&[Reaction::Status(503, "retry-after: 100000\r\n"), Reaction::Status(500, "")])
            .await;
    let path = ordered(&site).await;
    site.round().await;
    assert_eq!(
        read(&site, &path).await["scheduling"]["nextAttemptAt"],
        "2026-04-09T10:00:00.000Z",
        "the last attempt"
    );
    site.advance(Duration::from_hours(24));
    site.round().await;
    let test = read(&site, &path).await;
    assert_eq!((&test["status"], &test["scheduling"]["attempts"]), (&json!("failed"), &json!(2)));
    assert!(test["scheduling"]["lastError"].as_str().unwrap().contains("500"), "{test}");
}

#[tokio::test]
async fn a_hand_over_that_is_cut_after_it_took_effect_makes_no_second_challenge() {
    let cut = [
        Reaction::ForwardAndCut,
        Reaction::ForwardAndCut,
        Reaction::ForwardAndCut,
        Reaction::Forward,
    ];
    let (real, fake, site) = behind(&cut).await;
    let path = ordered(&site).await;
    let test = settle(&site, &path).await;
    assert_eq!(
        (&test["status"], &test["scheduling"]["attempts"]),
        (&json!("scheduled"), &json!(4))
    );
    assert_eq!((fake.hand_over_count(), challenges_of(&real).await), (4, 1));
}

#[tokio::test]
async fn a_request_whose_challenge_was_made_is_not_failed_by_a_later_refusal() {
    let lost_then_refused = [Reaction::ForwardAndCut, Reaction::Status(401, ""), Reaction::Forward];
    let (real, _fake, site) = behind(&lost_then_refused).await;
    let path = ordered(&site).await;
    let test = settle(&site, &path).await;
    assert_eq!((&test["status"], challenges_of(&real).await), (&json!("scheduled"), 1));
}

#[tokio::test]
async fn an_attempt_that_hangs_holds_up_nobody_else() {
    let real = TestServer::start().await;
    let fake =
        FakeService::start(Some(real.url.clone()), &[Reaction::Silence, Reaction::Forward]).await;
    let url = fake.url.clone();
    let site = TestServer::configured(move |config| {
        config.tpas_url = Some(url);
        config.background = server::Background::Periodic;
        // The first attempt hangs for longer than this test may take.
        config.limits.hand_over = Duration::from_hours(1);
        config.limits.drain = Duration::from_millis(10);
    })
    .await;
    let hanging = ordered(&site).await;
    while fake.request_count() == 0 {
        tokio::task::yield_now().await;
    }
    let next = ordered(&site).await;
    while read(&site, &next).await["status"] != "scheduled" {
        tokio::task::yield_now().await;
    }
    assert_eq!(read(&site, &hanging).await["status"], "pending");
}

#[tokio::test]
async fn a_reason_is_kept_but_not_at_any_length() {
    let (_real, _fake, site) = behind(&[Reaction::LongError]).await;
    let path = ordered(&site).await;
    site.round().await;
    let test = read(&site, &path).await;
    let reason = test["scheduling"]["lastError"].as_str().unwrap();
    assert!(reason.contains("no room") && reason.chars().count() <= 301, "{reason}");
}

#[tokio::test]
async fn many_requests_are_handed_over_in_one_round_each_once() {
    let site = TestServer::start().await;
    let orders = (0..300).map(|number| {
        let order = json!({ "title": number.to_string() });
        let site = &site;
        async move { site.order(&order).await.expect(201) }
    });
    join_all(orders).await;
    site.round().await;
    let items = site.get(TESTS).send().await.expect(200);
    let scheduled =
        items.as_array().unwrap().iter().filter(|item| item["type"] == "challenge").count();
    assert_eq!((scheduled, challenges_of(&site).await), (300, 300));
}

#[tokio::test]
async fn a_request_held_by_a_scheduler_that_died_is_taken_over_within_30_seconds() {
    let site = TestServer::start().await;
    let path = ordered(&site).await;
    site.lease_of_new_orders_ends();
    let (now, until) = (site.now(), site.now().plus(Duration::from_secs(20)));
    let lease = store_workspace::LeaseDue { holder: "dead".into(), now, until, limit: 10 };
    assert_eq!(
        site.database(async |store, _| store.lease_due(lease).await.unwrap()).await.len(),
        1
    );
    site.round().await;
    assert_eq!(read(&site, &path).await["status"], "pending", "it is leased to another");
    site.advance(Duration::from_secs(20));
    site.round().await;
    assert_eq!(read(&site, &path).await["status"], "scheduled");
    assert!(
        server::Limits::default().hand_over * 2 + Duration::from_secs(1) < Duration::from_secs(30)
    );
}

#[tokio::test]
async fn a_new_order_is_nobody_elses_until_its_lease_could_end_during_an_attempt() {
    let site = TestServer::start().await;
    let path = ordered(&site).await;
    let lease_as_another = || {
        let (now, until) = (site.now(), site.now().plus(Duration::from_secs(20)));
        store_workspace::LeaseDue { holder: "another".into(), now, until, limit: 10 }
    };
    let write = lease_as_another();
    assert_eq!(
        site.database(async |store, _| store.lease_due(write).await.unwrap()).await.len(),
        0
    );
    // An attempt that began now could last until after the lease.
    site.advance(Duration::from_millis(10_001));
    site.round().await;
    assert_eq!(read(&site, &path).await["status"], "pending");
    site.lease_of_new_orders_ends();
    let write = lease_as_another();
    assert_eq!(
        site.database(async |store, _| store.lease_due(write).await.unwrap()).await.len(),
        1
    );
}

#[tokio::test]
async fn a_scheduler_that_lost_its_lease_changes_nothing() {
    use store_workspace::{FinishHandOver, HandOverEnd, LeaseDue, RequestKey};
    let site = TestServer::start().await;
    let path = ordered(&site).await;
    site.lease_of_new_orders_ends();
    let (now, until) = (site.now(), site.now().plus(Duration::from_secs(20)));
    let lease = LeaseDue { holder: "slow".into(), now, until, limit: 10 };
    let leased = site.database(async |store, _| store.lease_due(lease).await.unwrap()).await;
    site.advance(Duration::from_secs(20));
    site.round().await;
    let end = HandOverEnd::Failed { error: "too late".into() };
    let write = FinishHandOver {
        key: RequestKey::from(&leased[0]),
        holder: "slow".into(),
        now: site.now(),
        status: domain::challenge_request::Status::Failed,
        end,
    };
    let finished = site.database(async |store, _| store.finish_hand_overs(vec![write]).await).await;
    assert!(matches!(finished[..], [Ok(false)]), "{finished:?}");
    assert_eq!(read(&site, &path).await["status"], "scheduled");
}

#[tokio::test]
async fn an_order_is_scheduled_at_once_without_being_asked() {
    let site =
        TestServer::configured(|config| config.background = server::Background::Periodic).await;
    let path = ordered(&site).await;
    loop {
        if read(&site, &path).await["status"] == "scheduled" {
            break;
        }
        tokio::task::yield_now().await;
    }
}
