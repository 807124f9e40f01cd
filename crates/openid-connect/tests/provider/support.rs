//! A provider in this process that misbehaves on demand.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::{ClockAndRng, ManualClock, SeededRandomness, Timestamp};
use openid_connect::{Attempt, Callback, Configuration, Failure, RelyingParty};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// An answer.
#[derive(Clone)]
pub(crate) enum Reply {
    Json(u16, Value),
    Token(String),
    Html,
    Hang,
    Endless,
    /// This many bytes of a key set.
    Large(usize),
    /// To this address.
    Redirect(String),
}

/// What the provider answers.
pub(crate) struct State {
    pub(crate) discovery: Reply,
    pub(crate) keys: Reply,
    pub(crate) token: Reply,
    pub(crate) userinfo: Reply,
    pub(crate) requests: Vec<String>,
    /// The bytes that were taken of a [`Reply::Large`].
    pub(crate) taken: usize,
}

pub(crate) struct Provider {
    pub(crate) issuer: String,
    pub(crate) state: Arc<Mutex<State>>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) key_fetches: Arc<AtomicUsize>,
    pair: EcdsaKeyPair,
}

pub(crate) fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bits: Vec<u8> = bytes.iter().flat_map(|b| (0..8).rev().map(move |i| b >> i & 1)).collect();
    let value = |chunk: &[u8]| (0..6).fold(0, |v, i| v << 1 | chunk.get(i).copied().unwrap_or(0));
    bits.chunks(6).map(|chunk| char::from(ALPHABET[usize::from(value(chunk))])).collect()
}

pub(crate) fn new_pair() -> EcdsaKeyPair {
    let random = SystemRandom::new();
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap()
}

pub(crate) fn jwk(pair: &EcdsaKeyPair, kid: &str) -> Value {
    let point = pair.public_key().as_ref();
    let [x, y] = [base64url(&point[1..33]), base64url(&point[33..])];
    json!({ "kty": "EC", "crv": "P-256", "kid": kid, "x": x, "y": y })
}

pub(crate) fn sign(pair: &EcdsaKeyPair, header: &Value, claims: &Value) -> String {
    let [header, claims] = [header, claims].map(|part| base64url(part.to_string().as_bytes()));
    let message = format!("{header}.{claims}");
    let signature = pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
    format!("{message}.{}", base64url(signature.as_ref()))
}

impl Provider {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let pair = new_pair();
        let state = Arc::new(Mutex::new(State {
            discovery: Reply::Json(
                200,
                json!({
                    "issuer": issuer, "jwks_uri": format!("{issuer}/keys"),
                    "authorization_endpoint": format!("{issuer}/authorize?tenant=1"),
                    "token_endpoint": format!("{issuer}/token"),
                    "userinfo_endpoint": format!("{issuer}/userinfo"),
                }),
            ),
            keys: Reply::Json(200, json!({ "keys": [jwk(&pair, "1")] })),
            token: Reply::Html,
            userinfo: Reply::Html,
            requests: Vec::new(),
            taken: 0,
        }));
        let key_fetches = Arc::new(AtomicUsize::new(0));
        tokio::spawn(serve(listener, Arc::clone(&state), Arc::clone(&key_fetches)));
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_800_000_000_000)));
        Self { issuer, state, clock, key_fetches, pair }
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
    }

    pub(crate) fn change_discovery(&self, name: &str, value: Value) {
        self.change(|state| match &mut state.discovery {
            Reply::Json(_, document) => document[name] = value,
            _ => panic!("discovery is no JSON"),
        });
    }

    pub(crate) fn configuration(&self) -> Configuration {
        Configuration::new(&self.issuer, "fieldtest")
    }

    pub(crate) fn clock_and_rng(&self) -> ClockAndRng {
        ClockAndRng::new(self.clock.clone(), Arc::new(SeededRandomness::from_seed(1)))
    }

    pub(crate) fn relying_party(&self, configuration: Configuration) -> RelyingParty {
        let timeout = Some(Duration::from_millis(300));
        let redirect_uri = "https://fieldtest.example/callback".to_owned();
        RelyingParty::with_timeout(configuration, redirect_uri, self.clock_and_rng(), timeout)
            .unwrap()
    }

    pub(crate) fn claims(&self, attempt: &Attempt) -> Value {
        let now = 1_800_000_000;
        json!({ "iss": self.issuer, "aud": "fieldtest", "sub": "anna", "iat": now,
                "exp": now + 300, "nonce": attempt.nonce })
    }

    pub(crate) fn signed(&self, claims: &Value) -> String {
        sign(&self.pair, &json!({ "alg": "ES256", "kid": "1" }), claims)
    }

    /// The token endpoint gives out this ID token.
    pub(crate) fn gives(&self, id_token: &str) {
        let body = json!({ "id_token": id_token, "access_token": "at", "token_type": "Bearer" });
        self.change(|state| state.token = Reply::Json(200, body));
    }

    pub(crate) async fn redeem(
        &self,
        relying_party: &RelyingParty,
        attempt: &Attempt,
    ) -> Result<String, Failure> {
        let callback = Callback { code: "the-code".into(), iss: None };
        let subject = relying_party.redeem(&callback, attempt).await?;
        Ok(subject.as_str().to_owned())
    }

    pub(crate) fn fetches(&self) -> usize {
        self.key_fetches.load(Ordering::SeqCst)
    }
}

async fn serve(listener: TcpListener, state: Arc<Mutex<State>>, key_fetches: Arc<AtomicUsize>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(answer(stream, Arc::clone(&state), Arc::clone(&key_fetches)));
    }
}

async fn answer(mut stream: TcpStream, state: Arc<Mutex<State>>, key_fetches: Arc<AtomicUsize>) {
    let request = read(&mut stream).await;
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    let reply = {
        let mut state = state.lock().unwrap();
        state.requests.push(request);
        match path.as_str() {
            "/keys" => {
                key_fetches.fetch_add(1, Ordering::SeqCst);
                state.keys.clone()
            }
            "/token" => state.token.clone(),
            "/userinfo" => state.userinfo.clone(),
            "/par" => Reply::Json(201, json!({ "request_uri": "urn:pushed:1" })),
            _ => state.discovery.clone(),
        }
    };
    let text = |status, kind, body: &str| {
        let length = body.len();
        format!(
            "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\nconnection: close\r\n\
             content-length: {length}\r\n\r\n{body}"
        )
    };
    let bytes = match reply {
        Reply::Json(status, value) => text(status, "application/json", &value.to_string()),
        Reply::Token(token) => text(200, "application/jwt", &token),
        Reply::Html => text(200, "text/html", "<!doctype html><title>Anna Berg</title>"),
        Reply::Redirect(location) => {
            format!("HTTP/1.1 307 X\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n")
        }
        Reply::Large(length) => {
            let head = "HTTP/1.1 200 X\r\ncontent-type: application/json\r\ncontent-length: ";
            let _ = stream.write_all(format!("{head}{length}\r\n\r\n").as_bytes()).await;
            let mut taken = 0;
            while taken < length && stream.write_all(&[b' '; 65536]).await.is_ok() {
                taken += 65536;
                state.lock().unwrap().taken = taken;
            }
            return;
        }
        Reply::Hang => return std::future::pending().await,
        Reply::Endless => {
            let head = "HTTP/1.1 200 X\r\ncontent-type: application/json\r\n\r\n{\"keys\":[";
            let _ = stream.write_all(head.as_bytes()).await;
            while stream.write_all(&[b' '; 65536]).await.is_ok() {}
            return;
        }
    };
    let _ = stream.write_all(bytes.as_bytes()).await;
}

async fn read(stream: &mut TcpStream) -> String {
    let mut bytes = vec![0; 65536];
    let mut length = 0;
    loop {
        let read = stream.read(&mut bytes[length..]).await.unwrap_or(0);
        length += read;
        let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
        let wanted = text.split_once("\r\n\r\n").map(|(head, body)| {
            let head = head.to_ascii_lowercase();
            let size = head.split("content-length: ").nth(1).and_then(|rest| {
                rest.lines().next().and_then(|line| line.trim().parse::<usize>().ok())
            });
            body.len() >= size.unwrap_or(0)
        });
        if wanted == Some(true) || read == 0 {
            return text;
        }
    }
}
