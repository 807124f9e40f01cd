//! What holds on PostgreSQL only: several servers on one database, and a database that becomes
//! unavailable (§3, §4, §9, §10, §13).

mod events;
mod hang_ups;
mod limits;
mod outages;
mod pooler;
mod replicas;
mod starts;
mod stores;

use domain::secret_key::SecretKey;
use server::Config;

use crate::support::TestServer;

/// Gives servers with different data directories the same secrets.
fn share_secrets(config: &mut Config) {
    config.secret_key = SecretKey::from_hex(&"5e".repeat(32));
    config.verification_secret = Some("shared by all verifiers".into());
}

/// Two servers on one database.
async fn start_two() -> [TestServer; 2] {
    let server = TestServer::start().await;
    let replica = server.replica(2, |_| {}).await;
    [server, replica]
}
