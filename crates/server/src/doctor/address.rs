//! Whether the address is free, or a fieldtest server is there.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use tokio::net::TcpSocket;

use super::Finding;
use crate::config::Config;

pub(super) const CHECK: &str = "address";

/// How long whoever is at the address may take for each step of an answer.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(1);

/// The longest answer that is read, in bytes: that of `/healthz` is shorter.
const LONGEST_ANSWER: u64 = 4096;

pub(super) fn look(config: &Config) -> Vec<Finding> {
    vec![judge(config.listen, claim(config.listen))]
}

/// Claims the address without listening, as others may at the same time: a server that starts now
/// is not in the way of this, nor this in its way.
fn claim(address: SocketAddr) -> io::Result<()> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)
}

fn judge(address: SocketAddr, claimed: io::Result<()>) -> Finding {
    let Err(error) = claimed else { return Finding::good(CHECK, format!("{address} is free")) };
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

/// Whether what is at the address says that it lives, as fieldtest says it.
fn is_fieldtest(address: SocketAddr) -> io::Result<bool> {
    let mut stream = TcpStream::connect_timeout(&address, DEFAULT_TIMEOUT)?;
    stream.set_read_timeout(Some(DEFAULT_TIMEOUT))?;
    stream.set_write_timeout(Some(DEFAULT_TIMEOUT))?;
    write!(stream, "GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    // Who does not close the connection has still said something.
    let _ = stream.take(LONGEST_ANSWER).read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    Ok(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with(r#"{"status":"ok"}"#))
}
