//! Replicas that are killed at random, a database that crashes: every acknowledged order becomes
//! exactly one challenge, one key is one order, no stamp is granted twice or too often (§4, §9,
//! §10).

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

/// After how many answers the next disaster comes.
const PACE: usize = 40;

/// Counts what clients and testers were answered, so that disasters come while they are busy.
#[derive(Clone, Default)]
struct Progress {
    answers: Arc<AtomicUsize>,
    gone: Arc<AtomicUsize>,
    news: Arc<Notify>,
}

/// A client or a tester that is still busy. It is gone when this is dropped, by a panic too.
struct Busy(Progress);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.gone.fetch_add(1, Ordering::SeqCst);
        self.0.news.notify_one();
    }
}

impl Progress {
    fn one_more(&self) {
        self.answers.fetch_add(1, Ordering::SeqCst);
        self.news.notify_one();
    }

    fn is_over(&self) -> bool {
        self.gone.load(Ordering::SeqCst) == CLIENTS + TESTERS
    }

    /// Waits until there were so many answers, or everybody is gone.
    async fn reach(&self, answers: usize) {
        while self.answers.load(Ordering::SeqCst) < answers && !self.is_over() {
            self.news.notified().await;
        }
    }
}

fn order(title: &str, max_stamps: Option<u32>) -> CreateProductionTest {
    CreateProductionTest { title: title.to_owned(), max_stamps, ..CreateProductionTest::default() }
}

/// Orders under a key until it is acknowledged: as a client does that wants its order, whatever
/// happens.
async fn insist(api: &WorkspaceApi, title: &str, max_stamps: Option<u32>) -> String {
    loop {
        if let Ok(created) =
            api.create_production_test(APP, &order(title, max_stamps), Some(title)).await
        {
            return created.request.id;
        }
        tokio::task::yield_now().await;
    }
}

/// Each key, and the request that was acknowledged for it.
async fn client(api: WorkspaceApi, name: usize, progress: Progress) -> Vec<(String, String)> {
    let (progress, mut acknowledged) = (Busy(progress), Vec::new());
    for number in 0..ORDERS_EACH {
        let key = format!("client {name} order {number}");
        // Now and then twice at once, as impatient clients do.
        let (once, again) = tokio::join!(insist(&api, &key, None), async {
            if number % 5 == 0 { Some(insist(&api, &key, None).await) } else { None }
        });
        assert!(again.is_none_or(|again| again == once), "{key} made two requests");
        acknowledged.push((key, once));
        progress.0.one_more();
    }
    acknowledged
}

/// Joins and is verified, trying again when nobody answers; what came of it, unless it was too late
/// to join.
async fn tester(
    url: String,
    challenge: String,
    number: usize,
    progress: Progress,
) -> Option<ParticipationStatus> {
    let progress = Busy(progress);
    let person = SimulateVerification::Completed { subject: format!("person {number}") };
    let wish = JoinChallenge { provider_id: "bankidse".into(), platform: Platform::Ios };
    let tester = Tester::new(&url).unwrap();
    let outcome = loop {
        match tester.join(&challenge, &wish).await {
            Ok(started) => {
                break Some(
                    verified(&tester, &started.participation.verification_url, &person).await,
                );
            }
            Err(ClientError::ErrorResponse { status: 409, .. }) => break None,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    progress.0.one_more();
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

/// Waits until every order is a challenge.
async fn challenges(api: &WorkspaceApi) -> Vec<ListItem> {
    loop {
        let items = list(api).await;
        if items.iter().all(|item| item.kind == ItemType::Challenge) {
            return items;
        }
    }
}

/// One disaster after the other, at random, until everybody is gone.
async fn disasters(mut fleet: Fleet, progress: Progress) -> Fleet {
    let chance = SeededRandomness::from_seed(7);
    for number in 1.. {
        progress.reach(number * PACE).await;
        if progress.is_over() {
            return fleet;
        }
        // A process's start waits for its first line.
        fleet = tokio::task::spawn_blocking({
            let random = usize::try_from(chance.number() % 1000).unwrap();
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
async fn whatever_dies_nothing_acknowledged_is_lost_or_doubled_and_no_stamp_is_one_too_many() {
    let fleet = Fleet::start().await;
    let (api, tpas_url) = (fleet.api(), fleet.tpas_url.clone());
    let progress = Progress::default();
    insist(&api, "hot", Some(STAMPS)).await;
    let hot = challenges(&api).await.remove(0).challenge.unwrap().id;

    let clients: Vec<_> = (0..CLIENTS)
        .map(|name| tokio::spawn(client(fleet.api(), name, progress.clone())))
        .collect();
    let testers: Vec<_> = (0..TESTERS)
        .map(|number| tokio::spawn(tester(tpas_url.clone(), hot.clone(), number, progress.clone())))
        .collect();
    let fleet = disasters(fleet, progress).await;

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
    let made: Vec<String> =
        challenges(&api).await.into_iter().map(|item| item.challenge.unwrap().id).collect();
    assert_eq!(
        made.len(),
        CLIENTS * ORDERS_EACH + 1,
        "each acknowledged order became a challenge, and nothing else did"
    );
    let count = |sql: &str| fleet.cluster.psql("fleet", sql).unwrap().trim().to_owned();
    assert_eq!(
        count("SELECT COUNT(*) FROM fieldtest_tpas.challenges"),
        made.len().to_string(),
        "exactly one each"
    );

    let outcomes: Vec<_> = join_all(testers).await.into_iter().map(Result::unwrap).collect();
    let told =
        outcomes.iter().filter(|outcome| **outcome == Some(ParticipationStatus::Claimed)).count();
    let granted = count("SELECT COUNT(*) FROM fieldtest_tpas.stamp_claims");
    assert_eq!(
        (told.to_string(), granted),
        (STAMPS.to_string(), STAMPS.to_string()),
        "{outcomes:?}"
    );
    let persons = count("SELECT COUNT(DISTINCT subject_hash) FROM fieldtest_tpas.stamp_claims");
    assert_eq!(persons, STAMPS.to_string(), "no person has two");
}
