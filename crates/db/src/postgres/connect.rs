//! Connections, and the settings of each.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error::cause;
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
    /// The display name: host, database and schema.
    pub(crate) name: String,
}

/// An index serves each query of the stores. Without these settings the server plans for empty
/// tables, and keeps reading whole tables with those plans while they grow. It also plans again for
/// each number of rows.
const PLANNER_SETTINGS: &str = "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off \
     -c enable_hashjoin=off -c enable_mergejoin=off";

impl Connector {
    /// For queries. The server aborts a statement after the timeout, as this side does.
    pub(super) fn for_queries(options: &PostgresOptions, schema: &str) -> Result<Self, OpenError> {
        Self::new(options, schema, options.timeout)
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
        // Options in the URL come last, so they win.
        let url_options = config.get_options().unwrap_or_default().to_owned();
        let (idle_timeout, planner_settings) = if statement_limit.is_zero() {
            (Duration::ZERO, "")
        } else {
            (IDLE_TRANSACTION_TIMEOUT, PLANNER_SETTINGS)
        };
        config.options(format!(
            "-c search_path={schema} -c default_transaction_isolation=read\\ committed \
             -c synchronous_commit=on -c statement_timeout={} \
             -c idle_in_transaction_session_timeout={} {planner_settings} {url_options}",
            statement_limit.as_millis(),
            idle_timeout.as_millis(),
        ));
        Ok(Self { config, tls, name })
    }

    /// Opens a connection. Returns it with the task that drives it.
    pub(crate) async fn connect(&self) -> Result<(Client, JoinHandle<()>), OpenError> {
        let refused =
            |error| OpenError::Server { database: self.name.clone(), cause: cause(&error) };
        let (client, connection) = self.config.connect(self.tls.clone()).await.map_err(refused)?;
        let driver = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = cause(&error), "a connection to the database broke");
            }
        });
        Ok((client, driver))
    }
}
