//! Webhooks: events are delivered to the receivers of relying parties (§12).
//!
//! [`Sender`] makes one attempt, signed, and never to an address inside ([`AddressPolicy`]).
//! [`run`] makes all that are due: each webhook is leased as a whole, so that replicas share the
//! work and one dead receiver takes one place.

mod address;
mod run;
mod sender;
mod signature;

pub use self::address::{AddressPolicy, UrlError};
pub use self::run::{Webhooks, delivery_body, run};
pub use self::sender::{Attempt, Message, Sender};
