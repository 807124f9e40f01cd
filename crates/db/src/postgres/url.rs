//! The URL of a PostgreSQL database.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::session;

/// A `postgres://` URL with the options of PostgreSQL's own programs: those for the connection, and
/// `sslmode` and `sslrootcert` for TLS (§13). `Display` and `Debug` leave the password out.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    pub(super) config: Config,
    pub(super) tls: Tls,
    /// The settings of `options`, which are sent after connecting.
    pub(super) settings: Vec<(String, String)>,
}

impl PostgresUrl {
    /// Whether the URL contains a password.
    #[must_use]
    pub fn has_password(&self) -> bool {
        self.config.get_password().is_some()
    }
}

/// How the server's certificate is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tls {
    /// Not at all: the connection is encrypted, but the server can be an impostor.
    Unverified,
    /// A trusted authority must have signed it.
    VerifyCa(Roots),
    /// A trusted authority must have signed it, for the host of the URL.
    VerifyFull(Roots),
}

/// The trusted authorities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Roots {
    /// Those of the operating system.
    System,
    /// The certificates in this file.
    File(PathBuf),
}

/// The text is not a URL of a PostgreSQL database. The error does not repeat it, because it can
/// contain a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write a URL such as postgres://user:password@host:5432/database?sslmode=verify-full: {0}")]
pub struct MalformedPostgresUrl(String);

impl FromStr for PostgresUrl {
    type Err = MalformedPostgresUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if !["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
            return Err(MalformedPostgresUrl("it must begin with postgres://".into()));
        }
        let (place, query) = text.split_once('?').unwrap_or((text, ""));
        let mut tls_options = TlsOptions::default();
        let mut settings = Vec::new();
        let mut others = Vec::new();
        for option in query.split('&').filter(|option| !option.is_empty()) {
            if let Some(value) = option.strip_prefix("options=") {
                settings.extend(read_settings(value)?);
            } else if !tls_options.set(option) {
                others.push(option);
            }
        }
        let url = if others.is_empty() {
            place.to_owned()
        } else {
            format!("{place}?{}", others.join("&"))
        };
        let mut config: Config = url.parse().map_err(|error: tokio_postgres::Error| {
            use std::error::Error;
            // The driver's errors name options and hosts, never values.
            let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            MalformedPostgresUrl(cause)
        })?;
        if config.get_hosts().is_empty() {
            return Err(MalformedPostgresUrl("it must name a host".into()));
        }
        if config.get_dbname().is_none_or(str::is_empty) {
            return Err(MalformedPostgresUrl("it must name a database behind the host".into()));
        }
        let (mode, tls) = tls_options.resolve()?;
        config.ssl_mode(mode);
        Ok(Self { config, tls, settings })
    }
}

/// The settings in `options`.
fn read_settings(value: &str) -> Result<Vec<(String, String)>, MalformedPostgresUrl> {
    let text = percent_decode_str(value).decode_utf8_lossy();
    session::read_options(&text).ok_or_else(|| {
        MalformedPostgresUrl("options may contain settings only, as in -c%20name%3Dvalue".into())
    })
}

/// The URL's options for TLS.
#[derive(Default)]
struct TlsOptions {
    mode: Option<String>,
    root: Option<String>,
}

impl TlsOptions {
    /// Sets the option. Returns whether it is one for TLS.
    fn set(&mut self, option: &str) -> bool {
        let Some((name, value)) = option.split_once('=') else { return false };
        let place = match name {
            "sslmode" => &mut self.mode,
            "sslrootcert" => &mut self.root,
            _ => return false,
        };
        *place = Some(percent_decode_str(value).decode_utf8_lossy().into_owned());
        true
    }

    /// The TLS mode of the driver, and how the certificate is verified.
    fn resolve(self) -> Result<(SslMode, Tls), MalformedPostgresUrl> {
        let root = self.root.map(|root| match root.as_str() {
            "system" => Roots::System,
            path => Roots::File(path.into()),
        });
        match self.mode.as_deref() {
            Some("disable") => Ok((SslMode::Disable, Tls::Unverified)),
            None | Some("prefer" | "allow") => Ok((SslMode::Prefer, Tls::Unverified)),
            // As in PostgreSQL's own programs, a root is used if there is one.
            Some("require") => Ok((SslMode::Require, root.map_or(Tls::Unverified, Tls::VerifyCa))),
            Some("verify-ca") => {
                Ok((SslMode::Require, Tls::VerifyCa(root.unwrap_or(Roots::System))))
            }
            Some("verify-full") => {
                Ok((SslMode::Require, Tls::VerifyFull(root.unwrap_or(Roots::System))))
            }
            Some(_) => Err(MalformedPostgresUrl(
                "sslmode must be disable, allow, prefer, require, verify-ca or verify-full".into(),
            )),
        }
    }
}

/// Hosts and database, without secrets.
impl fmt::Display for PostgresUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts: Vec<String> = self.config.get_hosts().iter().map(host).collect();
        write!(formatter, "{}/{}", hosts.join(","), self.config.get_dbname().unwrap_or_default())
    }
}

fn host(host: &Host) -> String {
    match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(path) => path.display().to_string(),
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PostgresUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tls(query: &str) -> (SslMode, Tls) {
        let url: PostgresUrl =
            format!("postgres://me:hunter2@db.example/fieldtest{query}").parse().unwrap();
        (url.config.get_ssl_mode(), url.tls)
    }

    #[test]
    fn sslmode_and_sslrootcert_decide_how_the_certificate_is_verified() {
        let file = Roots::File("/etc/ca.pem".into());
        assert_eq!(tls(""), (SslMode::Prefer, Tls::Unverified));
        assert_eq!(tls("?sslmode=disable"), (SslMode::Disable, Tls::Unverified));
        assert_eq!(tls("?sslmode=require&connect_timeout=3"), (SslMode::Require, Tls::Unverified));
        assert_eq!(
            tls("?sslmode=require&sslrootcert=%2Fetc%2Fca.pem"),
            (SslMode::Require, Tls::VerifyCa(file.clone()))
        );
        assert_eq!(tls("?sslmode=verify-ca"), (SslMode::Require, Tls::VerifyCa(Roots::System)));
        assert_eq!(
            tls("?sslrootcert=/etc/ca.pem&sslmode=verify-full"),
            (SslMode::Require, Tls::VerifyFull(file))
        );
    }

    #[test]
    fn errors_name_the_fault_and_no_secret() {
        for (text, part) in [
            ("mysql://me:hunter2@host/x", "begin with postgres://"),
            ("postgres://me:hunter2@host", "name a database"),
            ("postgres:///fieldtest", "name a host"),
            ("postgres://me:hunter2@host/x?sslmode=hunter2", "sslmode must be"),
            ("postgres://me:hunter2@host/x?colour=hunter2", "colour"),
            ("postgres://me:hunter2@host/x?options=hunter2", "options may contain"),
            ("postgres://me:hunter2@host:hunter2/x", "port"),
        ] {
            let message = text.parse::<PostgresUrl>().unwrap_err().to_string();
            assert!(message.contains(part) && !message.contains("hunter2"), "{text}: {message}");
        }
        let url: PostgresUrl = "postgres://me:hunter2@db.example:1/fieldtest".parse().unwrap();
        let open: PostgresUrl = "postgres://me@db.example:1/fieldtest".parse().unwrap();
        assert!(url.has_password() && !open.has_password());
        assert_eq!(
            (url.to_string(), format!("{url:?}")),
            ("db.example/fieldtest".into(), "PostgresUrl(db.example/fieldtest)".into())
        );
    }
}
