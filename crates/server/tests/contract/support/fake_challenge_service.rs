//! A challenge service that misbehaves as a test tells it to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use server::{Background, Config};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{TestServer, eventually};

/// What the service does with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Behavior {
    /// Responds with this status, these headers and no body.
    Respond(u16, &'static str),
    /// Responds with this status and fieldtest's error envelope.
    Refuse(u16),
    /// Responds with this status and a proxy's page.
    RespondAsProxy(u16),
    /// Responds with 200 and a body without end.
    RespondEndlessly,
    /// Responds with 503 and a message of 80,000 characters.
    RespondWithLongError,
    /// Forwards the request to the real service, and the response back.
    Forward,
    /// Forwards the request, and disconnects instead of responding.
    ForwardAndDisconnect,
    /// Disconnects instead of responding.
    Disconnect,
    /// Never responds.
    Hang,
}

/// Runs until the test ends, even if this is dropped.
pub(crate) struct FakeChallengeService {
    pub(crate) url: String,
    shared: Arc<Shared>,
    /// Whether it ever hangs.
    hangs: bool,
}

struct Shared {
    /// The URL of the real service, for requests that are forwarded.
    real: Option<String>,
    /// One for each request; the last one is for all further requests.
    behaviors: Mutex<VecDeque<Behavior>>,
    /// The first line of each request.
    requests: Mutex<Vec<String>>,
}

impl FakeChallengeService {
    /// A service without a real one behind it.
    pub(crate) async fn start(behaviors: &[Behavior]) -> Self {
        Self::listen(None, behaviors).await
    }

    /// A service in front of the real one of this server.
    pub(crate) async fn in_front_of(real: &TestServer, behaviors: &[Behavior]) -> Self {
        Self::listen(Some(real.url.clone()), behaviors).await
    }

    async fn listen(real: Option<String>, behaviors: &[Behavior]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            real,
            behaviors: Mutex::new(behaviors.to_vec().into()),
            requests: Mutex::default(),
        });
        let service = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = Arc::clone(&service);
                tokio::spawn(async move { service.handle(stream).await });
            }
        });
        Self { url, shared, hangs: behaviors.contains(&Behavior::Hang) }
    }

    /// A server that uses this challenge service.
    pub(crate) async fn server(&self) -> TestServer {
        self.server_with(|_| {}).await
    }

    /// A server with another configuration that uses this challenge service. Where the service
    /// hangs, attempts are given up after 200 ms.
    pub(crate) async fn server_with(&self, configure: impl FnOnce(&mut Config)) -> TestServer {
        TestServer::start_with(|config| {
            config.tpas_url = Some(self.url.clone());
            if self.hangs {
                config.limits.hand_over = Duration::from_millis(200);
            }
            configure(config);
        })
        .await
    }

    /// A server that uses this challenge service and whose background tasks run by themselves. An
    /// attempt that hangs lasts until the server stops.
    pub(crate) async fn server_with_periodic_tasks(&self) -> TestServer {
        self.server_with(|config| {
            config.background = Background::Periodic;
            config.limits.hand_over = Duration::from_hours(1);
            config.limits.drain = Duration::from_millis(100);
        })
        .await
    }

    /// Waits until an attempt to create a challenge has begun.
    pub(crate) async fn attempt_begins(&self) {
        eventually("an attempt begins", async || self.hand_over_count() > 0).await;
    }

    /// How often it was asked to create a challenge.
    pub(crate) fn hand_over_count(&self) -> usize {
        self.shared.requests.lock().unwrap().iter().filter(|line| line.starts_with("PUT ")).count()
    }

    pub(crate) fn request_count(&self) -> usize {
        self.shared.requests.lock().unwrap().len()
    }
}

impl Shared {
    async fn handle(&self, mut stream: TcpStream) {
        let Some(request) = read_request(&mut stream).await else { return };
        let line = String::from_utf8_lossy(&request).lines().next().unwrap_or_default().to_owned();
        self.requests.lock().unwrap().push(line);
        let response = match self.next_behavior() {
            Behavior::Respond(status, headers) => response(status, headers, ""),
            Behavior::Refuse(status) => refusal(status),
            Behavior::RespondAsProxy(status) => {
                response(status, "content-type: text/html\r\n", "<html>who are you?</html>")
            }
            Behavior::RespondEndlessly => {
                let head = "HTTP/1.1 200 x\r\ntransfer-encoding: chunked\r\n\r\n";
                let mut written = stream.write_all(head.as_bytes()).await;
                while written.is_ok() {
                    let chunk = format!("8000\r\n{}\r\n", " ".repeat(0x8000));
                    written = stream.write_all(chunk.as_bytes()).await;
                }
                return;
            }
            Behavior::RespondWithLongError => long_error(),
            Behavior::Forward => self.forward(&request).await,
            Behavior::ForwardAndDisconnect => {
                self.forward(&request).await;
                return;
            }
            Behavior::Disconnect => return,
            Behavior::Hang => std::future::pending().await,
        };
        stream.write_all(&response).await.unwrap();
    }

    fn next_behavior(&self) -> Behavior {
        let mut behaviors = self.behaviors.lock().unwrap();
        if behaviors.len() > 1 { behaviors.pop_front().unwrap() } else { behaviors[0].clone() }
    }

    async fn forward(&self, request: &[u8]) -> Vec<u8> {
        let address = self.real.as_ref().unwrap().trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = String::from_utf8(request.to_vec()).unwrap();
        let request = request.replacen("\r\n", "\r\nconnection: close\r\n", 1);
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut response = Vec::new();
        stream.read_to_end(&mut response).await.unwrap();
        response
    }
}

/// The head and the body of a request, unchanged.
async fn read_request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut request = Vec::new();
    loop {
        let mut bytes = [0; 4096];
        let read = stream.read(&mut bytes).await.ok().filter(|read| *read > 0)?;
        request.extend_from_slice(&bytes[..read]);
        let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.trim().parse().unwrap()) {
                return Some(request);
            }
        }
    }
}

/// `headers` end with a line break each.
fn response(status: u16, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status} x\r\n{headers}content-length: {length}\r\n");
    format!("{head}connection: close\r\n\r\n{body}").into_bytes()
}

fn refusal(status: u16) -> Vec<u8> {
    let code = match status {
        401 => "AUTH_INVALID_CREDENTIALS",
        403 => "AUTH_FORBIDDEN",
        404 => "RESOURCE_NOT_FOUND",
        405 => "METHOD_NOT_ALLOWED",
        409 => "RESOURCE_CONFLICT",
        413 => "PAYLOAD_TOO_LARGE",
        _ => "VALIDATION_INVALID_PARAMETER",
    };
    let body = serde_json::json!({
        "error": { "code": code, "message": "No." },
        "request_id": "228aaefb-3ce2-4dd0-a73b-b96f71c5779f",
    });
    response(status, "content-type: application/json\r\n", &body.to_string())
}

fn long_error() -> Vec<u8> {
    let message = "no room ".repeat(10_000);
    let body = serde_json::json!({
        "error": { "code": "SYSTEM_UNAVAILABLE", "message": message },
        "request_id": "228aaefb-3ce2-4dd0-a73b-b96f71c5779f",
    });
    response(503, "", &body.to_string())
}
