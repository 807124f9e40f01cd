//! Several servers on one database are one service.

use std::collections::HashSet;
use std::time::Duration;

use domain::api_key;
use futures_util::future::join_all;
use serde_json::{Value, json};
use store_workspace::RevokeApiKey;

use crate::support::{Answer, TESTS, Tables, TestServer};

pub(super) async fn pair() -> [TestServer; 2] {
    let site = TestServer::start().await;
    let replica = site.replica(2, |_| {}).await;
    [site, replica]
}

async fn order_with(site: &TestServer, key: &str, order: &Value) -> Answer {
    site.post(TESTS).idempotency_key(key).json(order).send().await
}

#[tokio::test]
async fn one_key_makes_one_request_however_many_replicas_it_is_sent_to_at_once() {
    let sites = pair().await;
    let order = json!({ "title": "BankID" });
    let answers =
        join_all((0..200).map(|number| order_with(&sites[number % 2], "key", &order))).await;
    let ids: HashSet<String> =
        answers.iter().map(|answer| answer.expect(201)["id"].to_string()).collect();
    let first_times =
        answers.iter().filter(|answer| answer.header("idempotency-replayed").is_none()).count();
    let stored =
        sites[0].ground().value(Tables::Connect, "SELECT COUNT(*) FROM challenge_requests").await;
    assert_eq!((ids.len(), first_times, stored.as_deref()), (1, 1, Some("1")));
    let other = order_with(&sites[1], "key", &json!({ "title": "MitID" })).await;
    other.expect_error(409, "IDEMPOTENCY_KEY_CONFLICT");
}

#[tokio::test]
async fn one_key_makes_one_app_however_many_replicas_it_is_sent_to_at_once() {
    let sites = pair().await;
    let wish = json!({ "name": "New Bank" });
    let make = |number: usize| {
        sites[number % 2].post("/connect/v1/apps").idempotency_key("key").json(&wish).send()
    };
    let answers = join_all((0..50).map(make)).await;
    let apps: HashSet<String> =
        answers.iter().map(|answer| answer.expect(201).to_string()).collect();
    assert_eq!(apps.len(), 1, "the same app with the same secret");
    let stored = sites[0].ground().value(Tables::Connect, "SELECT COUNT(*) FROM apps").await;
    assert_eq!(stored.as_deref(), Some("2"), "the demo's, and this one");
}

#[tokio::test]
async fn one_key_makes_one_batch_and_one_rotation_however_many_replicas_it_is_sent_to_at_once() {
    let sites = pair().await;
    let wish = json!({ "items": [{ "name": "One" }, { "name": "Two" }] });
    let make = |number: usize| {
        sites[number % 2].post("/connect/v1/apps/batch").idempotency_key("b").json(&wish).send()
    };
    let answers = join_all((0..20).map(make)).await;
    let made: HashSet<String> =
        answers.iter().map(|answer| answer.expect(201).to_string()).collect();
    assert_eq!(made.len(), 1, "the same apps with the same secrets");
    let stored = sites[0].ground().value(Tables::Connect, "SELECT COUNT(*) FROM apps").await;
    assert_eq!(stored.as_deref(), Some("3"), "the demo's, and these");

    let path = "/connect/v1/apps/FK5b0KSM/rotate-client-secret";
    let answers =
        join_all((0..20).map(|number| sites[number % 2].post(path).idempotency_key("r").send()))
            .await;
    let secrets: HashSet<String> =
        answers.iter().map(|answer| answer.expect(201).to_string()).collect();
    assert_eq!(secrets.len(), 1);
}

#[tokio::test]
async fn many_keys_at_once_in_any_order_on_two_replicas_make_one_request_each() {
    let sites = pair().await;
    let order = json!({ "title": "BankID" });
    // The same keys from both ends: whoever takes locks in another order than the other would be
    // caught.
    let forth = (0..100).map(|number| (0, number));
    let back = (0..100).rev().map(|number| (1, number));
    let calls = forth.chain(back).map(|(site, number)| {
        let (site, order) = (&sites[site], &order);
        async move {
            order_with(site, &format!("key {number}"), order).await.expect(201)["id"].to_string()
        }
    });
    let ids: HashSet<String> = join_all(calls).await.into_iter().collect();
    assert_eq!(ids.len(), 100);
    let stored =
        sites[0].ground().value(Tables::Connect, "SELECT COUNT(*) FROM challenge_requests").await;
    assert_eq!(stored.as_deref(), Some("100"));
}

#[tokio::test]
async fn ten_stamps_are_ten_stamps_on_two_replicas() {
    let sites = pair().await;
    let challenge = sites[0]
        .challenge(&json!({ "title": "x", "maxStamps": 10, "providerIds": ["bankidse"] }))
        .await;
    let outcomes = join_all((0..200).map(|number| {
        let (site, challenge) = (&sites[number % 2], &challenge);
        async move {
            let joined = site.join(challenge, "bankidse").send().await;
            if joined.status == 409 {
                return "too late".to_owned();
            }
            let url = joined.expect(201)["verificationUrl"].as_str().unwrap().to_owned();
            site.simulate(
                &url,
                &json!({ "outcome": "completed", "subject": format!("person {number}") }),
            )
            .await
        }
    }))
    .await;
    assert_eq!(outcomes.iter().filter(|outcome| *outcome == "claimed").count(), 10, "{outcomes:?}");
    let report = sites[1].get(&format!("{TESTS}/{challenge}/report")).send().await.expect(200);
    assert_eq!(
        (&report["stats"]["totalClaims"], &report["challenge"]["isActive"]),
        (&json!(10), &json!(false))
    );
    let numbers = sites[0]
        .ground()
        .rows(Tables::Tpas, "SELECT number FROM stamp_claims ORDER BY number")
        .await;
    assert_eq!(numbers, (1..=10).map(|number| vec![Some(number.to_string())]).collect::<Vec<_>>());
}

#[tokio::test]
async fn one_person_gets_one_stamp_even_on_two_replicas_at_the_same_moment() {
    let sites = pair().await;
    let challenge = sites[0].challenge(&json!({ "title": "x", "maxStamps": 100 })).await;
    for round in 0..20 {
        let person = format!("person {round}");
        let mut outcomes =
            join_all(sites.iter().map(|site| site.take_part(&challenge, "bankidse", &person)))
                .await;
        outcomes.sort();
        assert_eq!(outcomes, ["claimed", "duplicate"]);
    }
}

#[tokio::test]
async fn one_browser_joins_once_even_on_two_replicas_at_the_same_moment() {
    let sites = pair().await;
    let challenge = sites[0].challenge(&json!({ "title": "x", "maxStamps": 100 })).await;
    for round in 0..20 {
        let cookie = format!("fieldtest_tester={round:022}");
        let answers = join_all(
            sites
                .iter()
                .map(|site| site.join(&challenge, "mitid").header("Cookie", &cookie).send()),
        );
        let mut statuses: Vec<u16> = answers.await.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409]);
    }
}

#[tokio::test]
async fn nobody_waits_for_each_other_however_the_work_is_mixed() {
    let sites = pair().await;
    let mut challenges = Vec::new();
    for number in 0..6 {
        challenges.push(
            sites[0].challenge(&json!({ "title": number.to_string(), "maxStamps": 100 })).await,
        );
    }
    // One browser at all challenges: what waits together is cut into many runs, each with
    // challenges of its own.
    let forth = challenges.iter().cycle().take(60).map(|challenge| (0, challenge));
    let back = challenges.iter().rev().cycle().take(60).map(|challenge| (1, challenge));
    let joins = forth.chain(back).map(|(site, challenge)| {
        let cookie = format!("fieldtest_tester={:022}", 7);
        sites[site].join(challenge, "bankidse").header("Cookie", cookie).send()
    });
    let answers = join_all(joins).await;
    assert_eq!(
        answers.iter().filter(|answer| answer.status == 201).count(),
        6,
        "once at each challenge"
    );
    // Counted by the database, whoever tried again.
    let sql = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    assert_eq!(sites[0].ground().value(Tables::Tpas, sql).await.as_deref(), Some("0"));
}

#[tokio::test]
async fn schedulers_share_the_work_and_hand_each_request_over_once() {
    let sites = pair().await;
    let orders: Vec<Value> =
        (0..100).map(|number| json!({ "title": format!("test {number}") })).collect();
    for answer in join_all(orders.iter().map(|order| sites[0].order(order))).await {
        answer.expect(201);
    }
    join_all(sites.iter().map(TestServer::round)).await;
    let sql = "SELECT COUNT(*), SUM(attempts) FROM challenge_requests WHERE status = 'scheduled'";
    let counted = sites[0].ground().rows(Tables::Connect, sql).await.remove(0);
    assert_eq!(
        counted,
        [Some("100".to_owned()), Some("100".to_owned())],
        "each was attempted once"
    );
    let made = sites[0].ground().value(Tables::Tpas, "SELECT COUNT(*) FROM challenges").await;
    assert_eq!(made.as_deref(), Some("100"));
}

#[tokio::test]
async fn an_order_that_is_being_stored_while_its_app_is_deleted_goes_with_it() {
    let site = TestServer::start().await;
    site.order(&json!({ "title": "x" })).await.expect(201);
    let other = site.ground().session(Tables::Connect).await;
    let insert = "BEGIN; INSERT INTO challenge_requests (workspace_id, client_id, id, host_name, title, provider_ids,
            max_stamp_claims, status, attempts, next_attempt_at, give_up_at, created_at, updated_at)
        SELECT workspace_id, client_id, decode(md5('x'), 'hex'), host_name, title, provider_ids, max_stamp_claims, status,
            attempts, next_attempt_at, give_up_at, created_at, updated_at
        FROM challenge_requests";
    other.batch_execute(insert).await.unwrap();
    let deleted = tokio::join!(
        site.call("DELETE", "/connect/v1/apps/FK5b0KSM").key(&site.api_key).send(),
        async {
            // Whoever does not wait is done before this; then the order is stored too late.
            for _ in 0..100 {
                let waiting = site
                    .ground()
                    .value(Tables::Connect, "SELECT COUNT(*) FROM pg_locks WHERE NOT granted")
                    .await;
                if waiting.as_deref() != Some("0") {
                    break;
                }
            }
            other.batch_execute("COMMIT").await.unwrap();
        }
    );
    deleted.0.expect(200);
    let statuses =
        site.ground().rows(Tables::Connect, "SELECT status FROM challenge_requests").await;
    assert_eq!(statuses, [[Some("cancelled".to_owned())], [Some("cancelled".to_owned())]]);
}

#[tokio::test]
async fn a_revoked_key_is_refused_by_every_replica() {
    let sites = pair().await;
    for site in &sites {
        site.get(TESTS).send().await.expect(200);
    }
    let hash = api_key::recognise(&sites[0].api_key, domain::Environment::Sandbox).unwrap();
    let now = sites[0].now();
    let is_revoked = sites[0]
        .database(async |store, _| {
            let key = store.api_key(hash).await.unwrap().unwrap();
            store.revoke_api_key(RevokeApiKey { id: key.id, now }).await.unwrap()
        })
        .await;
    assert!(is_revoked);
    // They share their clock.
    sites[0].advance(Duration::from_secs(1));
    for site in &sites {
        site.get(TESTS).send().await.expect_error(401, "AUTH_INVALID_CREDENTIALS");
    }
}

#[tokio::test]
async fn an_order_at_one_process_wakes_the_scheduler_of_another() {
    let periodic = |roles: &'static str| {
        move |config: &mut server::Config| {
            config.roles = roles.parse().unwrap();
            config.background = server::Background::Periodic;
            // By itself the scheduler looks when it starts, and when it begins to listen, and then
            // not for an hour.
            config.limits.hand_over_period = Duration::from_hours(1);
        }
    };
    let api = TestServer::configured(periodic("api,tpas")).await;
    let _scheduler = api.replica(2, periodic("scheduler,tpas")).await;
    for number in 0..4 {
        let request = api.order(&json!({ "title": number.to_string() })).await.expect(201);
        let path = format!("{TESTS}/{}", request["id"].as_str().unwrap());
        while api.get(&path).send().await.expect(200)["status"] != "scheduled" {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn api_and_scheduler_can_be_processes_of_their_own() {
    let api = TestServer::configured(|config| config.roles = "api,tpas,web".parse().unwrap()).await;
    let scheduler = api.replica(2, |config| config.roles = "scheduler,tpas".parse().unwrap()).await;
    let request = api.order(&json!({ "title": "x" })).await.expect(201);
    api.round().await;
    let path = format!("{TESTS}/{}", request["id"].as_str().unwrap());
    assert_eq!(api.get(&path).send().await.expect(200)["status"], "pending");
    scheduler.round().await;
    assert_eq!(api.get(&path).send().await.expect(200)["status"], "scheduled");
    scheduler.get(TESTS).send().await.expect_error(404, "RESOURCE_NOT_FOUND");
}
