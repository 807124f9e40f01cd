//! `kill -9`, under load: nothing acknowledged is lost, nothing is doubled, no idempotency key is
//! blocked (§4, §5, §9).

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use client::{ListQuery, WorkspaceApi};
use futures_util::future::join_all;
use tokio::sync::Notify;
use wire::production_test::{CreateProductionTest, ItemType, ListItem};

use crate::process::Process;

const APP: &str = "FK5b0KSM";
const CLIENTS: usize = 16;
const ROUNDS: usize = 4;

/// How many orders are acknowledged before the process is killed, in each round another number.
const ACKNOWLEDGED: [usize; ROUNDS] = [1, 40, 150, 300];

fn order(title: &str) -> CreateProductionTest {
    CreateProductionTest { title: title.to_owned(), ..CreateProductionTest::default() }
}

/// What the clients know: each key that they have sent, and the request's id if they were told.
type Sent = HashMap<String, Option<String>>;

/// Orders under new keys, one after the other, until the server is gone.
async fn order_until_it_dies(
    api: WorkspaceApi,
    name: String,
    acknowledged: Arc<AtomicUsize>,
    news: Arc<Notify>,
) -> Sent {
    let mut sent = Sent::new();
    for number in 0.. {
        let key = format!("{name}-{number}");
        let answer = api.create_production_test(APP, &order(&key), Some(&key)).await;
        let id = answer.as_ref().ok().map(|created| created.request.id.clone());
        let is_gone = id.is_none();
        sent.insert(key, id);
        if is_gone {
            break;
        }
        acknowledged.fetch_add(1, Ordering::SeqCst);
        news.notify_one();
    }
    sent
}

/// Lets many clients order, and kills the server when enough has been acknowledged.
async fn kill_under_load(data_dir: &Path, round: usize) -> Sent {
    let server = Process::serve(data_dir, &[]);
    let (acknowledged, news) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let name = format!("round-{round}-client-{client}");
            tokio::spawn(order_until_it_dies(
                server.api(data_dir),
                name,
                acknowledged.clone(),
                news.clone(),
            ))
        })
        .collect();
    while acknowledged.load(Ordering::SeqCst) < ACKNOWLEDGED[round] {
        news.notified().await;
    }
    server.kill();
    join_all(clients).await.into_iter().flat_map(Result::unwrap).collect()
}

async fn list(api: &WorkspaceApi) -> Vec<ListItem> {
    api.production_tests(APP, &ListQuery::default()).await.unwrap().items
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_loses_nothing_doubles_nothing_and_blocks_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let mut sent = Sent::new();
    for round in 0..ROUNDS {
        sent.extend(kill_under_load(folder.path(), round).await);
    }

    let server = Process::serve(folder.path(), &[]);
    let api = server.api(folder.path());
    let mut ids = HashSet::new();
    for (key, acknowledged) in &sent {
        let repeated = api
            .create_production_test(APP, &order(key), Some(key))
            .await
            .expect("no key is blocked");
        if let Some(id) = acknowledged {
            assert_eq!(
                (&repeated.request.id, repeated.is_replay),
                (id, true),
                "{key} was acknowledged"
            );
        }
        assert!(ids.insert(repeated.request.id), "{key} shares its request with another key");
    }
    assert_eq!(list(&api).await.len(), sent.len(), "as many requests as keys");

    let challenges = loop {
        let items = list(&api).await;
        if items.iter().all(|item| item.kind == ItemType::Challenge) {
            break items;
        }
    };
    let challenge_ids: HashSet<String> =
        challenges.into_iter().map(|item| item.challenge.unwrap().id).collect();
    server.kill();
    let tpas = rusqlite::Connection::open(folder.path().join("tpas.sqlite3")).unwrap();
    let made: u32 =
        tpas.query_row("SELECT COUNT(*) FROM challenges", (), |row| row.get(0)).unwrap();
    assert_eq!(
        (challenge_ids.len(), made as usize),
        (sent.len(), sent.len()),
        "each request has exactly one challenge"
    );
}
