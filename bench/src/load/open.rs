//! Callers who come when they come, whether or not the server keeps up: how long they wait.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::closed::{expect, open_all};
use super::measured::{Measured, latencies, micros};
use super::{Request, on_one_thread};

/// An open loop: one request after the other is due at an even pace. A latency counts from when it
/// was due, so a server that stalls is charged for everybody who had to wait.
pub(crate) struct Open {
    pub(crate) address: SocketAddr,
    pub(crate) connections: usize,
    pub(crate) per_second: f64,
    /// How long nothing is counted.
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
            let callers = connections.into_iter().map(async |mut connection| {
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
            futures_util::future::try_join_all(callers).await?;
            Measured::new(latencies.into_inner(), self.duration)
        })
    }
}
