//! A request written to the socket piece by piece, for what an HTTP client does not do: stop in
//! the middle, or hang up.

use std::fmt::Write as _;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{TESTS, TestServer};

/// An order for a production test that is being sent. Dropping it hangs up.
pub(crate) struct RawRequest(TcpStream);

impl RawRequest {
    /// Connects, and sends the head of an order with a body of this length.
    pub(crate) async fn send_head(
        server: &TestServer,
        headers: &[(&str, &str)],
        body_length: usize,
    ) -> Self {
        let mut head = format!(
            "POST {TESTS} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\
             Authorization: Bearer {}\r\nContent-Length: {body_length}\r\n",
            server.api_key
        );
        for (name, value) in headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        stream.write_all(format!("{head}\r\n").as_bytes()).await.unwrap();
        Self(stream)
    }

    /// Connects, and sends this text.
    pub(crate) async fn send_text(server: &TestServer, text: &str) -> Self {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        Self(stream)
    }

    /// Connects, and sends a whole order.
    pub(crate) async fn send(server: &TestServer, headers: &[(&str, &str)], body: &str) -> Self {
        let mut request = Self::send_head(server, headers, body.len()).await;
        request.send_body(body).await;
        request
    }

    /// Waits until the server asks for the body: it is handling the request then.
    pub(crate) async fn expect_continue(&mut self) {
        let mut interim = [0; 25];
        self.0.read_exact(&mut interim).await.unwrap();
        assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    }

    pub(crate) async fn send_body(&mut self, body: &str) {
        self.0.write_all(body.as_bytes()).await.unwrap();
    }

    /// The whole response.
    pub(crate) async fn response(mut self) -> String {
        let mut response = String::new();
        self.0.read_to_string(&mut response).await.unwrap();
        response
    }
}
