//! Several servers on one database are one service.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use server::Config;

use super::start_two;
use crate::app_creation::create_app;
use crate::support::id_of;
use crate::support::{APP, APPS, Store, TESTS, TestResponse, TestServer, completed, eventually};

/// Checks that these responses to repetitions of one request are the same, and that one of them
/// is the first.
#[track_caller]
fn assert_created_once(responses: &[TestResponse]) {
    let bodies: HashSet<String> =
        responses.iter().map(|response| response.expect(201).to_string()).collect();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert_eq!(responses.iter().filter(|response| !response.is_replay()).count(), 1);
}

async fn count(servers: &[TestServer; 2], table: &str) -> usize {
    servers[0].database().count(Store::Workspace, table).await
}

#[tokio::test]
async fn simultaneous_orders_with_one_key_at_two_servers_create_one_request() {
    let servers = start_two().await;
    let order = json!({ "title": "BankID" });
    let orders = (0..200).map(|number| servers[number % 2].order_with_key("key", &order));
    assert_created_once(&join_all(orders).await);
    assert_eq!(count(&servers, "challenge_requests").await, 1);
    let other = servers[1].order_with_key("key", &json!({ "title": "MitID" })).await;
    other.expect_error(409, "IDEMPOTENCY_KEY_CONFLICT");
}

#[tokio::test]
async fn simultaneous_app_creations_with_one_key_at_two_servers_create_one_app() {
    let servers = start_two().await;
    let body = json!({ "name": "New Bank" });
    let creations = (0..50).map(|number| create_app(&servers[number % 2], "key", &body));
    assert_created_once(&join_all(creations).await);
    assert_eq!(count(&servers, "apps").await, 2, "the demo's and this one");
}

#[tokio::test]
async fn simultaneous_batches_with_one_key_at_two_servers_create_one_batch() {
    let servers = start_two().await;
    let body = json!({ "items": [{ "name": "One" }, { "name": "Two" }] });
    let batches = (0..20).map(|number| {
        let request = servers[number % 2].post(&format!("{APPS}/batch")).idempotency_key("key");
        request.json(&body).send()
    });
    let bodies: HashSet<String> =
        join_all(batches).await.iter().map(|response| response.expect(201).to_string()).collect();
    assert_eq!(bodies.len(), 1, "the same apps with the same secrets");
    assert_eq!(count(&servers, "apps").await, 3, "the demo's and these");
}

#[tokio::test]
async fn simultaneous_rotations_with_one_key_at_two_servers_rotate_once() {
    let servers = start_two().await;
    let path = format!("{APP}/rotate-client-secret");
    let rotations =
        (0..20).map(|number| servers[number % 2].post(&path).idempotency_key("key").send());
    assert_created_once(&join_all(rotations).await);
}

#[tokio::test]
async fn the_same_keys_in_opposite_orders_at_two_servers_create_one_request_each() {
    let servers = start_two().await;
    let order = json!({ "title": "BankID" });
    // Two servers that lock the keys in the order of their arrival wait for each other.
    let forwards = (0..100).map(|number| (0, number));
    let backwards = (0..100).rev().map(|number| (1, number));
    let orders = forwards.chain(backwards).map(|(server, number)| {
        let (server, order) = (&servers[server], &order);
        async move {
            let response = server.order_with_key(&format!("key {number}"), order).await;
            response.expect(201)["id"].to_string()
        }
    });
    let ids: HashSet<String> = join_all(orders).await.into_iter().collect();
    assert_eq!(ids.len(), 100);
    assert_eq!(count(&servers, "challenge_requests").await, 100);
}

#[tokio::test]
async fn ten_stamps_are_claimed_exactly_ten_times_at_two_servers() {
    // All claims wait for the row of one challenge. How many are granted does not depend on how
    // fast this machine is; whether one of them waits for longer than the default does.
    let patient = |config: &mut Config| config.database_timeout = Duration::from_mins(1);
    let server = TestServer::start_with(patient).await;
    let replica = server.replica(2, patient).await;
    let servers = [server, replica];
    let order = json!({ "title": "x", "maxStamps": 10, "providerIds": ["bankidse"] });
    let challenge = servers[0].order_and_schedule(&order).await;
    let testers = (0..200).map(|number| {
        let (server, challenge) = (&servers[number % 2], &challenge);
        async move {
            let joined = server.join(challenge, "bankidse").send().await;
            if joined.status == 409 {
                return "too late".to_owned();
            }
            let outcome = completed(&format!("person {number}"));
            server.simulate(&joined.expect(201), &outcome).await
        }
    });
    let outcomes = join_all(testers).await;
    assert_eq!(outcomes.iter().filter(|outcome| *outcome == "claimed").count(), 10, "{outcomes:?}");
    let report = servers[1].report(&challenge).await;
    assert_eq!(report["stats"]["totalClaims"], 10);
    assert_eq!(report["challenge"]["isActive"], false);
    let sql = "SELECT number FROM stamp_claims ORDER BY number";
    let numbers = servers[0].database().rows(Store::Challenge, sql).await;
    assert_eq!(numbers, (1..=10).map(|number| vec![Some(number.to_string())]).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_person_verified_at_two_servers_at_once_gets_one_stamp() {
    let servers = start_two().await;
    let challenge = servers[0].order_and_schedule(&json!({ "title": "x", "maxStamps": 100 })).await;
    for number in 0..20 {
        let person = format!("person {number}");
        let verify = |server| TestServer::join_and_verify(server, &challenge, "bankidse", &person);
        let mut outcomes = join_all(servers.iter().map(verify)).await;
        outcomes.sort();
        assert_eq!(outcomes, ["claimed", "duplicate"]);
    }
}

#[tokio::test]
async fn a_browser_that_joins_at_two_servers_at_once_joins_once() {
    let servers = start_two().await;
    let challenge = servers[0].order_and_schedule(&json!({ "title": "x", "maxStamps": 100 })).await;
    for number in 0..20 {
        let cookie = format!("fieldtest_tester={number:022}");
        let join =
            |server: &TestServer| server.join(&challenge, "mitid").header("Cookie", &cookie).send();
        let joined = join_all(servers.iter().map(join)).await;
        let mut statuses: Vec<u16> = joined.iter().map(|response| response.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409]);
    }
}

#[tokio::test]
async fn joins_of_many_challenges_in_opposite_orders_cause_no_deadlock() {
    let servers = start_two().await;
    let mut challenges = Vec::new();
    for number in 0..6 {
        let order = json!({ "title": number.to_string(), "maxStamps": 100 });
        challenges.push(servers[0].order_and_schedule(&order).await);
    }
    // One browser joins all challenges, repeatedly: a batch with its joins is split into many
    // slices, each with several challenges.
    let forwards = challenges.iter().cycle().take(60).map(|challenge| (0, challenge));
    let backwards = challenges.iter().rev().cycle().take(60).map(|challenge| (1, challenge));
    let joins = forwards.chain(backwards).map(|(server, challenge)| {
        let cookie = format!("fieldtest_tester={:022}", 7);
        servers[server].join(challenge, "bankidse").header("Cookie", cookie).send()
    });
    let joined = join_all(joins).await;
    let successes = joined.iter().filter(|response| response.status == 201).count();
    assert_eq!(successes, 6, "one at each challenge");
    // PostgreSQL counts deadlocks even if the transaction succeeds at its next attempt.
    let sql = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    assert_eq!(servers[0].database().number(Store::Challenge, sql).await, 0);
}

#[tokio::test]
async fn two_schedulers_hand_each_request_over_once() {
    let servers = start_two().await;
    let orders: Vec<Value> =
        (0..100).map(|number| json!({ "title": format!("test {number}") })).collect();
    for response in join_all(orders.iter().map(|order| servers[0].order(order))).await {
        response.expect(201);
    }
    join_all(servers.iter().map(TestServer::run_background_tasks)).await;
    let sql = "SELECT COUNT(*), SUM(attempts) FROM challenge_requests WHERE status = 'scheduled'";
    let counts = servers[0].database().rows(Store::Workspace, sql).await.remove(0);
    assert_eq!(counts, [Some("100".to_owned()), Some("100".to_owned())], "one attempt each");
    assert_eq!(servers[0].database().count(Store::Challenge, "challenges").await, 100);
}

#[tokio::test]
async fn an_order_that_is_being_stored_while_its_app_is_deleted_is_cancelled() {
    let server = TestServer::start().await;
    server.order(&json!({ "title": "x" })).await.expect(201);
    // Another server has stored an order, and not committed it yet.
    let other = server.database().connection(Store::Workspace).await;
    let insert = "BEGIN; INSERT INTO challenge_requests (workspace_id, client_id, id, host_name,
            title, provider_ids, max_stamp_claims, status, attempts, next_attempt_at, give_up_at,
            created_at, updated_at)
        SELECT workspace_id, client_id, decode(md5('x'), 'hex'), host_name, title, provider_ids,
            max_stamp_claims, status, attempts, next_attempt_at, give_up_at, created_at, updated_at
        FROM challenge_requests";
    other.batch_execute(insert).await.unwrap();
    // The deletion does not wait for it.
    server.delete_app().await.expect(200);
    server.run_background_tasks().await;
    other.batch_execute("COMMIT").await.unwrap();
    server.run_background_tasks().await;
    let sql = "SELECT status FROM challenge_requests";
    let statuses = server.database().rows(Store::Workspace, sql).await;
    assert_eq!(statuses, [[Some("cancelled".to_owned())], [Some("cancelled".to_owned())]]);
}

#[tokio::test]
async fn a_revoked_key_is_refused_by_every_server() {
    let servers = start_two().await;
    for server in &servers {
        server.get(TESTS).send().await.expect(200);
    }
    servers[0].revoke_key(|_| true).await;
    // The servers share their clock.
    servers[0].advance(Duration::from_secs(1));
    for server in &servers {
        server.get(TESTS).send().await.expect_error(401, "AUTH_INVALID_CREDENTIALS");
    }
}

#[tokio::test]
async fn an_order_at_one_server_wakes_the_scheduler_of_another() {
    let with_roles = |roles: &'static str| {
        move |config: &mut server::Config| {
            config.roles = roles.parse().unwrap();
            config.background = server::Background::Periodic;
            // Without a notification the scheduler looks at the table when it starts and when it
            // begins to listen, and then not for an hour.
            config.limits.hand_over_period = Duration::from_hours(1);
        }
    };
    let api = TestServer::start_with(with_roles("api,tpas")).await;
    let _scheduler = api.replica(2, with_roles("scheduler,tpas")).await;
    for _ in 0..4 {
        let id = api.order_bankid().await;
        eventually("the request is scheduled", async || {
            api.show(&id).await["status"] == "scheduled"
        })
        .await;
    }
}

#[tokio::test]
async fn api_and_scheduler_can_be_separate_servers() {
    let with_roles = |roles: &'static str| {
        move |config: &mut server::Config| config.roles = roles.parse().unwrap()
    };
    let api = TestServer::start_with(with_roles("api,tpas,web")).await;
    let scheduler = api.replica(2, with_roles("scheduler,tpas")).await;
    let request = api.order(&json!({ "title": "x" })).await.expect(201);
    api.run_background_tasks().await;
    assert_eq!(api.show(id_of(&request)).await["status"], "pending");
    scheduler.run_background_tasks().await;
    assert_eq!(api.show(id_of(&request)).await["status"], "scheduled");
    scheduler.get(TESTS).send().await.expect_error(404, "RESOURCE_NOT_FOUND");
}
