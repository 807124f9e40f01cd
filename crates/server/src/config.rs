//! The configuration of a server (§13).

use std::collections::BTreeSet;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use db::{Location, PostgresOptions, PostgresUrl};
use domain::Environment;
use domain::secret_key::SecretKey;
use http_support::client_address::TrustedProxies;
use http_support::public_url::PublicUrl;
use http_support::rate_limit::RateLimit;
use ipnet::IpNet;

use crate::tls::TlsFiles;

/// The configuration of a server. The fields are named like their options (§13).
#[derive(Clone)]
pub struct Config {
    /// The address to listen on; port 0 means any free port.
    pub listen: SocketAddr,
    /// The directory of the embedded databases and the generated secrets.
    pub data_dir: PathBuf,
    /// The PostgreSQL database to use instead of the embedded ones.
    pub database_url: Option<PostgresUrl>,
    /// The PostgreSQL database of the challenge service, if it is another one.
    pub tpas_database_url: Option<PostgresUrl>,
    /// How many connections for reads each store has on PostgreSQL; at least 1.
    pub database_connections: usize,
    /// The timeout of a read or a write on PostgreSQL.
    pub database_timeout: Duration,
    /// Which kind of deployment this is.
    pub environment: Environment,
    /// The roles of this process.
    pub roles: Roles,
    /// The URL at which testers reach this deployment, without a trailing slash. `None` means the
    /// host of each request.
    pub public_url: Option<String>,
    /// The file with the chain of certificates, in PEM format; `None` means no TLS.
    pub tls_cert: Option<PathBuf>,
    /// The file with the private key of the certificate; set if and only if that is.
    pub tls_key: Option<PathBuf>,
    /// The base URL of the challenge service; `None` means in this process.
    pub tpas_url: Option<String>,
    /// The bearer token of the challenge service's service surface; `None` closes that surface.
    pub tpas_token: Option<String>,
    /// A second token that the challenge service accepts while the first is being changed.
    pub previous_tpas_token: Option<String>,
    /// The key from which the challenge service derives its tokens and hashes; `None` means the one
    /// in the data directory, which is generated if it is missing.
    pub secret_key: Option<SecretKey>,
    /// The secret with which verification events are signed; `None` means the one in the data
    /// directory, which is generated if it is missing.
    pub verification_secret: Option<String>,
    /// The rate limit of each API key. Without one, testers may join without limits as well.
    pub rate_limit: RateLimit,
    /// The proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: TrustedProxies,
    /// Whether the access log has the address of each request's sender.
    pub log_client_address: bool,
    /// The collector of OpenTelemetry that gets traces, without `/v1/traces`; `None` means no traces.
    pub otlp_endpoint: Option<String>,
    /// Whom apps write to about a contract with a provider.
    pub contact: Option<String>,
    /// Networks inside to which webhooks may be delivered all the same.
    pub webhook_allow: Vec<IpNet>,
    /// The file with the verifiers; `None` means the simulator in a sandbox and nothing in
    /// production.
    pub verifiers: Option<PathBuf>,
    /// The operator's provider catalogue; `None` means the built-in one.
    pub catalogue: Option<PathBuf>,
    /// Whether an empty sandbox gets a demo workspace.
    pub demo: bool,
    /// The commit that the program was built from, or `unknown`: a label of a metric.
    pub commit: &'static str,
    /// Timeouts and periods.
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
            tls_cert: None,
            tls_key: None,
            tpas_url: None,
            tpas_token: None,
            previous_tpas_token: None,
            secret_key: None,
            verification_secret: None,
            rate_limit: RateLimit::default(),
            trusted_proxies: TrustedProxies::default(),
            log_client_address: false,
            otlp_endpoint: None,
            contact: None,
            webhook_allow: Vec::new(),
            verifiers: None,
            catalogue: None,
            demo: true,
            commit: "unknown",
            limits: Limits::default(),
            background: Background::Periodic,
        }
    }
}

impl Config {
    /// Where the workspace store is.
    #[must_use]
    pub fn workspace_location(&self) -> Location {
        self.location(self.database_url.as_ref())
    }

    /// Where the challenge store is.
    #[must_use]
    pub fn challenge_location(&self) -> Location {
        self.location(self.tpas_database_url.as_ref().or(self.database_url.as_ref()))
    }

    /// The files for TLS of its own, if both are named.
    #[must_use]
    pub fn tls_files(&self) -> Option<TlsFiles> {
        let (certificate, key) = self.tls_cert.clone().zip(self.tls_key.clone())?;
        Some(TlsFiles { certificate, key })
    }

    /// The URL at this address, for those who reach it without the public URL.
    #[must_use]
    pub fn url_at(&self, address: SocketAddr) -> String {
        let scheme = if self.tls_cert.is_some() { "https" } else { "http" };
        format!("{scheme}://{address}")
    }

    /// At which URL people reach this deployment.
    pub(crate) fn public_url(&self) -> PublicUrl {
        PublicUrl::new(self.public_url.clone(), self.tls_cert.is_some())
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

/// Timeouts and periods. Operators cannot change them; tests do.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long a request may take, from its head to its response.
    pub request: Duration,
    /// How long a repeated request waits for the first one with its idempotency key.
    pub repetition: Duration,
    /// How long the challenge service may take to answer a read that a caller waits for.
    pub challenge_service_read: Duration,
    /// How long the challenge service may take to create a challenge.
    pub hand_over: Duration,
    /// How often the dispatcher polls for due requests, if no notification wakes it up.
    pub hand_over_period: Duration,
    /// How long a stopping server waits for requests and tasks in flight.
    pub drain: Duration,
    /// How long an event stream may be silent before a heartbeat is sent.
    pub heartbeat: Duration,
    /// How long a TLS handshake may take.
    pub handshake: Duration,
    /// How often the files of the TLS certificate are looked at.
    pub certificate_period: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request: Duration::from_secs(10),
            repetition: Duration::from_secs(3),
            challenge_service_read: Duration::from_millis(1500),
            hand_over: Duration::from_secs(10),
            hand_over_period: Duration::from_secs(1),
            drain: Duration::from_secs(10),
            heartbeat: Duration::from_secs(15),
            handshake: Duration::from_secs(15),
            certificate_period: Duration::from_secs(10),
        }
    }
}

/// When background work runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Background {
    /// Periodically, and sooner after a notification.
    Periodic,
    /// Only when [`crate::BackgroundTrigger::run`] is called: for tests and simulations.
    OnDemand,
}

/// A part of fieldtest that can run in a separate process (§13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The Workspace API.
    Api,
    /// The scheduler.
    Scheduler,
    /// The challenge service. The option calls it `tpas`.
    ChallengeService,
    /// The pages.
    Web,
}

impl Role {
    const ALL: [Self; 4] = [Self::Api, Self::Scheduler, Self::ChallengeService, Self::Web];

    fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Scheduler => "scheduler",
            Self::ChallengeService => "tpas",
            Self::Web => "web",
        }
    }
}

/// The roles of one process: at least one (§13).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roles(BTreeSet<Role>);

impl Roles {
    /// Whether the process has this role.
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

/// The text is not a list of roles.
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
        assert!(some.has(Role::ChallengeService) && !some.has(Role::Web));
        for wrong in ["", "api,", "apis"] {
            assert_eq!(wrong.parse::<Roles>(), Err(UnknownRole), "{wrong}");
        }
    }
}
