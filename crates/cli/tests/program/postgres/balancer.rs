//! One address for several servers, as a load balancer gives it.

use std::sync::{Arc, Mutex};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

/// The addresses of servers, some of which may be down.
pub(super) type Addresses = Arc<Mutex<Vec<String>>>;

/// Starts a load balancer that passes each connection to a server that accepts it. Returns its URL.
pub(super) async fn balance(addresses: Addresses) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        for number in 0_usize.. {
            let (mut client, _) = listener.accept().await.unwrap();
            let addresses = Arc::clone(&addresses);
            tokio::spawn(async move {
                let mut candidates = addresses.lock().unwrap().clone();
                let count = candidates.len().max(1);
                candidates.rotate_left(number % count);
                for candidate in candidates {
                    if let Ok(mut server) = TcpStream::connect(&candidate).await {
                        // An error on either side closes both connections.
                        let _ = copy_bidirectional(&mut client, &mut server).await;
                        return;
                    }
                }
            });
        }
    });
    url
}
