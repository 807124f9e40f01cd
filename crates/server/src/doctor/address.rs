//! The check `address`: it is free, or a fieldtest server listens on it.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use tokio::net::TcpSocket;

use super::finding::Finding;
use crate::config::Config;
use crate::lifecycle::PLAIN_HTTP_ANSWER;

pub(super) const CHECK: &str = "address";

/// The timeout of each step of a request to the server at the address.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The longest response that is read, in bytes. The response of `/healthz` is shorter.
const LONGEST_ANSWER: u64 = 4096;

pub(super) fn check(config: &Config) -> Vec<Finding> {
    vec![finding(config.listen, bind(config.listen))]
}

/// Binds the address without listening, with `SO_REUSEADDR`, so that a server can start at the same
/// time.
fn bind(address: SocketAddr) -> io::Result<()> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)
}

fn finding(address: SocketAddr, bound: io::Result<()>) -> Finding {
    let Err(error) = bound else { return Finding::good(CHECK, format!("{address} is free")) };
    match error.kind() {
        ErrorKind::AddrInUse if is_fieldtest(address).unwrap_or(false) => {
            Finding::good(CHECK, format!("a fieldtest server is at {address}"))
        }
        ErrorKind::AddrInUse => Finding::failed(
            CHECK,
            format!("{address} is taken by something that does not answer as fieldtest does"),
            "stop what is there, or choose another address with --listen",
        ),
        ErrorKind::AddrNotAvailable => Finding::failed(
            CHECK,
            format!("{address} is no address of this machine"),
            "choose one that is with --listen; 0.0.0.0 stands for all of them",
        ),
        ErrorKind::PermissionDenied => Finding::failed(
            CHECK,
            format!("this account may not listen on {address}"),
            "choose a port from 1024 on with --listen, or give the account the right to the port",
        ),
        _ => Finding::failed(
            CHECK,
            format!("{address} cannot be used: {error}"),
            "choose another address with --listen",
        ),
    }
}

/// Whether the server at the address answers `/healthz` as fieldtest does, or as it refuses plain
/// HTTP.
fn is_fieldtest(address: SocketAddr) -> io::Result<bool> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    write!(stream, "GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    // A server that does not close the connection may have sent its response all the same.
    let _ = stream.take(LONGEST_ANSWER).read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    let is_healthy = answer.starts_with("HTTP/1.1 200 ") && answer.ends_with(r#"{"status":"ok"}"#);
    Ok(is_healthy || answer == PLAIN_HTTP_ANSWER)
}
