//! A client's connection. It is a minimal HTTP client, because it shares the cores with the server.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The initial size of the buffer for a response.
const BUFFER: usize = 16 * 1024;

pub(crate) struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

/// A response with a `Content-Length`.
pub(crate) struct Response<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
}

/// The head of a response, and the offset of its body.
struct Head {
    status: u16,
    length: usize,
    body: usize,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await.context("cannot connect")?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::with_capacity(BUFFER) })
    }

    /// Sends a request and waits for the whole response.
    pub(crate) async fn send(&mut self, request: &[u8]) -> Result<Response<'_>> {
        self.stream.write_all(request).await.context("cannot send")?;
        self.received.clear();
        let mut head: Option<Head> = None;
        loop {
            if head.is_none() {
                head = read_head(&self.received)?;
            }
            if let Some(Head { status, length, body }) = head
                && let Some(body) = self.received.get(body..body + length)
            {
                // Borrowed again, because the borrow checker does not see that this branch returns.
                let start = self.received.len() - body.len();
                return Ok(Response {
                    status,
                    body: self.received.get(start..).unwrap_or_default(),
                });
            }
            if self.stream.read_buf(&mut self.received).await.context("cannot receive")? == 0 {
                bail!(
                    "the server closed the connection: {}",
                    String::from_utf8_lossy(&self.received)
                );
            }
        }
    }
}

/// Parses the head of a response, once all of it is received.
fn read_head(received: &[u8]) -> Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(body) =
        response.parse(received).context("the response is not HTTP")?
    else {
        return Ok(None);
    };
    let length =
        response.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|header| std::str::from_utf8(header.value).ok()?.parse().ok());
    let length = length.context("the response has no length")?;
    Ok(Some(Head { status: response.code.unwrap_or(0), length, body }))
}
