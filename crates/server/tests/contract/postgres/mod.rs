//! What is so on PostgreSQL only: many servers on one database, and a database that goes away (§4,
//! §9, §10, §13).

mod events;
mod limits;
mod outages;
mod replicas;
mod starts;
mod stores;

use domain::secret_key::SecretKey;
use server::Config;

/// Servers with data directories of their own share their secrets by option.
fn share_secrets(config: &mut Config) {
    config.secret_key = SecretKey::from_hex(&"5e".repeat(32));
    config.verification_secret = Some("shared by all verifiers".into());
}
