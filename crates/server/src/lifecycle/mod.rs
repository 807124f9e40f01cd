//! Starting, running and stopping a server (§13).

mod background;
mod build;
mod connections;
pub(crate) mod consistency;
mod copy;
pub(crate) mod data_directory;
mod demo;
mod handshakes;
mod health_watch;
mod layered_router;
mod listener;
pub(crate) mod missing_database;
#[cfg(feature = "bench")]
mod no_op;
mod on_demand;
mod options;
mod parts;
mod server;
mod start_error;
mod stores;
mod traces_to;
mod write_timeout;

pub(crate) use self::connections::CONNECTIONS;
pub use self::copy::{CopiedDeployment, copy};
pub use self::demo::Demo;
pub(crate) use self::handshakes::PLAIN_HTTP_ANSWER;
pub use self::on_demand::BackgroundTrigger;
pub(crate) use self::options::check_options;
pub use self::options::read_catalogue;
pub(crate) use self::options::read_verifiers;
pub use self::server::Server;
pub use self::start_error::StartError;
pub use self::stores::migrate;
