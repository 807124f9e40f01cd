//! Requests at a fixed rate, whether or not the server keeps up: the latencies.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::closed::{expect, open_all};
use super::measured::{Measured, latencies, micros};
use super::{Request, on_one_thread};

/// An open loop: requests are due at a fixed rate. A latency counts from when the request was due,
/// so a stall of the server counts for every request that is due meanwhile.
pub(crate) struct Open {
    pub(crate) address: SocketAddr,
    pub(crate) connections: usize,
    pub(crate) per_second: f64,
    /// The time before responses are counted.
    pub(crate) warm_up: Duration,
    pub(crate) duration: Duration,
}

impl Open {
    pub(crate) fn run(&self, request: &Request) -> Result<Measured> {
        on_one_thread(async {
            let connections = open_all(self.address, self.connections).await?;
            let (next, latencies) = (Cell::new(0_u32), RefCell::new(latencies()?));
            let start = Instant::now();
            let end = self.warm_up + self.duration;
            let clients = connections.into_iter().map(async |mut connection| {
                let mut request = request.clone();
                let mut bytes = Vec::with_capacity(1024);
                loop {
                    let due = Duration::from_secs_f64(
                        f64::from(next.replace(next.get() + 1)) / self.per_second,
                    );
                    if due >= end {
                        return anyhow::Ok(());
                    }
                    if due > start.elapsed() {
                        tokio::time::sleep_until((start + due).into()).await;
                    }
                    request.write(&mut bytes);
                    expect(&mut connection, &bytes, request.status).await?;
                    if due >= self.warm_up {
                        latencies
                            .borrow_mut()
                            .saturating_record(micros(start.elapsed().saturating_sub(due)));
                    }
                }
            });
            futures_util::future::try_join_all(clients).await?;
            Measured::new(latencies.into_inner(), self.duration)
        })
    }
}
