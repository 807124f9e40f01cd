use std::collections::BTreeSet;
use std::time::Duration;

use db::{Database, Location, Schema, WriterMetrics};
use domain::api_key::SecretHash;
use domain::app::App;
use domain::idempotency::VALIDITY;
use domain::production_test::Payload;
use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::{
    CreateApp, CreateAppOutcome, CreateChallengeRequest, CreateOutcome, CreateWorkspace, SCHEMA,
    Workspace,
};

/// A store in a temporary folder, with an app that orders production tests.
struct TestStore {
    folder: TempDir,
    store: WorkspaceStore,
}

fn app() -> App {
    App {
        workspace_id: "org_test".parse().unwrap(),
        client_id: "client01".parse().unwrap(),
        name: "Example Bank".into(),
        enabled_providers: BTreeSet::new(),
        requested_providers: BTreeSet::new(),
        created_at: now(),
    }
}

fn now() -> Timestamp {
    "2026-04-08T10:00:00.000Z".parse().unwrap()
}

/// Creates the request with this number under this key, at this time.
fn create(number: u32, key: &str, now: Timestamp) -> CreateChallengeRequest {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&number.to_be_bytes());
    let payload = Payload {
        title: "BankID".into(),
        description: None,
        provider_ids: vec!["bankidse".parse().unwrap()],
        max_stamp_claims: 1,
        target_platform: None,
        allow_duplicate_participation: None,
        expires_at: None,
    };
    CreateChallengeRequest {
        request: ChallengeRequest::new(RequestId::from_bytes(id), &app(), payload, now).into(),
        idempotency: Some(Idempotency {
            key: IdempotencyKey::new(key).unwrap(),
            fingerprint: Fingerprint::from_bytes([7; 32]),
            expires_at: now.plus(VALIDITY),
        }),
        lease: None,
    }
}

async fn open(folder: &TempDir) -> WorkspaceStore {
    let location = Location::from(folder.path().to_owned());
    WorkspaceStore::open(&location, WriterMetrics::default()).await.unwrap()
}

impl TestStore {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder).await;
        let (id, name) = (app().workspace_id, "Example".into());
        let workspace = Workspace { id, name, created_at: now() };
        store.create_workspace(CreateWorkspace(workspace)).await.unwrap();
        let client_secret_hash = SecretHash::of("secret");
        let client_secret_preview = "****1a2b".into();
        let write = CreateApp { app: app(), client_secret_hash, client_secret_preview };
        assert_eq!(store.create_app(write).await.unwrap(), CreateAppOutcome::Created);
        Self { folder, store }
    }

    async fn reopen(self) -> Self {
        self.store.database().close().await;
        let store = open(&self.folder).await;
        Self { store, ..self }
    }

    fn connect(&self) -> Connection {
        connect(&self.folder)
    }

    /// The request that the key guards: the new one, or that of the record.
    async fn create(&self, write: CreateChallengeRequest) -> RequestId {
        let id = write.request.id;
        match self.store.create_challenge_request(write).await.unwrap() {
            CreateOutcome::Created => id,
            CreateOutcome::Replay(result) => result.request.unwrap().id,
            CreateOutcome::KeyConflict => panic!("the key was used for another request"),
        }
    }

    async fn prune(&self, now: Timestamp, limit: u32) -> u64 {
        self.store.prune_idempotency_records(PruneIdempotencyRecords { now, limit }).await.unwrap()
    }
}

fn connect(folder: &TempDir) -> Connection {
    Connection::open(folder.path().join(SCHEMA.file)).unwrap()
}

fn count(connection: &Connection, table: &str) -> i64 {
    let sql = format!("SELECT COUNT(*) FROM {table}");
    connection.query_row(&sql, (), |row| row.get(0)).unwrap()
}

/// Deletes the record of the first key and compacts the file, which renumbers bare rowids.
fn delete_first_record_and_vacuum(connection: &Connection) {
    connection.execute("DELETE FROM idempotency_records WHERE key = 'K1'", ()).unwrap();
    connection.execute_batch("VACUUM").unwrap();
}

#[test]
fn the_day_in_the_query_is_the_validity_of_a_key() {
    assert_eq!(VALIDITY.as_millis(), 86_400_000);
    assert!(RECORDS.claim.text().contains("- 86400000"));
}

#[tokio::test]
async fn a_key_is_replayed_after_the_closed_file_was_compacted() {
    let test = TestStore::new().await;
    test.create(create(1, "K1", now())).await;
    let second = test.create(create(2, "K2", now())).await;
    test.store.database().close().await;
    delete_first_record_and_vacuum(&test.connect());
    let test = test.reopen().await;
    assert_eq!(test.create(create(3, "K2", now())).await, second);
    assert_eq!(count(&test.connect(), "challenge_requests"), 2);
}

#[tokio::test]
async fn a_key_is_replayed_after_the_open_file_was_compacted() {
    let test = TestStore::new().await;
    test.create(create(1, "K1", now())).await;
    let second = test.create(create(2, "K2", now())).await;
    delete_first_record_and_vacuum(&test.connect());
    assert_eq!(test.create(create(3, "K2", now())).await, second);
    // The ids of new records do not collide with those in the index.
    let third = test.create(create(4, "K3", now())).await;
    assert_eq!(test.create(create(5, "K3", now())).await, third);
    assert_eq!(test.create(create(6, "K2", now())).await, second);
    assert_eq!(count(&test.connect(), "challenge_requests"), 3);
}

#[tokio::test]
async fn expired_records_are_pruned_behind_a_record_of_a_fast_clock() {
    const EXPIRED: u32 = 10_000;
    const LIMIT: u32 = 1000;
    let test = TestStore::new().await;
    let fast_clock = now().plus(2 * VALIDITY);
    let first = test.create(create(0, "fast", fast_clock)).await;
    let writes = (1..=EXPIRED).map(|number| create(number, &format!("K{number}"), now()));
    let outcomes = test.store.database().write_all(writes.collect()).await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(CreateOutcome::Created))));

    let before = now().plus(VALIDITY - Duration::from_millis(1));
    assert_eq!(test.prune(before, LIMIT).await, 0);
    let after = now().plus(VALIDITY);
    for _ in 0..EXPIRED / LIMIT {
        assert_eq!(test.prune(after, LIMIT).await, u64::from(LIMIT));
    }
    assert_eq!(test.prune(after, LIMIT).await, 0);
    assert_eq!(count(&test.connect(), "idempotency_records"), 1);

    // The unexpired key is still claimed, and a pruned one is free.
    let again = create(EXPIRED + 1, "fast", fast_clock);
    assert_eq!(test.create(again).await, first);
    let reused = create(EXPIRED + 2, "K1", after);
    let id = reused.request.id;
    assert_eq!(test.create(reused).await, id);
}

/// The newest version without an `id` in the table of records on SQLite.
static SCHEMA_V11: Schema =
    Schema { migrations: SCHEMA.migrations.split_at(11).0, appended_keys: None, ..SCHEMA };

#[tokio::test]
async fn keys_of_the_previous_schema_version_are_replayed_after_the_upgrade() {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::from(folder.path().to_owned());
    let old = Database::open(&location, &SCHEMA_V11, WriterMetrics::default()).await.unwrap();
    old.close().await;
    let connection = connect(&folder);
    connection
        .execute_batch(
            "INSERT INTO workspaces (id, name, created_at) VALUES ('org_test', 'Example', 1);
            INSERT INTO apps (workspace_id, client_id, name, client_secret_hash,
                client_secret_preview, created_at, updated_at)
            VALUES ('org_test', 'client01', 'Example Bank', x'00', '****1a2b', 1, 1);",
        )
        .unwrap();
    for number in 1..=3 {
        insert_as_v11(&connection, &create(number, &format!("K{number}"), now()));
    }
    // The rowids have a gap.
    connection.execute("DELETE FROM idempotency_records WHERE key = 'K1'", ()).unwrap();
    drop(connection);

    let store = open(&folder).await;
    let test = TestStore { folder, store };
    for number in 2..=3 {
        let key = format!("K{number}");
        let id = create(number, &key, now()).request.id;
        assert_eq!(test.create(create(10 + number, &key, now())).await, id);
    }
    assert_eq!(count(&test.connect(), "challenge_requests"), 3);
}

/// Stores a request and its record in the tables of version 11.
fn insert_as_v11(connection: &Connection, write: &CreateChallengeRequest) {
    let (id, idempotency) = (write.request.id, write.idempotency.as_ref().unwrap());
    connection
        .execute(
            "INSERT INTO challenge_requests (workspace_id, client_id, id, host_name, title,
                provider_ids, max_stamp_claims, status, attempts, next_attempt_at, give_up_at,
                created_at, updated_at)
            VALUES ('org_test', 'client01', ?1, 'Example Bank', 'BankID', '[\"bankidse\"]', 1,
                'pending', 0, 1, 1, 1, 1)",
            [id.as_bytes()],
        )
        .unwrap();
    connection
        .execute(
            "INSERT INTO idempotency_records (workspace_id, key, fingerprint, client_id,
                request_id, expires_at)
            VALUES ('org_test', ?1, ?2, 'client01', ?3, ?4)",
            rusqlite::params![
                idempotency.key.as_str(),
                idempotency.fingerprint.as_bytes(),
                id.as_bytes(),
                idempotency.expires_at.as_millis(),
            ],
        )
        .unwrap();
}
