//! Replicas are killed at random and the database crashes: every acknowledged order becomes exactly
//! one challenge, an idempotency key is one order, and no stamp is granted twice or beyond the
//! limit (§4, §9, §10).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use client::{ClientError, ListQuery, Tester, WorkspaceApi};
use domain::{Randomness, SeededRandomness};
use futures_util::future::join_all;
use tokio::sync::Notify;
use wire::participation::{JoinChallenge, ParticipationStatus};
use wire::production_test::{CreateProductionTest, ItemType, ListItem, Platform};
use wire::verification::SimulateVerification;

use super::fleet::Fleet;

const APP: &str = "FK5b0KSM";
const CLIENTS: usize = 8;
const ORDERS_EACH: usize = 60;
const TESTERS: usize = 60;
const STAMPS: u32 = 10;

/// The number of responses between two faults.
const FAULT_INTERVAL: usize = 40;

/// Counts the responses to clients and testers, so that faults happen under load.
#[derive(Clone, Default)]
struct Progress {
    responses: Arc<AtomicUsize>,
    finished: Arc<AtomicUsize>,
    notify: Arc<Notify>,
}

/// Counts a client or a tester as finished when it is dropped, also by a panic.
struct FinishGuard(Progress);

impl Drop for FinishGuard {
    fn drop(&mut self) {
        self.0.finished.fetch_add(1, Ordering::SeqCst);
        self.0.notify.notify_one();
    }
}

impl Progress {
    fn count_response(&self) {
        self.responses.fetch_add(1, Ordering::SeqCst);
        self.notify.notify_one();
    }

    fn is_over(&self) -> bool {
        self.finished.load(Ordering::SeqCst) == CLIENTS + TESTERS
    }

    /// Waits for this number of responses, or until all clients and testers have finished.
    async fn reach(&self, responses: usize) {
        while self.responses.load(Ordering::SeqCst) < responses && !self.is_over() {
            self.notify.notified().await;
        }
    }
}

fn order(title: &str, max_stamps: Option<u32>) -> CreateProductionTest {
    CreateProductionTest { title: title.to_owned(), max_stamps, ..CreateProductionTest::default() }
}

/// Repeats an order with its title as the idempotency key until it is acknowledged. Returns the
/// request's id.
async fn order_until_acknowledged(
    api: &WorkspaceApi,
    title: &str,
    max_stamps: Option<u32>,
) -> String {
    loop {
        if let Ok(created) =
            api.create_production_test(APP, &order(title, max_stamps), Some(title)).await
        {
            return created.request.id;
        }
        tokio::task::yield_now().await;
    }
}

/// Orders as a client, and returns each key with the id of its request.
async fn client(api: WorkspaceApi, name: usize, progress: Progress) -> Vec<(String, String)> {
    let (progress, mut acknowledged) = (FinishGuard(progress), Vec::new());
    for number in 0..ORDERS_EACH {
        let key = format!("client {name} order {number}");
        // Every fifth order is sent twice concurrently.
        let (once, again) = tokio::join!(order_until_acknowledged(&api, &key, None), async {
            if number % 5 == 0 {
                Some(order_until_acknowledged(&api, &key, None).await)
            } else {
                None
            }
        });
        assert!(again.is_none_or(|again| again == once), "{key} made two requests");
        acknowledged.push((key, once));
        progress.0.count_response();
    }
    acknowledged
}

/// Joins and is verified, with retries. Returns the outcome, or `None` if the challenge was over.
async fn tester(
    url: String,
    challenge: String,
    number: usize,
    progress: Progress,
) -> Option<ParticipationStatus> {
    let progress = FinishGuard(progress);
    let person = SimulateVerification::Completed { subject: format!("person {number}") };
    let body = JoinChallenge { provider_id: "bankidse".into(), platform: Platform::Ios };
    let tester = Tester::new(&url).unwrap();
    let outcome = loop {
        match tester.join(&challenge, &body).await {
            Ok(started) => {
                break Some(
                    verified(&tester, &started.participation.verification_url, &person).await,
                );
            }
            Err(ClientError::ErrorResponse { status: 409, .. }) => break None,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    progress.0.count_response();
    outcome
}

async fn verified(
    tester: &Tester,
    url: &str,
    person: &SimulateVerification,
) -> ParticipationStatus {
    loop {
        if let Ok(played) = tester.simulate(url, person).await {
            return played.status;
        }
        tokio::task::yield_now().await;
    }
}

async fn list(api: &WorkspaceApi) -> Vec<ListItem> {
    loop {
        if let Ok(listed) = api.production_tests(APP, &ListQuery::default()).await {
            return listed.items;
        }
    }
}

/// Waits until every order has a challenge.
async fn challenges(api: &WorkspaceApi) -> Vec<ListItem> {
    loop {
        let items = list(api).await;
        if items.iter().all(|item| item.kind == ItemType::Challenge) {
            return items;
        }
    }
}

/// Injects one fault after the other until all clients and testers have finished.
async fn inject_faults(mut fleet: Fleet, progress: Progress) -> Fleet {
    let rng = SeededRandomness::from_seed(7);
    for number in 1.. {
        progress.reach(number * FAULT_INTERVAL).await;
        if progress.is_over() {
            return fleet;
        }
        // Starting a process blocks.
        fleet = tokio::task::spawn_blocking({
            let random = usize::try_from(rng.number() % 1000).unwrap();
            move || {
                match number % 4 {
                    0 => fleet.crash_database(),
                    2 => fleet.cut_connections(),
                    _ => fleet.replace(random % fleet.size()),
                }
                fleet
            }
        })
        .await
        .unwrap();
    }
    fleet
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_lose_and_double_no_order_and_grant_no_extra_stamp() {
    let fleet = Fleet::start().await;
    let (api, tpas_url) = (fleet.api(), fleet.tpas_url.clone());
    let progress = Progress::default();
    order_until_acknowledged(&api, "hot", Some(STAMPS)).await;
    let hot = challenges(&api).await.remove(0).challenge.unwrap().id;

    let clients: Vec<_> = (0..CLIENTS)
        .map(|name| tokio::spawn(client(fleet.api(), name, progress.clone())))
        .collect();
    let testers: Vec<_> = (0..TESTERS)
        .map(|number| tokio::spawn(tester(tpas_url.clone(), hot.clone(), number, progress.clone())))
        .collect();
    let fleet = inject_faults(fleet, progress).await;

    let acknowledged: HashMap<String, String> =
        join_all(clients).await.into_iter().flat_map(Result::unwrap).collect();
    let mut ids: Vec<&String> = acknowledged.values().collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), CLIENTS * ORDERS_EACH, "one request for each key");
    for (key, id) in &acknowledged {
        let repeated = api.create_production_test(APP, &order(key, None), Some(key)).await.unwrap();
        assert_eq!(
            (&repeated.request.id, repeated.is_replay),
            (id, true),
            "{key} was acknowledged"
        );
    }
    let challenge_ids: Vec<String> =
        challenges(&api).await.into_iter().map(|item| item.challenge.unwrap().id).collect();
    assert_eq!(
        challenge_ids.len(),
        CLIENTS * ORDERS_EACH + 1,
        "each acknowledged order has a challenge, and there are no others"
    );
    let count = |sql: &str| fleet.cluster.psql("fleet", sql).unwrap().trim().to_owned();
    assert_eq!(
        count("SELECT COUNT(*) FROM fieldtest_tpas.challenges"),
        challenge_ids.len().to_string(),
        "each order has exactly one challenge"
    );

    let outcomes: Vec<_> = join_all(testers).await.into_iter().map(Result::unwrap).collect();
    let claimed =
        outcomes.iter().filter(|outcome| **outcome == Some(ParticipationStatus::Claimed)).count();
    let granted = count("SELECT COUNT(*) FROM fieldtest_tpas.stamp_claims");
    assert_eq!(
        (claimed.to_string(), granted),
        (STAMPS.to_string(), STAMPS.to_string()),
        "{outcomes:?}"
    );
    let persons = count("SELECT COUNT(DISTINCT subject_hash) FROM fieldtest_tpas.stamp_claims");
    assert_eq!(persons, STAMPS.to_string(), "no person has two stamps");
}
