//! Clients that wait for each response before they send the next request: the greatest throughput.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail};
use hdrhistogram::Histogram;
use tokio::task::LocalSet;

use super::measured::{Measured, latencies, micros};
use super::{Connection, Request, on_one_thread};

/// How many connections are opened concurrently.
const CONCURRENT_OPENS: usize = 128;

/// A closed loop.
pub(crate) struct Closed {
    pub(crate) address: SocketAddr,
    pub(crate) connections: usize,
    /// The time before responses are counted.
    pub(crate) warm_up: Duration,
    pub(crate) duration: Duration,
}

struct Shared {
    latencies: RefCell<Histogram<u64>>,
    is_measuring: Cell<bool>,
    is_over: Cell<bool>,
}

impl Closed {
    /// Sends requests for the duration. Fails if a response has another status than the request
    /// expects.
    pub(crate) fn run(&self, request: &Request) -> Result<Measured> {
        on_one_thread(LocalSet::new().run_until(async {
            let connections = open_all(self.address, self.connections).await?;
            let shared = Rc::new(Shared {
                latencies: RefCell::new(latencies()?),
                is_measuring: Cell::new(false),
                is_over: Cell::new(false),
            });
            let clients: Vec<_> = connections
                .into_iter()
                .map(|connection| {
                    tokio::task::spawn_local(run_client(
                        connection,
                        request.clone(),
                        Rc::clone(&shared),
                    ))
                })
                .collect();
            tokio::time::sleep(self.warm_up).await;
            shared.is_measuring.set(true);
            let start = Instant::now();
            tokio::time::sleep(self.duration).await;
            let took = start.elapsed();
            shared.is_measuring.set(false);
            shared.is_over.set(true);
            for client in clients {
                client.await??;
            }
            Measured::new(shared.latencies.borrow().clone(), took)
        }))
    }
}

async fn run_client(
    mut connection: Connection,
    mut request: Request,
    shared: Rc<Shared>,
) -> Result<()> {
    let mut bytes = Vec::with_capacity(1024);
    while !shared.is_over.get() {
        request.write(&mut bytes);
        let sent = Instant::now();
        expect(&mut connection, &bytes, request.status).await?;
        if shared.is_measuring.get() {
            shared.latencies.borrow_mut().saturating_record(micros(sent.elapsed()));
        }
    }
    Ok(())
}

/// Sends each of these requests once over this number of connections. `inspect` gets each body.
pub(crate) fn each_once(
    address: SocketAddr,
    connections: usize,
    status: u16,
    requests: &[Vec<u8>],
    inspect: impl Fn(&[u8]),
) -> Result<Measured> {
    on_one_thread(async {
        let connections = open_all(address, connections).await?;
        let (next, latencies) = (Cell::new(0), RefCell::new(latencies()?));
        let start = Instant::now();
        let clients = connections.into_iter().map(async |mut connection| {
            while let Some(request) = requests.get(next.replace(next.get() + 1)) {
                let sent = Instant::now();
                inspect(expect(&mut connection, request, status).await?);
                latencies.borrow_mut().saturating_record(micros(sent.elapsed()));
            }
            anyhow::Ok(())
        });
        futures_util::future::try_join_all(clients).await?;
        let took = start.elapsed();
        Measured::new(latencies.into_inner(), took)
    })
}

pub(super) async fn open_all(address: SocketAddr, connections: usize) -> Result<Vec<Connection>> {
    let mut open = Vec::with_capacity(connections);
    while open.len() < connections {
        let more = (connections - open.len()).min(CONCURRENT_OPENS);
        let opened =
            futures_util::future::try_join_all((0..more).map(|_| Connection::open(address))).await;
        open.extend(opened.map_err(|error| anyhow!("after {} connections: {error}", open.len()))?);
    }
    Ok(open)
}

pub(super) async fn expect<'a>(
    connection: &'a mut Connection,
    request: &[u8],
    status: u16,
) -> Result<&'a [u8]> {
    let response = connection.send(request).await?;
    if response.status != status {
        bail!(
            "status {} instead of {status}: {}",
            response.status,
            String::from_utf8_lossy(response.body)
        );
    }
    Ok(response.body)
}
