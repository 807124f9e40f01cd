//! One address for several servers, as a load balancer gives it.

use std::sync::{Arc, Mutex};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

/// The addresses of servers, some of which may be dead.
pub(super) type Addresses = Arc<Mutex<Vec<String>>>;

/// Listens on an address of its own, and passes each connection to one of the servers that can be
/// reached; its URL.
pub(super) async fn balance(addresses: Addresses) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        for turn in 0_usize.. {
            let (mut caller, _) = listener.accept().await.unwrap();
            let addresses = Arc::clone(&addresses);
            tokio::spawn(async move {
                let mut candidates = addresses.lock().unwrap().clone();
                let count = candidates.len().max(1);
                candidates.rotate_left(turn % count);
                for candidate in candidates {
                    if let Ok(mut server) = TcpStream::connect(&candidate).await {
                        // Whoever breaks the connection, the other end sees it.
                        let _ = copy_bidirectional(&mut caller, &mut server).await;
                        return;
                    }
                }
            });
        }
    });
    url
}
