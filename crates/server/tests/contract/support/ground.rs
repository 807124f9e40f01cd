//! What a site stands on: a folder and, where the suite runs on PostgreSQL, a database of its own.
//!
//! The suite is the same on both engines. `FIELDTEST_TEST_POSTGRES` names a server of the tests'
//! own; without it, SQLite it is.

use std::path::Path;
use std::sync::Arc;

use server::Config;
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// The URL of a database in which other databases can be made.
const SERVER: &str = "FIELDTEST_TEST_POSTGRES";

/// One of the two stores.
#[derive(Clone, Copy)]
pub(crate) enum Tables {
    Connect,
    Tpas,
}

#[derive(Clone)]
pub(crate) struct Ground {
    folder: Arc<TempDir>,
    /// The URL of the database, if it is PostgreSQL's.
    database: Option<String>,
}

impl Ground {
    /// An empty one.
    pub(crate) async fn new() -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let Ok(server) = std::env::var(SERVER) else { return Self { folder, database: None } };
        // The operating system makes sure that no two folders have the same name.
        let name =
            format!("test_{}", hex::encode(folder.path().file_name().unwrap().as_encoded_bytes()));
        connect(&server).await.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        let (place, query) = server.split_once('?').unwrap_or((&server, ""));
        let (host, _) = place.rsplit_once('/').unwrap();
        Self { folder, database: Some(format!("{host}/{name}?{query}")) }
    }

    /// A folder of its own beside a database that is there already.
    pub(crate) fn beside(database: String) -> Self {
        Self { folder: Arc::new(tempfile::tempdir().unwrap()), database: Some(database) }
    }

    /// The same database, seen from another machine: with a folder of its own.
    pub(crate) fn elsewhere(&self) -> Self {
        Self { folder: Arc::new(tempfile::tempdir().unwrap()), database: self.database.clone() }
    }

    /// The URL of the database, in tests that run on PostgreSQL only.
    pub(crate) fn database(&self) -> &str {
        self.database
            .as_deref()
            .expect("run this with cargo xtask test, which starts a PostgreSQL for it")
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A configuration on this ground, on any free port, with the defaults for the rest.
    pub(crate) fn config(&self) -> Config {
        Config {
            listen: "127.0.0.1:0".parse().unwrap(),
            data_dir: self.path().to_owned(),
            database_url: self.database.as_ref().map(|url| url.parse().unwrap()),
            ..Config::default()
        }
    }

    /// What a query finds in a store's tables, in the form in which the engine prints it.
    pub(crate) async fn rows(&self, tables: Tables, sql: &str) -> Vec<Vec<Option<String>>> {
        match &self.database {
            None => self.file(tables).rows(sql),
            Some(url) => postgres_rows(&in_schema(url, tables).await, sql).await,
        }
    }

    /// The first value of the first row.
    pub(crate) async fn value(&self, tables: Tables, sql: &str) -> Option<String> {
        self.rows(tables, sql).await.remove(0).remove(0)
    }

    /// Keeps everybody else from ordering, until the result is dropped.
    pub(crate) async fn lock_orders(&self) -> Lock {
        self.lock("challenge_requests").await
    }

    /// Keeps everybody else from writing to a table of orders, keys and apps, until the result is
    /// dropped.
    pub(crate) async fn lock(&self, table: &str) -> Lock {
        match &self.database {
            None => {
                let SqliteFile(connection) = self.file(Tables::Connect);
                connection.execute_batch("BEGIN IMMEDIATE").unwrap();
                Lock::Sqlite(connection)
            }
            Some(url) => {
                let client = in_schema(url, Tables::Connect).await;
                let lock = format!("BEGIN; LOCK TABLE {table} IN EXCLUSIVE MODE");
                client.batch_execute(&lock).await.unwrap();
                Lock::Postgres(client)
            }
        }
    }

    /// A connection of the test's own to a store's tables, in tests that run on PostgreSQL only.
    pub(crate) async fn session(&self, tables: Tables) -> Client {
        in_schema(self.database(), tables).await
    }

    /// Everything that is stored anywhere.
    pub(crate) async fn everything(&self) -> Vec<u8> {
        let mut everything = Vec::new();
        for file in std::fs::read_dir(self.path()).unwrap() {
            everything.extend(std::fs::read(file.unwrap().path()).unwrap());
        }
        if self.database.is_some() {
            for table in ["challenges", "participations", "stamp_claims", "idempotency_records"] {
                let rows = self
                    .rows(Tables::Tpas, &format!("SELECT row_to_json({table}) FROM {table}"))
                    .await;
                everything.extend(rows.concat().into_iter().flatten().flat_map(String::into_bytes));
            }
        }
        everything
    }

    fn file(&self, tables: Tables) -> SqliteFile {
        let name = match tables {
            Tables::Connect => "connect.sqlite3",
            Tables::Tpas => "tpas.sqlite3",
        };
        SqliteFile(rusqlite::Connection::open(self.path().join(name)).unwrap())
    }
}

struct SqliteFile(rusqlite::Connection);

impl SqliteFile {
    fn rows(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        use rusqlite::types::Value;
        let mut statement = self.0.prepare(sql).unwrap();
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
}

/// Held by somebody else, until it is dropped.
#[expect(dead_code, reason = "what it holds is let go of when it is dropped")]
pub(crate) enum Lock {
    Sqlite(rusqlite::Connection),
    Postgres(Client),
}

async fn postgres_rows(client: &Client, sql: &str) -> Vec<Vec<Option<String>>> {
    let messages = client.simple_query(sql).await.unwrap();
    let rows = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    rows.map(|row| (0..row.len()).map(|index| row.get(index).map(str::to_owned)).collect())
        .collect()
}

async fn in_schema(url: &str, tables: Tables) -> Client {
    let client = connect(url).await;
    let schema = match tables {
        Tables::Connect => "fieldtest_connect",
        Tables::Tpas => "fieldtest_tpas",
    };
    client.batch_execute(&format!("SET search_path = {schema}")).await.unwrap();
    client
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
