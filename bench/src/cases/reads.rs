//! Reads of a long list of scheduled production tests.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::create::{figures, order};
use crate::context::{BenchContext, Figures};
use crate::load::{Closed, Keys, Request, each_once};
use crate::polling::wait_until;
use crate::program::Server;

/// How long scheduling the list may take.
const TIMEOUT: Duration = Duration::from_mins(5);

pub(crate) fn page(context: &BenchContext) -> Result<Figures> {
    read(context, |_| Ok(format!("{}?limit=20&order=desc", Server::tests_path())))
}

pub(crate) fn one(context: &BenchContext) -> Result<Figures> {
    read(context, |server| Ok(format!("{}/{}", Server::tests_path(), newest_challenge(server)?)))
}

pub(crate) fn report(context: &BenchContext) -> Result<Figures> {
    read(context, |server| {
        Ok(format!("{}/{}/report", Server::tests_path(), newest_challenge(server)?))
    })
}

fn read(context: &BenchContext, path: impl Fn(&Server) -> Result<String>) -> Result<Figures> {
    let server = context.program.serve(context.listed(fill)?.path(), &[])?;
    let request = Request::get(&path(&server)?, &server.api_key()?);
    let (warm_up, duration) = (context.settings.warm_up, context.settings.duration);
    let load = Closed { address: server.address, connections: 64, warm_up, duration };
    Ok(figures(&load.run(&request)?))
}

/// Measures the time to the first byte of the whole list and to its last, and how much the server's
/// memory grows meanwhile.
pub(crate) fn full_list(context: &BenchContext) -> Result<Figures> {
    let server = context.program.serve(context.listed(fill)?.path(), &[])?;
    let idle = server.memory()?;
    let mut stream = TcpStream::connect(server.address)?;
    let head = format!(
        "GET {} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n",
        Server::tests_path()
    );
    let asked = Instant::now();
    stream.write_all(
        format!("{head}Authorization: Bearer {}\r\n\r\n", server.api_key()?).as_bytes(),
    )?;
    let mut buffer = vec![0; 64 * 1024];
    let mut bytes = stream.read(&mut buffer)?;
    let first_byte = asked.elapsed();
    if !buffer.starts_with(b"HTTP/1.1 200") {
        bail!("the list was not answered: {}", String::from_utf8_lossy(&buffer));
    }
    loop {
        match stream.read(&mut buffer)? {
            0 => break,
            more => bytes += more,
        }
    }
    let megabytes = f64::from(u32::try_from(bytes / 1024)?) / 1024.0;
    Ok(Figures::from([
        ("first byte ms", first_byte.as_secs_f64() * 1000.0),
        ("all of it s", asked.elapsed().as_secs_f64()),
        ("megabytes", megabytes),
        ("memory grows by MB", server.peak_memory()? - idle),
    ]))
}

/// Fills a database with a long list of production tests: created over HTTP and scheduled by the
/// server.
pub(crate) fn fill(context: &BenchContext) -> Result<tempfile::TempDir> {
    let data = context.program.new_data()?;
    let server = context.program.serve(data.path(), &[])?;
    println!("  creating and scheduling {} production tests first", context.settings.listed);
    let mut request = order(&server.api_key()?).with(Keys::Unique);
    let mut bytes = Vec::new();
    let requests: Vec<Vec<u8>> = (0..context.settings.listed)
        .map(|_| {
            request.write(&mut bytes);
            bytes.clone()
        })
        .collect();
    each_once(server.address, 64, request.status, &requests, |_| {})?;
    wait_until(TIMEOUT, || Ok(pending(&server)? == 0))?;
    server.stop()?;
    Ok(data)
}

fn pending(server: &Server) -> Result<usize> {
    let pending = get(server, "?status=pending&limit=1")?;
    Ok(pending.as_array().map_or(0, Vec::len))
}

fn newest_challenge(server: &Server) -> Result<String> {
    let newest = get(server, "?type=challenge&order=desc&limit=1")?;
    let id = newest.pointer("/0/challenge/id").and_then(Value::as_str);
    Ok(id.context("there is no challenge")?.to_owned())
}

/// Lists production tests with this query.
pub(crate) fn get(server: &Server, query: &str) -> Result<Value> {
    let mut request = Request::get(&format!("{}{query}", Server::tests_path()), &server.api_key()?);
    let mut bytes = Vec::new();
    request.write(&mut bytes);
    let body = std::cell::RefCell::new(Vec::new());
    each_once(server.address, 1, 200, &[bytes], |answer| *body.borrow_mut() = answer.to_vec())?;
    Ok(serde_json::from_slice(&body.into_inner())?)
}
