//! How many connections may be open, in all and from one address (§13).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http_support::client_address::TrustedProxies;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The maximum number of open connections. Further ones wait in the operating system's backlog.
pub(crate) const CONNECTIONS: usize = 16_384;

/// The maximum number from one address, so that one machine cannot take all of them. Further ones
/// are closed at once. Trusted proxies and this machine itself have no such limit.
const CONNECTIONS_OF_ADDRESS: usize = 2048;

/// How long a connection may wait for the head of a request, idle or not. A slower client would
/// occupy the connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);

/// The same for connections of trusted proxies and of this machine. Proxies keep idle connections, up
/// to 2 minutes by default, and close them themselves: if the server did, a request could be on its
/// way, and the proxy would answer 502.
const HEAD_TIMEOUT_OF_PROXIES: Duration = Duration::from_secs(150);

/// The open connections. Clones share them.
#[derive(Clone)]
pub(super) struct Connections {
    slots: Arc<Semaphore>,
    of_address: Arc<Mutex<HashMap<IpAddr, usize>>>,
    trusted_proxies: TrustedProxies,
}

/// A free slot for a connection that is not accepted yet.
pub(super) struct Slot {
    _permit: OwnedSemaphorePermit,
}

/// An open connection. Dropping it makes room for another.
pub(super) struct Open {
    address: Option<IpAddr>,
    connections: Connections,
    _slot: Slot,
}

impl Connections {
    /// None are open.
    pub(super) fn new(trusted_proxies: TrustedProxies) -> Self {
        let slots = Arc::new(Semaphore::new(CONNECTIONS));
        Self { slots, of_address: Arc::default(), trusted_proxies }
    }

    /// Waits for a free slot.
    pub(super) async fn slot(&self) -> Option<Slot> {
        // The semaphore is never closed, so there always is one.
        let permit = Arc::clone(&self.slots).acquire_owned().await.ok()?;
        Some(Slot { _permit: permit })
    }

    /// How long a connection from this address may wait for the head of a request.
    pub(super) fn head_timeout(&self, address: IpAddr) -> Duration {
        let is_from_proxy = self.is_from_proxy(address.to_canonical());
        if is_from_proxy { HEAD_TIMEOUT_OF_PROXIES } else { HEAD_TIMEOUT }
    }

    fn is_from_proxy(&self, address: IpAddr) -> bool {
        address.is_loopback() || self.trusted_proxies.trusts(address)
    }

    /// Counts a connection from this address. `None` if there are too many from there.
    pub(super) fn open(&self, address: IpAddr, slot: Slot) -> Option<Open> {
        let address = address.to_canonical();
        let is_limited = !self.is_from_proxy(address);
        if is_limited {
            let mut of_address = self.of_address.lock();
            let count = of_address.entry(address).or_default();
            if *count >= CONNECTIONS_OF_ADDRESS {
                return None;
            }
            *count += 1;
        }
        let address = is_limited.then_some(address);
        Some(Open { address, connections: self.clone(), _slot: slot })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let Some(address) = self.address else { return };
        let mut of_address = self.connections.of_address.lock();
        if let Some(count) = of_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                of_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_closes_idle_connections_before_the_server_does() {
        let connections = Connections::new("192.0.2.0/24".parse().unwrap());
        for (address, timeout) in [
            ("198.51.100.1", HEAD_TIMEOUT),
            ("::ffff:198.51.100.1", HEAD_TIMEOUT),
            ("192.0.2.7", HEAD_TIMEOUT_OF_PROXIES),
            ("::ffff:192.0.2.7", HEAD_TIMEOUT_OF_PROXIES),
            ("127.0.0.1", HEAD_TIMEOUT_OF_PROXIES),
        ] {
            assert_eq!(connections.head_timeout(address.parse().unwrap()), timeout, "{address}");
        }
    }

    #[tokio::test]
    async fn one_address_cannot_take_all_connections() {
        let connections = Connections::new("192.0.2.7".parse().unwrap());
        let open = async |address: &str| {
            let slot = connections.slot().await.unwrap();
            connections.open(address.parse().unwrap(), slot)
        };
        let mut held = Vec::new();
        for _ in 0..CONNECTIONS_OF_ADDRESS {
            held.push(open("198.51.100.1").await.unwrap());
        }
        assert!(open("198.51.100.1").await.is_none());
        assert!(open("::ffff:198.51.100.1").await.is_none(), "the same address");
        for unlimited in ["127.0.0.1", "192.0.2.7"] {
            for _ in 0..=CONNECTIONS_OF_ADDRESS {
                held.push(open(unlimited).await.unwrap());
            }
        }
        assert!(open("198.51.100.2").await.is_some());
        held.remove(0);
        assert!(open("198.51.100.1").await.is_some());
        held.clear();
        assert_eq!(connections.of_address.lock().len(), 0);
    }
}
