//! What an operator decides (§13).

use std::collections::BTreeSet;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use db::{Location, PostgresOptions, PostgresUrl};
use domain::Environment;
use domain::secret_key::SecretKey;
use http_support::rate_limit::RateLimit;

/// Everything that a server needs to be told (§13).
#[derive(Clone)]
pub struct Config {
    /// Where to accept connections; port 0 means any free one.
    pub listen: SocketAddr,
    /// Where the embedded databases and the generated secrets are kept.
    pub data_dir: PathBuf,
    /// The PostgreSQL database to use instead of the embedded ones.
    pub database_url: Option<PostgresUrl>,
    /// The PostgreSQL database of the challenge service, if it has one of its own.
    pub tpas_database_url: Option<PostgresUrl>,
    /// How many connections each store keeps for reading, where it is on PostgreSQL; at least 1.
    pub database_connections: usize,
    /// How long PostgreSQL may take for a read or a write.
    pub database_timeout: Duration,
    /// Which kind of deployment this is.
    pub environment: Environment,
    /// What this process does.
    pub roles: Roles,
    /// How testers reach this deployment, without a slash at the end. `None` means: as they reached
    /// it.
    pub public_url: Option<String>,
    /// Where the challenge service runs; `None` means in this process.
    pub tpas_url: Option<String>,
    /// The bearer token of the challenge service's service surface; `None` leaves that surface
    /// shut.
    pub tpas_token: Option<String>,
    /// The key from which the challenge service makes its tokens and hashes; `None` means one that
    /// is generated and kept in the data directory.
    pub secret_key: Option<SecretKey>,
    /// The secret with which verification events are signed; `None` means one that is generated and
    /// kept in the data directory.
    pub verification_secret: Option<String>,
    /// How many requests a second one API key may make.
    pub rate_limit: RateLimit,
    /// A provider catalogue of the operator's own.
    pub catalogue: Option<PathBuf>,
    /// Whether an empty sandbox gets a demo workspace.
    pub demo: bool,
    /// How long things may take.
    pub limits: Limits,
    /// When background work runs.
    pub background: Background,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            data_dir: PathBuf::from("./data"),
            database_url: None,
            tpas_database_url: None,
            database_connections: PostgresOptions::READERS,
            database_timeout: PostgresOptions::DEFAULT_TIMEOUT,
            environment: Environment::Sandbox,
            roles: Roles::default(),
            public_url: None,
            tpas_url: None,
            tpas_token: None,
            secret_key: None,
            verification_secret: None,
            rate_limit: RateLimit::default(),
            catalogue: None,
            demo: true,
            limits: Limits::default(),
            background: Background::Periodic,
        }
    }
}

impl Config {
    /// Where workspaces and production tests are kept.
    #[must_use]
    pub fn workspace_location(&self) -> Location {
        self.location(self.database_url.as_ref())
    }

    /// Where challenges are kept.
    #[must_use]
    pub fn challenge_location(&self) -> Location {
        self.location(self.tpas_database_url.as_ref().or(self.database_url.as_ref()))
    }

    fn location(&self, url: Option<&PostgresUrl>) -> Location {
        match url {
            None => Location::Folder(self.data_dir.clone()),
            Some(url) => Location::Postgres(Box::new(PostgresOptions {
                url: url.clone(),
                readers: self.database_connections,
                timeout: self.database_timeout,
            })),
        }
    }
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From a request's head to its answer.
    pub request: Duration,
    /// How long a repetition waits for the first request with its idempotency key.
    pub repetition: Duration,
    /// How long the challenge service may take to answer a read that a caller waits for.
    pub peer_read: Duration,
    /// How long the challenge service may take to make a challenge.
    pub hand_over: Duration,
    /// How long the hand-over rests between two looks, if nobody says that there is something new.
    pub hand_over_rest: Duration,
    /// How long a stopping server finishes what is in flight.
    pub drain: Duration,
    /// How long a stream of events may be silent.
    pub heartbeat: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request: Duration::from_secs(10),
            repetition: Duration::from_secs(3),
            peer_read: Duration::from_millis(1500),
            hand_over: Duration::from_secs(10),
            hand_over_rest: Duration::from_secs(1),
            drain: Duration::from_secs(10),
            heartbeat: Duration::from_secs(15),
        }
    }
}

/// When background work runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Background {
    /// Periodically, and sooner when there is a reason to.
    Periodic,
    /// Only when [`crate::Rounds::run`] asks for it: for tests and simulations.
    OnDemand,
}

/// A part of what fieldtest does, which can run in a process of its own (§13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The Workspace API.
    Api,
    /// Hands challenge requests over.
    Scheduler,
    /// The challenge service.
    Tpas,
    /// Pages for people.
    Web,
}

impl Role {
    const ALL: [Self; 4] = [Self::Api, Self::Scheduler, Self::Tpas, Self::Web];

    fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Scheduler => "scheduler",
            Self::Tpas => "tpas",
            Self::Web => "web",
        }
    }
}

/// What one process does: one role or more (§13).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roles(BTreeSet<Role>);

impl Roles {
    /// Whether this process plays this role.
    #[must_use]
    pub fn has(&self, role: Role) -> bool {
        self.0.contains(&role)
    }
}

impl Default for Roles {
    fn default() -> Self {
        Self(Role::ALL.into())
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(|role| role.as_str()).collect();
        formatter.write_str(&names.join(","))
    }
}

/// The text names no roles.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("name one or more of api, scheduler, tpas, web, separated by commas")]
pub struct UnknownRole;

impl FromStr for Roles {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let role = |name: &str| {
            Role::ALL.into_iter().find(|role| role.as_str() == name.trim()).ok_or(UnknownRole)
        };
        text.split(',').map(role).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_read_as_they_are_written() {
        assert_eq!(Roles::default().to_string(), "api,scheduler,tpas,web");
        let some: Roles = "tpas, api".parse().unwrap();
        assert_eq!(some.to_string(), "api,tpas");
        assert!(some.has(Role::Tpas) && !some.has(Role::Web));
        for wrong in ["", "api,", "apis"] {
            assert_eq!(wrong.parse::<Roles>(), Err(UnknownRole), "{wrong}");
        }
    }
}
