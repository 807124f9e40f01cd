//! A real server, all to itself.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use db::WriterMetrics;
use domain::api_key::{self, Access, ApiKey, SecretHash};
use domain::app::App;
use domain::{ClockAndRng, Environment, ManualClock, SeededRandomness, Timestamp, WorkspaceId};
use reqwest::Method;
use serde_json::{Value, json};
use server::{Background, BackgroundTrigger, Config, RateLimit, Server};
use store_workspace::{CreateApiKey, CreateApp, CreateWorkspace, Workspace, WorkspaceStore};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{Answer, Call, Ground, TESTS, Tables};

/// The token of every site's challenge service.
pub(crate) const SERVICE_TOKEN: &str = "service-token-of-the-tests";
pub(crate) const VERIFICATION_SECRET: &str = "verification-secret-of-the-tests";

pub(crate) struct TestServer {
    pub(crate) url: String,
    pub(crate) api_key: String,
    pub(crate) clock: Arc<ManualClock>,
    ground: Ground,
    clock_and_rng: ClockAndRng,
    environment: Environment,
    rounds: BackgroundTrigger,
    http: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
}

fn http_client() -> reqwest::Client {
    // The second site of a test finds it done.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

impl TestServer {
    /// A sandbox with the demo workspace, at 10 o'clock on 8 April 2026.
    pub(crate) async fn start() -> Self {
        Self::configured(|_| {}).await
    }

    pub(crate) async fn configured(configure: impl FnOnce(&mut Config)) -> Self {
        Self::on(Ground::new().await, configure).await
    }

    /// A site on what another one has left behind.
    pub(crate) async fn on(ground: Ground, configure: impl FnOnce(&mut Config)) -> Self {
        let clock = Arc::new(ManualClock::at("2026-04-08T10:00:00.000Z".parse().unwrap()));
        Self::at(ground, clock, 1, configure).await
    }

    /// Another server on the same ground, at the same time. Chance is another one for each seed but
    /// 1, which is this site's.
    pub(crate) async fn replica(&self, seed: u64, configure: impl FnOnce(&mut Config)) -> Self {
        let site = Self::at(self.ground.clone(), Arc::clone(&self.clock), seed, configure).await;
        Self { api_key: self.api_key.clone(), ..site }
    }

    async fn at(
        ground: Ground,
        clock: Arc<ManualClock>,
        seed: u64,
        configure: impl FnOnce(&mut Config),
    ) -> Self {
        let clock_and_rng =
            ClockAndRng::new(clock.clone(), Arc::new(SeededRandomness::from_seed(seed)));
        let mut config = Config {
            tpas_token: Some(SERVICE_TOKEN.into()),
            verification_secret: Some(VERIFICATION_SECRET.into()),
            rate_limit: RateLimit::Off,
            background: Background::OnDemand,
            ..ground.config()
        };
        configure(&mut config);
        let environment = config.environment;
        let server = Server::start(config, clock_and_rng.clone())
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        let (stop, stopped) = oneshot::channel();
        let site = Self {
            url: format!("http://{}", server.address()),
            api_key: std::fs::read_to_string(ground.path().join("demo-api-key"))
                .unwrap_or_default()
                .trim()
                .to_owned(),
            clock,
            ground,
            clock_and_rng,
            environment,
            rounds: server.background_trigger(),
            http: http_client(),
            stop: Some(stop),
            server: None,
        };
        let running = tokio::spawn(server.stopped_by(async {
            let _ = stopped.await;
        }));
        Self { server: Some(running), ..site }
    }

    /// Stops gracefully and starts again on the same data, at the same time.
    pub(crate) async fn restart(self, configure: impl FnOnce(&mut Config)) -> Self {
        let clock = Arc::clone(&self.clock);
        Self::at(self.stop().await, clock, 1, configure).await
    }

    /// Stops gracefully and starts again as a production deployment, as no operator could by
    /// mistake.
    pub(crate) async fn restart_in_production(self) -> Self {
        let clock = Arc::clone(&self.clock);
        let ground = self.stop().await;
        for tables in [Tables::Connect, Tables::Tpas] {
            let sql = "UPDATE deployment_facts SET value = 'production' WHERE name = 'environment' RETURNING name";
            assert_eq!(ground.rows(tables, sql).await.len(), 1);
        }
        Self::at(ground, clock, 1, |config| config.environment = Environment::Production).await
    }

    /// Stops gracefully; what is left behind.
    pub(crate) async fn stop(mut self) -> Ground {
        let _ = self.stop.take().unwrap().send(());
        self.server.take().unwrap().await.unwrap();
        self.ground
    }

    pub(crate) fn ground(&self) -> &Ground {
        &self.ground
    }

    pub(crate) fn data_dir(&self) -> &Path {
        self.ground.path()
    }

    pub(crate) fn call(&self, method: &str, path: &str) -> Call {
        let url =
            if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.url) };
        Call(self.http.request(Method::from_bytes(method.as_bytes()).unwrap(), url))
    }

    pub(crate) fn get(&self, path: &str) -> Call {
        self.call("GET", path).key(&self.api_key)
    }

    pub(crate) fn post(&self, path: &str) -> Call {
        self.call("POST", path).key(&self.api_key)
    }

    /// Orders a production test in the demo's app.
    pub(crate) async fn order(&self, order: &Value) -> Answer {
        self.post(TESTS).json(order).send().await
    }

    /// Runs background work once.
    pub(crate) async fn round(&self) {
        self.rounds.run().await;
    }

    pub(crate) fn advance(&self, duration: Duration) {
        self.clock.advance(duration);
    }

    /// What was ordered is no longer this server's alone to hand over.
    pub(crate) fn lease_of_new_orders_ends(&self) {
        self.advance(Duration::from_secs(20));
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock_and_rng.now()
    }

    /// Orders a test and schedules it; the challenge's id.
    pub(crate) async fn challenge(&self, order: &Value) -> String {
        let request = self.order(order).await.expect(201);
        self.round().await;
        let test = self
            .get(&format!("{TESTS}/{}", request["id"].as_str().unwrap()))
            .send()
            .await
            .expect(200);
        test["challengeId"].as_str().expect("a challenge id once it is scheduled").to_owned()
    }

    /// A tester with a browser of their own joins.
    pub(crate) fn join(&self, challenge_id: &str, provider_id: &str) -> Call {
        let path = format!("/tpas/v1/challenges/{challenge_id}/participations");
        self.call("POST", &path).json(&json!({ "providerId": provider_id, "platform": "ios" }))
    }

    /// A tester joins and is verified as this person; where the participation stands then.
    pub(crate) async fn take_part(
        &self,
        challenge_id: &str,
        provider_id: &str,
        subject: &str,
    ) -> String {
        let participation = self.join(challenge_id, provider_id).send().await.expect(201);
        let url = participation["verificationUrl"].as_str().unwrap();
        self.simulate(url, &json!({ "outcome": "completed", "subject": subject })).await
    }

    /// Plays the person; where the participation stands then.
    pub(crate) async fn simulate(&self, verification_url: &str, play: &Value) -> String {
        let result = self.call("POST", verification_url).json(play).send().await.expect(200);
        result["status"].as_str().unwrap().to_owned()
    }

    /// Works on the database directly, as an operator's command does.
    pub(crate) async fn database<T>(
        &self,
        work: impl AsyncFnOnce(WorkspaceStore, &ClockAndRng) -> T,
    ) -> T {
        let location = self.ground.config().workspace_location();
        let store = WorkspaceStore::open(&location, WriterMetrics::default()).await.unwrap();
        let result = work(store.clone(), &self.clock_and_rng).await;
        store.database().close().await;
        result
    }

    /// A new workspace with a key of full access; both.
    pub(crate) async fn workspace(&self) -> (WorkspaceId, String) {
        let id = WorkspaceId::random(self.clock_and_rng.randomness());
        let workspace = Workspace { id: id.clone(), name: "Other".into(), created_at: self.now() };
        self.database(async |store, _| {
            store.create_workspace(CreateWorkspace(workspace)).await.unwrap()
        })
        .await;
        let key = self.key(&id, |_| {}).await;
        (id, key)
    }

    /// A new key of this workspace; its secret.
    pub(crate) async fn key(
        &self,
        workspace_id: &WorkspaceId,
        change: impl FnOnce(&mut ApiKey),
    ) -> String {
        self.key_for(self.environment, workspace_id, change).await
    }

    /// A new key of this workspace for another kind of deployment; its secret.
    pub(crate) async fn key_for(
        &self,
        environment: Environment,
        workspace_id: &WorkspaceId,
        change: impl FnOnce(&mut ApiKey),
    ) -> String {
        let secret = api_key::new_secret(environment, self.clock_and_rng.randomness());
        let mut key = ApiKey {
            id: self.clock_and_rng.ids().api_key(),
            workspace_id: workspace_id.clone(),
            name: "test".into(),
            access: Access::Full,
            created_at: self.now(),
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
        };
        change(&mut key);
        let write = CreateApiKey { key, secret_hash: SecretHash::of(&secret) };
        let is_made =
            self.database(async |store, _| store.create_api_key(write).await.unwrap()).await;
        assert!(is_made);
        secret
    }

    /// The workspace of the demo.
    pub(crate) async fn demo_workspace(&self) -> WorkspaceId {
        let mut workspaces =
            self.database(async |store, _| store.workspaces().await.unwrap()).await;
        workspaces.remove(0).id
    }

    /// Registers an app.
    pub(crate) async fn app(
        &self,
        workspace_id: &WorkspaceId,
        client_id: &str,
        providers: &[&str],
    ) {
        let app = App {
            workspace_id: workspace_id.clone(),
            client_id: client_id.parse().unwrap(),
            name: "Other App".into(),
            enabled_providers: providers.iter().map(|id| id.parse().unwrap()).collect(),
            requested_providers: std::collections::BTreeSet::new(),
            created_at: self.now(),
        };
        let write = CreateApp {
            app,
            client_secret_hash: SecretHash::of("x"),
            client_secret_preview: "****".into(),
        };
        self.database(async |store, _| store.create_app(write).await.unwrap()).await;
    }
}
