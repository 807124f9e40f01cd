//! A server that sends the bytes that a test specifies.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

/// Serves one connection per handler, and then stops listening. A handler gets the connection after
/// the head of the request was read. Returns the origin, and a thread that returns the heads.
pub(crate) fn serve<H>(handlers: Vec<H>) -> (String, JoinHandle<Vec<String>>)
where
    H: FnOnce(TcpStream) + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let thread = thread::spawn(move || {
        let handle = |handler: H| {
            let (mut stream, _) = listener.accept().unwrap();
            let head = read_head(&mut stream);
            handler(stream);
            head
        };
        handlers.into_iter().map(handle).collect()
    });
    (origin, thread)
}

/// Sends these responses, one per connection, and then stops listening. An empty response closes
/// the connection.
pub(crate) fn respond(responses: Vec<String>) -> (String, JoinHandle<Vec<String>>) {
    let handler = |response: String| {
        move |mut stream: TcpStream| stream.write_all(response.as_bytes()).unwrap()
    };
    serve(responses.into_iter().map(handler).collect())
}

fn read_head(stream: &mut TcpStream) -> String {
    let (mut request, mut bytes) = (String::new(), [0; 1024]);
    while !request.contains("\r\n\r\n") {
        let read = stream.read(&mut bytes).unwrap();
        request.push_str(&String::from_utf8_lossy(bytes.get(..read).unwrap()));
    }
    request.split("\r\n\r\n").next().unwrap().to_owned()
}

/// A response with this status line, headers and body.
pub(crate) fn response(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}
