//! A real server with its own data, clock and randomness.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use db::WriterMetrics;
use domain::{ClockAndRng, Environment, ManualClock, SeededRandomness, Timestamp};
use reqwest::Method;
use server::{Background, BackgroundTrigger, Config, RateLimit, Server};
use store_workspace::WorkspaceStore;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{SERVICE_TOKEN, Store, TestDatabase, TestRequest, VERIFICATION_SECRET};

/// A file with an external verifier for every provider.
pub(crate) const VERIFIERS: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/contract/support/verifiers.toml");

pub(crate) struct TestServer {
    /// Where it listens, without a `/` at the end.
    pub(crate) url: String,
    /// The key of the demo workspace; empty where there is no demo.
    pub(crate) api_key: String,
    pub(super) clock_and_rng: ClockAndRng,
    pub(super) environment: Environment,
    clock: Arc<ManualClock>,
    database: TestDatabase,
    rounds: BackgroundTrigger,
    http: reqwest::Client,
    stop: oneshot::Sender<()>,
    stopped: JoinHandle<()>,
}

/// A client that believes every certificate: tests of TLS have one that does not.
fn http_client() -> reqwest::Client {
    // Fails in all tests of a process but the first, which has installed the same provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .tls_danger_accept_invalid_certs(true)
        .build()
        .unwrap()
}

impl TestServer {
    /// A sandbox with the demo workspace, at 10 o'clock on 8 April 2026.
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// A server with another configuration than the default.
    pub(crate) async fn start_with(configure: impl FnOnce(&mut Config)) -> Self {
        Self::start_on(TestDatabase::new().await, configure).await
    }

    /// A production deployment. It has no demo, so no workspace.
    pub(crate) async fn start_in_production() -> Self {
        Self::start_in_production_with(|_| {}).await
    }

    pub(crate) async fn start_in_production_with(configure: impl FnOnce(&mut Config)) -> Self {
        Self::start_with(|config| {
            config.environment = Environment::Production;
            config.verifiers = Some(PathBuf::from(VERIFIERS));
            configure(config);
        })
        .await
    }

    /// A server whose background tasks run by themselves.
    pub(crate) async fn start_with_periodic_tasks(configure: impl FnOnce(&mut Config)) -> Self {
        Self::start_with(|config| {
            config.background = Background::Periodic;
            configure(config);
        })
        .await
    }

    /// A server on data that another one has left.
    pub(crate) async fn start_on(
        database: TestDatabase,
        configure: impl FnOnce(&mut Config),
    ) -> Self {
        let clock = Arc::new(ManualClock::at("2026-04-08T10:00:00.000Z".parse().unwrap()));
        Self::start_at(database, clock, 1, configure).await
    }

    /// Another server on the same data, with the same clock. The seed of its randomness must not
    /// be 1, which is this server's.
    pub(crate) async fn replica(&self, seed: u64, configure: impl FnOnce(&mut Config)) -> Self {
        let (database, clock) = (self.database.clone(), Arc::clone(&self.clock));
        let replica = Self::start_at(database, clock, seed, configure).await;
        Self { api_key: self.api_key.clone(), ..replica }
    }

    async fn start_at(
        database: TestDatabase,
        clock: Arc<ManualClock>,
        seed: u64,
        configure: impl FnOnce(&mut Config),
    ) -> Self {
        let randomness = Arc::new(SeededRandomness::from_seed(seed));
        let clock_and_rng = ClockAndRng::new(clock.clone(), randomness);
        let mut config = Config {
            tpas_token: Some(SERVICE_TOKEN.into()),
            verification_secret: Some(VERIFICATION_SECRET.into()),
            rate_limit: RateLimit::Off,
            background: Background::OnDemand,
            ..database.config()
        };
        configure(&mut config);
        let environment = config.environment;
        let scheme = if config.tls_cert.is_some() { "https" } else { "http" };
        let server = Server::start(config, clock_and_rng.clone()).await;
        let server = server.unwrap_or_else(|error| panic!("{error}"));
        let demo_key = std::fs::read_to_string(database.data_dir().join("demo-api-key"));
        let (stop, is_stopped) = oneshot::channel();
        Self {
            url: format!("{scheme}://{}", server.address()),
            api_key: demo_key.unwrap_or_default().trim().to_owned(),
            clock_and_rng,
            environment,
            clock,
            database,
            rounds: server.background_trigger(),
            http: http_client(),
            stop,
            stopped: tokio::spawn(server.stopped_by(async {
                let _ = is_stopped.await;
            })),
        }
    }

    /// Stops gracefully and starts again on the same data, at the same time.
    pub(crate) async fn restart(self, configure: impl FnOnce(&mut Config)) -> Self {
        let clock = Arc::clone(&self.clock);
        Self::start_at(self.stop().await, clock, 1, configure).await
    }

    /// Stops gracefully and starts again on the same data, with a clock that is this much behind
    /// the one before.
    pub(crate) async fn restart_earlier(self, by: Duration) -> Self {
        let clock = Arc::new(ManualClock::at(self.now().minus(by)));
        Self::start_at(self.stop().await, clock, 1, |_| {}).await
    }

    /// Stops gracefully and starts again as a production deployment. Only changing the tables by
    /// hand makes that possible.
    pub(crate) async fn restart_in_production(self) -> Self {
        let clock = Arc::clone(&self.clock);
        let database = self.stop().await;
        for store in [Store::Workspace, Store::Challenge] {
            let sql = "UPDATE deployment_facts SET value = 'production'
                WHERE name = 'environment' RETURNING name";
            assert_eq!(database.rows(store, sql).await.len(), 1);
        }
        let production = |config: &mut Config| config.environment = Environment::Production;
        Self::start_at(database, clock, 1, production).await
    }

    /// Stops gracefully; the data that it leaves.
    pub(crate) async fn stop(self) -> TestDatabase {
        // Dropping the sender would stop the server as well.
        let _ = self.stop.send(());
        self.stopped.await.unwrap();
        self.database
    }

    pub(crate) fn database(&self) -> &TestDatabase {
        &self.database
    }

    /// Host and port.
    pub(crate) fn address(&self) -> &str {
        self.url.split_once("://").unwrap().1
    }

    /// A request without credentials to a path of this server, or to a whole URL.
    pub(crate) fn request(&self, method: &str, path: &str) -> TestRequest {
        let url =
            if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.url) };
        TestRequest(self.http.request(Method::from_bytes(method.as_bytes()).unwrap(), url))
    }

    /// A request with the demo's key.
    pub(crate) fn authorized(&self, method: &str, path: &str) -> TestRequest {
        self.request(method, path).bearer(&self.api_key)
    }

    /// A `GET` with the demo's key.
    pub(crate) fn get(&self, path: &str) -> TestRequest {
        self.authorized("GET", path)
    }

    /// A `POST` with the demo's key.
    pub(crate) fn post(&self, path: &str) -> TestRequest {
        self.authorized("POST", path)
    }

    /// The metrics, as Prometheus reads them.
    pub(crate) async fn metrics(&self) -> String {
        let response = self.request("GET", "/metrics").send().await;
        assert_eq!(response.status, 200);
        response.text
    }

    /// Runs every background task once.
    pub(crate) async fn run_background_tasks(&self) {
        self.rounds.run().await;
    }

    pub(crate) fn advance(&self, duration: Duration) {
        self.clock.advance(duration);
    }

    /// Advances the clock until every lease that is held now has expired.
    pub(crate) fn expire_leases(&self) {
        self.advance(Duration::from_secs(20));
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock_and_rng.now()
    }

    /// Uses the workspace store without the server, as the commands for operators do.
    pub(crate) async fn with_store<T>(
        &self,
        work: impl AsyncFnOnce(WorkspaceStore, &ClockAndRng) -> T,
    ) -> T {
        let location = self.database.config().workspace_location();
        let store = WorkspaceStore::open(&location, WriterMetrics::default()).await.unwrap();
        let result = work(store.clone(), &self.clock_and_rng).await;
        store.database().close().await;
        result
    }
}
