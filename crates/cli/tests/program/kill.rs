//! SIGKILL under load: no acknowledged order is lost or doubled, and no idempotency key is blocked
//! (§4, §5, §9).

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use client::{ListQuery, WorkspaceApi};
use futures_util::future::join_all;
use tokio::sync::Notify;
use wire::production_test::{CreateProductionTest, ItemType, ListItem};

use crate::server::{serve, workspace_api};

const APP: &str = "FK5b0KSM";
const CLIENTS: usize = 16;
const ROUNDS: usize = 4;

/// How many orders are acknowledged before the process is killed, for each round.
const ACKNOWLEDGED: [usize; ROUNDS] = [1, 40, 150, 300];

fn order(title: &str) -> CreateProductionTest {
    CreateProductionTest { title: title.to_owned(), ..CreateProductionTest::default() }
}

/// Each idempotency key that was sent, and the request's id if the order was acknowledged.
type Sent = HashMap<String, Option<String>>;

/// Orders with new keys, one after the other, until the server is killed.
async fn order_until_killed(
    api: WorkspaceApi,
    name: String,
    acknowledged: Arc<AtomicUsize>,
    notify: Arc<Notify>,
) -> Sent {
    let mut sent = Sent::new();
    for number in 0.. {
        let key = format!("{name}-{number}");
        let answer = api.create_production_test(APP, &order(&key), Some(&key)).await;
        let id = answer.as_ref().ok().map(|created| created.request.id.clone());
        let is_killed = id.is_none();
        sent.insert(key, id);
        if is_killed {
            break;
        }
        acknowledged.fetch_add(1, Ordering::SeqCst);
        notify.notify_one();
    }
    sent
}

/// Orders with many clients, and kills the server after enough acknowledgements.
async fn kill_under_load(data_dir: &Path, round: usize) -> Sent {
    let server = serve(data_dir, &[]);
    let (acknowledged, notify) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let name = format!("round-{round}-client-{client}");
            tokio::spawn(order_until_killed(
                workspace_api(&server),
                name,
                acknowledged.clone(),
                notify.clone(),
            ))
        })
        .collect();
    while acknowledged.load(Ordering::SeqCst) < ACKNOWLEDGED[round] {
        notify.notified().await;
    }
    server.kill();
    join_all(clients).await.into_iter().flat_map(Result::unwrap).collect()
}

async fn list(api: &WorkspaceApi) -> Vec<ListItem> {
    api.production_tests(APP, &ListQuery::default()).await.unwrap().items
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_loses_and_doubles_no_order_and_blocks_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let mut sent = Sent::new();
    for round in 0..ROUNDS {
        sent.extend(kill_under_load(folder.path(), round).await);
    }

    let server = serve(folder.path(), &[]);
    let api = workspace_api(&server);
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
    let count: u32 =
        tpas.query_row("SELECT COUNT(*) FROM challenges", (), |row| row.get(0)).unwrap();
    assert_eq!(
        (challenge_ids.len(), count as usize),
        (sent.len(), sent.len()),
        "each request has exactly one challenge"
    );
}
