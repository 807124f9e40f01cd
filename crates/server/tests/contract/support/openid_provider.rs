//! An OpenID Connect provider in this process: people log in with it, or do something else.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use reqwest::Url;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::TestServer;

/// A person who has logged in and is on the way back.
#[derive(Clone)]
struct Login {
    nonce: String,
    subject: String,
    at: i64,
}

pub(crate) struct OpenIdProvider {
    pub(crate) issuer: String,
    shared: Arc<Shared>,
    folder: tempfile::TempDir,
}

struct Shared {
    issuer: String,
    key: EcdsaKeyPair,
    /// By code.
    logins: Mutex<HashMap<String, Login>>,
    redeemed: Mutex<Vec<String>>,
    is_down: Mutex<bool>,
}

impl OpenIdProvider {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let shared = Arc::new(Shared {
            issuer: issuer.clone(),
            key: EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap(),
            logins: Mutex::default(),
            redeemed: Mutex::default(),
            is_down: Mutex::default(),
        });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { issuer, shared, folder: tempfile::tempdir().unwrap() }
    }

    /// A verifiers' file that has this provider for `bankidse`.
    pub(crate) fn verifiers(&self) -> PathBuf {
        let path = self.folder.path().join("verifiers.toml");
        let text = format!(
            "[bankidse]\nkind = \"oidc\"\nissuer = \"{}\"\nclient_id = \"fieldtest\"\n",
            self.issuer
        );
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A server whose testers of `bankidse` this provider verifies.
    pub(crate) async fn server(&self) -> TestServer {
        TestServer::start_with(|config| self.configure(config)).await
    }

    /// Lets this provider verify the testers of `bankidse`.
    pub(crate) fn configure(&self, config: &mut server::Config) {
        config.verifiers = Some(self.verifiers());
        config.public_url = Some("http://fieldtest.example".into());
    }

    /// A person logs in at this authorization URL. Returns the path that leads back.
    pub(crate) fn log_in(&self, server: &TestServer, url: &str, subject: &str) -> String {
        let parameters = self.parameters(url);
        let code = format!("code-of-{}", &parameters["state"][..8]);
        let login = Login {
            nonce: parameters["nonce"].clone(),
            subject: subject.into(),
            at: server.now().as_seconds(),
        };
        self.shared.logins.lock().unwrap().insert(code.clone(), login);
        let state = &parameters["state"];
        format!("/tpas/v1/verifications/callback?code={code}&state={state}")
    }

    /// A person comes back with an error.
    pub(crate) fn refuse(&self, url: &str, error: &str) -> String {
        let state = &self.parameters(url)["state"];
        format!("/tpas/v1/verifications/callback?error={error}&state={state}")
    }

    fn parameters(&self, url: &str) -> HashMap<String, String> {
        let url = Url::parse(url).unwrap();
        assert!(url.as_str().starts_with(&format!("{}/authorize", self.issuer)), "{url}");
        let parameters: HashMap<_, _> = url.query_pairs().into_owned().collect();
        for (name, value) in [
            ("response_type", "code"),
            ("response_mode", "query"),
            ("code_challenge_method", "S256"),
            ("client_id", "fieldtest"),
            ("redirect_uri", "http://fieldtest.example/tpas/v1/verifications/callback"),
        ] {
            assert_eq!(parameters.get(name).map(String::as_str), Some(value), "{url}");
        }
        parameters
    }

    /// The codes that were redeemed.
    pub(crate) fn redeemed(&self) -> Vec<String> {
        self.shared.redeemed.lock().unwrap().clone()
    }

    pub(crate) fn goes_down(&self) {
        *self.shared.is_down.lock().unwrap() = true;
    }
}

async fn discovery(State(shared): State<Arc<Shared>>) -> Response {
    if *shared.is_down.lock().unwrap() {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    let issuer = &shared.issuer;
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "response_types_supported": ["code"],
        "id_token_signing_alg_values_supported": ["ES256"],
    }))
    .into_response()
}

async fn keys(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let point = shared.key.public_key().as_ref();
    let [x, y] = [base64url(&point[1..33]), base64url(&point[33..])];
    Json(json!({ "keys": [{ "kty": "EC", "crv": "P-256", "kid": "1", "x": x, "y": y }] }))
}

async fn token(State(shared): State<Arc<Shared>>, body: String) -> Response {
    let form = Url::parse(&format!("{}/?{body}", shared.issuer)).unwrap();
    let form: HashMap<_, _> = form.query_pairs().into_owned().collect();
    let code = form["code"].clone();
    assert!(form["code_verifier"].len() >= 43, "{form:?}");
    shared.redeemed.lock().unwrap().push(code.clone());
    let Some(login) = shared.logins.lock().unwrap().remove(&code) else {
        return (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" })))
            .into_response();
    };
    let claims = json!({ "iss": shared.issuer, "aud": "fieldtest", "sub": login.subject,
        "nonce": login.nonce, "iat": login.at, "exp": login.at + 300, "name": "Ada Lovelace" });
    let [header, claims] = [json!({ "alg": "ES256", "kid": "1" }), claims]
        .map(|part| base64url(part.to_string().as_bytes()));
    let message = format!("{header}.{claims}");
    let signature = shared.key.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
    let id_token = format!("{message}.{}", base64url(signature.as_ref()));
    Json(json!({ "access_token": "at", "token_type": "Bearer", "id_token": id_token }))
        .into_response()
}

fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let encode = |chunk: &[u8]| {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - chunk.len()));
        let digit = |place: usize| char::from(DIGITS[(bits >> (18 - 6 * place) & 63) as usize]);
        (0..=chunk.len()).map(digit).collect::<String>()
    };
    bytes.chunks(3).map(encode).collect()
}
