//! Connections, and what the server is told about each.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error::cause;
use super::{PostgresOptions, tls};
use crate::OpenError;

/// How long it may take to find out that the other end is gone, where nothing says so.
const SILENCE: Duration = Duration::from_secs(10);

/// After how long the driver would ask whether the other end is there, unless the URL says
/// something else.
const THEIR_KEEPALIVES: Duration = Duration::from_hours(2);

/// How long the server keeps a transaction whose other end does nothing: ours never rest. The locks
/// of a process that was cut off are then free again.
const REST: Duration = Duration::from_secs(2);

/// Makes connections that find a store's tables.
#[derive(Clone)]
pub(crate) struct Connector {
    pub(super) config: Config,
    pub(super) tls: MakeRustlsConnect,
    /// Host, database and schema, for people.
    pub(crate) name: String,
}

/// All that the stores look for is found by an index. Left to itself the server plans for the
/// tables it sees at first, which are empty, and goes on reading whole tables by those plans while
/// they grow; and it plans anew for other numbers of rows.
const PLANS: &str = "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off";

impl Connector {
    /// For the store's own work: the server, too, gives up when our timeout is over.
    pub(super) fn for_work(options: &PostgresOptions, schema: &str) -> Result<Self, OpenError> {
        Self::new(options, schema, options.timeout)
    }

    /// For changing tables, which takes its time.
    pub(crate) fn for_upkeep(options: &PostgresOptions, schema: &str) -> Result<Self, OpenError> {
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
            config.tcp_user_timeout(SILENCE);
        }
        if config.get_keepalives_idle() == THEIR_KEEPALIVES {
            config.keepalives_idle(SILENCE);
        }
        // What the operator has put into the URL comes last, so it wins.
        let theirs = config.get_options().unwrap_or_default().to_owned();
        let (rest, plans) =
            if statement_limit.is_zero() { (Duration::ZERO, "") } else { (REST, PLANS) };
        config.options(format!(
            "-c search_path={schema} -c default_transaction_isolation=read\\ committed -c synchronous_commit=on \
             -c statement_timeout={} -c idle_in_transaction_session_timeout={} {plans} {theirs}",
            statement_limit.as_millis(),
            rest.as_millis(),
        ));
        Ok(Self { config, tls, name })
    }

    /// A connection of its own, and the task that drives it.
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
