//! Connections, and the settings of each.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error::cause;
use super::session::{self, Session, SessionError};
use super::{PostgresOptions, tls};
use crate::OpenError;

/// After this time without an answer, the server is considered unreachable.
const DEAD_CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);

/// The driver's default for the time before the first keepalive. The URL can override it.
const DEFAULT_KEEPALIVES_IDLE: Duration = Duration::from_hours(2);

/// How long the server keeps an idle transaction. Ours are never idle, so this releases the locks
/// of a process that was cut off.
const IDLE_TRANSACTION_TIMEOUT: Duration = Duration::from_secs(2);

/// Opens connections to a store's schema.
#[derive(Clone)]
pub(crate) struct Connector {
    pub(super) config: Config,
    pub(super) tls: MakeRustlsConnect,
    pub(super) session: Session,
    /// The display name: host, database and schema.
    pub(crate) name: String,
}

/// An index serves each query of the stores. Without these settings the server plans for empty
/// tables, and keeps reading whole tables with those plans while they grow. It also plans again for
/// each number of rows.
const PLANNER_SETTINGS: [(&str, &str); 4] = [
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
];

impl Connector {
    /// For queries. The server aborts a statement after the timeout, as this side does.
    pub(super) fn for_queries(options: &PostgresOptions, schema: &str) -> Result<Self, OpenError> {
        Self::new(options, schema, options.timeout)
    }

    /// For the writer: as for queries, but only a transaction that was begun can write.
    pub(super) fn for_writes(options: &PostgresOptions, schema: &str) -> Result<Self, OpenError> {
        let connector = Self::for_queries(options, schema)?;
        Ok(Self { session: connector.session.guarded(), ..connector })
    }

    /// For migrations and copies, which have no time limit.
    pub(crate) fn for_migrations(
        options: &PostgresOptions,
        schema: &str,
    ) -> Result<Self, OpenError> {
        Self::new(options, schema, Duration::ZERO)
    }

    fn new(
        options: &PostgresOptions,
        schema: &str,
        statement_limit: Duration,
    ) -> Result<Self, OpenError> {
        let name = format!("{}, schema {schema}", options.url);
        let tls = tls::connector(&options.url.tls).map_err(|error| OpenError::Server {
            database: name.clone(),
            cause: error.to_string(),
        })?;
        let mut config = options.url.config.clone();
        if config.get_application_name().is_none() {
            config.application_name("fieldtest");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(options.timeout);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(DEAD_CONNECTION_TIMEOUT);
        }
        if config.get_keepalives_idle() == DEFAULT_KEEPALIVES_IDLE {
            config.keepalives_idle(DEAD_CONNECTION_TIMEOUT);
        }
        let session = session_of(schema, statement_limit, &options.url.settings);
        Ok(Self { config, tls, session, name })
    }

    /// Opens a connection. Returns it with the task that drives it.
    pub(crate) async fn connect(&self) -> Result<(Client, JoinHandle<()>), OpenError> {
        self.connect_session().await.map_err(|error| self.refused(&error))
    }

    /// As [`Connector::connect`], with an error that can be told apart.
    pub(super) async fn connect_session(&self) -> Result<(Client, JoinHandle<()>), SessionError> {
        let (client, connection) = self.config.connect(self.tls.clone()).await?;
        let driver = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = cause(&error), "a connection to the database broke");
            }
        });
        self.session.begin(&client).await?;
        Ok((client, driver))
    }

    /// Refuses a pooler that does not keep sessions, before anything is made. `client` is a
    /// connection of this connector.
    pub(super) async fn check_pooling(&self, client: &Client) -> Result<(), SessionError> {
        let (other, _driver) = self.connect_session().await?;
        session::refuse_shared_backends(client, &other).await
    }

    pub(super) fn refused(&self, error: &SessionError) -> OpenError {
        OpenError::Server { database: self.name.clone(), cause: error.to_string() }
    }
}

fn session_of(
    schema: &str,
    statement_limit: Duration,
    url_options: &[(String, String)],
) -> Session {
    let is_limited = !statement_limit.is_zero();
    let idle_limit = if is_limited { IDLE_TRANSACTION_TIMEOUT } else { Duration::ZERO };
    let mut settings = vec![
        ("search_path", schema.to_owned()),
        ("default_transaction_isolation", "read committed".to_owned()),
        ("synchronous_commit", "on".to_owned()),
        ("statement_timeout", statement_limit.as_millis().to_string()),
        ("idle_in_transaction_session_timeout", idle_limit.as_millis().to_string()),
    ];
    if is_limited {
        settings.extend(PLANNER_SETTINGS.map(|(name, value)| (name, value.to_owned())));
    }
    Session::new(&settings, url_options)
}
