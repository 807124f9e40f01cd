//! From options to the server's configuration.

use std::time::Duration;

use db::PostgresUrl;
use domain::secret_key::SecretKey;
use server::Config;

use super::Options;
use crate::failure::Failure;
use crate::values::Secret;

impl Options {
    /// Whether one of these options is a secret, or a URL with a password.
    pub(crate) fn contain_a_secret(&self) -> bool {
        let urls = [&self.database_url, &self.tpas_database_url];
        let has_password =
            |Secret(url): &Secret| url.parse().is_ok_and(|url: PostgresUrl| url.has_password());
        let secrets = [&self.secret_key, &self.verification_secret];
        self.tpas_token.is_some()
            || secrets.iter().any(|secret| secret.is_some())
            || urls.iter().any(|url| url.as_ref().is_some_and(has_password))
    }

    /// The server's configuration. Options that are not set have their defaults.
    pub(crate) fn config(self) -> Result<Config, Failure> {
        let (tpas_token, previous_tpas_token) = tokens(self.tpas_token)?;
        let default = Config::default();
        Ok(Config {
            listen: self.listen.map_or(default.listen, |address| address.0),
            data_dir: self.data_dir.unwrap_or(default.data_dir),
            database_url: database_url("database-url", self.database_url)?,
            tpas_database_url: database_url("tpas-database-url", self.tpas_database_url)?,
            database_connections: self
                .database_connections
                .map_or(default.database_connections, |number| usize::from(number.get())),
            database_timeout: self.database_timeout.map_or(default.database_timeout, |millis| {
                Duration::from_millis(millis.get().into())
            }),
            environment: self.environment.unwrap_or(default.environment),
            roles: self.roles.unwrap_or(default.roles),
            public_url: self.public_url.map(|url| url.0),
            tls_cert: self.tls_cert,
            tls_key: self.tls_key,
            tpas_url: self.tpas_url.map(|url| url.0),
            tpas_token,
            previous_tpas_token,
            secret_key: secret_key(self.secret_key)?,
            verification_secret: self.verification_secret.map(|secret| secret.0),
            rate_limit: self.rate_limit.unwrap_or(default.rate_limit),
            trusted_proxies: self.trusted_proxies.unwrap_or(default.trusted_proxies),
            log_client_address: self.log_client_address.unwrap_or(default.log_client_address),
            otlp_endpoint: self.otlp_endpoint.map(|url| url.0),
            contact: self.contact,
            webhook_allow: self.webhook_allow.unwrap_or_default().0,
            verifiers: self.verifiers,
            catalogue: self.catalogue,
            demo: self.no_demo.map_or(default.demo, |no_demo| !no_demo),
            commit: commit(),
            limits: default.limits,
            background: default.background,
        })
    }
}

/// The commit without the reason why it is unknown.
fn commit() -> &'static str {
    let commit = env!("COMMIT");
    commit.split_once(',').map_or(commit, |(commit, _)| commit)
}

// Secrets are parsed here and not by clap, whose errors quote the value.

fn database_url(option: &str, text: Option<Secret>) -> Result<Option<PostgresUrl>, Failure> {
    text.map(|Secret(text)| text.parse())
        .transpose()
        .map_err(|error| Failure::Input(format!("the value of {option} is not valid: {error}")))
}

fn secret_key(text: Option<Secret>) -> Result<Option<SecretKey>, Failure> {
    let Some(Secret(text)) = text else { return Ok(None) };
    let malformed = || {
        Failure::Input(
            "secret-key must be 64 hexadecimal digits, such as `openssl rand -hex 32` prints"
                .into(),
        )
    };
    SecretKey::from_hex(&text).map(Some).ok_or_else(malformed)
}

/// The token of the challenge service, and the one before it: given twice, or with a comma between
/// them.
fn tokens(given: Option<Vec<Secret>>) -> Result<(Option<String>, Option<String>), Failure> {
    let Some(given) = given else { return Ok((None, None)) };
    let fits =
        |token: &&str| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    let tokens: Vec<&str> =
        given.iter().flat_map(|Secret(text)| text.split(',')).map(str::trim).collect();
    match tokens.as_slice() {
        [token] if fits(token) => Ok((Some((*token).to_owned()), None)),
        [token, previous] if fits(token) && fits(previous) => {
            Ok((Some((*token).to_owned()), Some((*previous).to_owned())))
        }
        _ => Err(Failure::Input(
            "the value of tpas-token must be one token, or two with a comma between them, without \
             spaces and characters that a header cannot contain; choose another"
                .into(),
        )),
    }
}
