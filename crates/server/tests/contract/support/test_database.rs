//! The data of a test's servers: a folder and, where the suite runs on PostgreSQL, a database.
//!
//! The suite is the same on both engines. `FIELDTEST_TEST_POSTGRES` is the URL of a PostgreSQL
//! server on which databases can be created; without it the suite runs on SQLite.

use std::path::Path;
use std::sync::Arc;

use server::Config;
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

const POSTGRES_SERVER: &str = "FIELDTEST_TEST_POSTGRES";

/// One of the two stores.
#[derive(Clone, Copy)]
pub(crate) enum Store {
    Workspace,
    Challenge,
}

impl Store {
    /// The name of its SQLite file.
    pub(crate) fn file(self) -> &'static str {
        match self {
            Self::Workspace => "connect.sqlite3",
            Self::Challenge => "tpas.sqlite3",
        }
    }

    /// The name of its PostgreSQL schema.
    pub(crate) fn schema(self) -> &'static str {
        match self {
            Self::Workspace => "fieldtest_connect",
            Self::Challenge => "fieldtest_tpas",
        }
    }
}

/// Rows as text, in the form in which the engine prints them.
pub(crate) type Rows = Vec<Vec<Option<String>>>;

/// Clones share the folder and the database.
#[derive(Clone)]
pub(crate) struct TestDatabase {
    data_dir: Arc<TempDir>,
    /// The URL of the PostgreSQL database; `None` on SQLite.
    url: Option<String>,
}

impl TestDatabase {
    /// An empty folder and, on PostgreSQL, an empty database.
    pub(crate) async fn new() -> Self {
        let data_dir = Arc::new(tempfile::tempdir().unwrap());
        let Ok(server) = std::env::var(POSTGRES_SERVER) else {
            return Self { data_dir, url: None };
        };
        // The name of a temporary folder is unique on this machine.
        let folder = data_dir.path().file_name().unwrap();
        let name = format!("test_{}", hex::encode(folder.as_encoded_bytes()));
        connect(&server).await.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        let (address, query) = server.split_once('?').unwrap_or((&server, ""));
        let (host, _) = address.rsplit_once('/').unwrap();
        Self { data_dir, url: Some(format!("{host}/{name}?{query}")) }
    }

    /// An empty folder and a PostgreSQL database that exists already.
    pub(crate) fn at(url: String) -> Self {
        Self { data_dir: Arc::new(tempfile::tempdir().unwrap()), url: Some(url) }
    }

    /// The same PostgreSQL database, with an empty folder.
    pub(crate) fn on_another_machine(&self) -> Self {
        Self::at(self.url().to_owned())
    }

    /// The URL of the database, in tests that run on PostgreSQL only.
    pub(crate) fn url(&self) -> &str {
        self.url.as_deref().expect("only `cargo xtask test` runs this test: it starts a PostgreSQL")
    }

    pub(crate) fn data_dir(&self) -> &Path {
        self.data_dir.path()
    }

    /// The configuration of a server with this data on a free port; the rest has its default.
    pub(crate) fn config(&self) -> Config {
        Config {
            listen: "127.0.0.1:0".parse().unwrap(),
            data_dir: self.data_dir().to_owned(),
            database_url: self.url.as_ref().map(|url| url.parse().unwrap()),
            ..Config::default()
        }
    }

    /// Runs SQL in a store; the rows that it returns.
    pub(crate) async fn rows(&self, store: Store, sql: &str) -> Rows {
        if self.url.is_none() {
            return sqlite_rows(&self.sqlite(store), sql);
        }
        postgres_rows(&self.connection(store).await, sql).await
    }

    /// Runs SQL in a store; the first value of the first row.
    pub(crate) async fn value(&self, store: Store, sql: &str) -> Option<String> {
        self.rows(store, sql).await.remove(0).remove(0)
    }

    /// Runs SQL in a store that returns one row with one number.
    pub(crate) async fn number(&self, store: Store, sql: &str) -> usize {
        self.value(store, sql).await.unwrap().parse().unwrap()
    }

    /// The number of rows of a table; a condition may follow its name.
    pub(crate) async fn count(&self, store: Store, table: &str) -> usize {
        self.number(store, &format!("SELECT COUNT(*) FROM {table}")).await
    }

    /// Whether this text stands in any column of a table of the workspace store.
    pub(crate) async fn contains(&self, table: &str, text: &str) -> bool {
        let rows = self.rows(Store::Workspace, &format!("SELECT * FROM {table}")).await;
        assert!(!rows.is_empty(), "{table} is empty");
        rows.concat().into_iter().flatten().any(|value| value.contains(text))
    }

    /// Keeps all others from writing to a table of the workspace store (on SQLite: to any), until
    /// the lock is dropped.
    pub(crate) async fn lock(&self, table: &str) -> Lock {
        if self.url.is_none() {
            let connection = self.sqlite(Store::Workspace);
            connection.execute_batch("BEGIN IMMEDIATE").unwrap();
            return Lock::Sqlite(connection);
        }
        let client = self.connection(Store::Workspace).await;
        let lock = format!("BEGIN; LOCK TABLE {table} IN EXCLUSIVE MODE");
        client.batch_execute(&lock).await.unwrap();
        Lock::Postgres(client)
    }

    /// Keeps all others from storing orders, until the lock is dropped.
    pub(crate) async fn lock_orders(&self) -> Lock {
        self.lock("challenge_requests").await
    }

    /// A connection to a store, in tests that run on PostgreSQL only.
    pub(crate) async fn connection(&self, store: Store) -> Client {
        let client = connect(self.url()).await;
        let set = format!("SET search_path = {}", store.schema());
        client.batch_execute(&set).await.unwrap();
        client
    }

    /// All bytes of the data directory and, on PostgreSQL, all rows of the challenge store.
    pub(crate) async fn dump(&self) -> Vec<u8> {
        let mut dump = Vec::new();
        for file in std::fs::read_dir(self.data_dir()).unwrap() {
            dump.extend(std::fs::read(file.unwrap().path()).unwrap());
        }
        if self.url.is_some() {
            for table in ["challenges", "participations", "stamp_claims", "idempotency_records"] {
                let sql = format!("SELECT row_to_json({table}) FROM {table}");
                let rows = self.rows(Store::Challenge, &sql).await;
                dump.extend(rows.concat().into_iter().flatten().flat_map(String::into_bytes));
            }
        }
        dump
    }

    fn sqlite(&self, store: Store) -> rusqlite::Connection {
        rusqlite::Connection::open(self.data_dir().join(store.file())).unwrap()
    }
}

/// A transaction that holds a lock. Dropping it rolls the transaction back.
#[expect(dead_code, reason = "the connections are held, not used")]
pub(crate) enum Lock {
    Sqlite(rusqlite::Connection),
    Postgres(Client),
}

/// Runs SQL in a SQLite file; the rows that it returns.
pub(super) fn sqlite_rows(connection: &rusqlite::Connection, sql: &str) -> Rows {
    use rusqlite::types::Value;
    let mut statement = connection.prepare(sql).unwrap();
    let width = statement.column_count();
    let text = |value: Value| match value {
        Value::Null => None,
        Value::Integer(number) => Some(number.to_string()),
        Value::Real(number) => Some(number.to_string()),
        Value::Text(text) => Some(text),
        Value::Blob(bytes) => Some(format!("\\x{}", hex::encode(bytes))),
    };
    statement
        .query_map((), |row| (0..width).map(|index| row.get(index).map(text)).collect())
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

async fn postgres_rows(client: &Client, sql: &str) -> Rows {
    let messages = client.simple_query(sql).await.unwrap();
    let rows = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    rows.map(|row| (0..row.len()).map(|index| row.get(index).map(str::to_owned)).collect())
        .collect()
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
