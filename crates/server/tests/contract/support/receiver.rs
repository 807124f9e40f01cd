//! A receiver of webhooks on this machine, which answers as it is told.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How the receiver answers a request.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// With this status.
    Status(u16),
    /// With this status and these header lines.
    With(u16, &'static str),
    /// With 200 and a body without end.
    Endless,
    /// Not at all.
    Silence,
}

/// A request that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Delivered {
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Delivered {
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(header, _)| header == name);
        found.map_or("", |(_, value)| value)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn event(&self) -> String {
        self.json()["event"].as_str().unwrap().trim_start_matches("production_test.").to_owned()
    }
}

/// Runs until the test ends.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) url: String,
    answers: Arc<Mutex<VecDeque<Answer>>>,
    delivered: Arc<Mutex<Vec<Delivered>>>,
}

impl Receiver {
    /// A receiver that answers with these, one after the other, and with the last one from then on.
    pub(crate) async fn start(answers: &[Answer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self {
            url: format!("http://{}/hook", listener.local_addr().unwrap()),
            answers: Arc::new(Mutex::new(answers.iter().cloned().collect())),
            delivered: Arc::default(),
        };
        let shared = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(shared.clone().serve(stream));
            }
        });
        receiver
    }

    /// What has arrived so far.
    pub(crate) fn delivered(&self) -> Vec<Delivered> {
        self.delivered.lock().clone()
    }

    /// The events that have arrived so far.
    pub(crate) fn events(&self) -> Vec<String> {
        self.delivered().iter().map(Delivered::event).collect()
    }

    async fn serve(self, mut stream: TcpStream) {
        let Some(request) = read(&mut stream).await else { return };
        self.delivered.lock().push(request);
        let answer = {
            let mut answers = self.answers.lock();
            if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() }
        };
        match answer.unwrap_or(Answer::Status(200)) {
            Answer::Status(status) => write(&mut stream, status, "").await,
            Answer::With(status, headers) => write(&mut stream, status, headers).await,
            Answer::Endless => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
                while stream.write_all(&[b'x'; 16384]).await.is_ok() {}
            }
            Answer::Silence => tokio::time::sleep(Duration::from_secs(60)).await,
        }
    }
}

async fn write(stream: &mut TcpStream, status: u16, headers: &str) {
    let answer = format!(
        "HTTP/1.1 {status} X\r\nConnection: close\r\n{headers}Content-Length: 5\r\n\r\nhello"
    );
    let _ = stream.write_all(answer.as_bytes()).await;
}

async fn read(stream: &mut TcpStream) -> Option<Delivered> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let headers: Vec<(String, String)> = head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let delivered = Delivered { headers, body: body.to_owned() };
        if delivered.header("content-length").parse().unwrap_or(0) <= body.len() {
            return Some(delivered);
        }
    }
}
