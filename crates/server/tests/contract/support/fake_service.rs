//! A challenge service that answers what a test tells it to: to see what the scheduler makes of it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What it does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Reaction {
    /// Answers this status with these headers and no more.
    Status(u16, &'static str),
    /// Answers 503 with an error of many words.
    LongError,
    /// Passes the request on to a real challenge service, and the answer back.
    Forward,
    /// Passes the request on, and cuts the connection instead of answering.
    ForwardAndCut,
    /// Cuts the connection at once.
    Cut,
    /// Reads the request and never answers.
    Silence,
}

/// Reacts as it is told, one reaction per request; when there is none left, with the last one.
pub(crate) struct FakeService {
    pub(crate) url: String,
    pub(crate) requests: Arc<Mutex<Vec<String>>>,
}

impl FakeService {
    pub(crate) async fn start(real: Option<String>, reactions: &[Reaction]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let reactions = Arc::new(Mutex::new(VecDeque::from(reactions.to_vec())));
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(react(
                    stream,
                    real.clone(),
                    Arc::clone(&reactions),
                    Arc::clone(&seen),
                ));
            }
        });
        Self { url, requests }
    }

    /// How often it was asked to make a challenge.
    pub(crate) fn hand_over_count(&self) -> usize {
        self.requests.lock().unwrap().iter().filter(|head| head.starts_with("PUT ")).count()
    }

    pub(crate) fn request_count(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

async fn react(
    mut stream: TcpStream,
    real: Option<String>,
    reactions: Arc<Mutex<VecDeque<Reaction>>>,
    seen: Arc<Mutex<Vec<String>>>,
) {
    let Some(request) = read_request(&mut stream).await else { return };
    let head = String::from_utf8_lossy(&request).lines().next().unwrap_or_default().to_owned();
    seen.lock().unwrap().push(head);
    let reaction = {
        let mut reactions = reactions.lock().unwrap();
        if reactions.len() > 1 { reactions.pop_front().unwrap() } else { reactions[0].clone() }
    };
    match reaction {
        Reaction::Status(status, headers) => {
            let answer = format!(
                "HTTP/1.1 {status} x\r\n{headers}content-length: 0\r\nconnection: close\r\n\r\n"
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        Reaction::LongError => {
            let words = "no room ".repeat(10_000);
            let id = "228aaefb-3ce2-4dd0-a73b-b96f71c5779f";
            let body = format!(
                r#"{{"error":{{"code":"SYSTEM_UNAVAILABLE","message":"{words}"}},"request_id":"{id}"}}"#
            );
            let head = format!(
                "HTTP/1.1 503 x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        }
        Reaction::Forward => {
            let answer = forward(&request, &real.unwrap()).await;
            stream.write_all(&answer).await.unwrap();
        }
        Reaction::ForwardAndCut => {
            forward(&request, &real.unwrap()).await;
        }
        Reaction::Cut => {}
        Reaction::Silence => std::future::pending().await,
    }
}

/// The head and the body, as they came.
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

async fn forward(request: &[u8], real: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(real.trim_start_matches("http://")).await.unwrap();
    let text = String::from_utf8(request.to_vec()).unwrap().replacen(
        "\r\n",
        "\r\nconnection: close\r\n",
        1,
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    answer
}
