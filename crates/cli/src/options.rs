//! The options of a server and of what works on its data, and the layers that they come from (§13).
//!
//! The command line comes before the environment, the environment before the file, the file before
//! the default. The first two are clap's; [`Options::or`] puts the file beneath them.

use std::num::{NonZeroU16, NonZeroU32};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Args, ValueHint};
use db::PostgresUrl;
use domain::Environment;
use domain::secret_key::SecretKey;
use serde::Deserialize;
use server::{Config, RateLimit, Roles};

use crate::choice::{ENVIRONMENTS, LOG_FORMATS, LOG_LEVELS, ROLES, one_of};
use crate::config_file::{self, written};
use crate::failure::Failure;
use crate::logging::{LogFormat, LogLevel};
use crate::values::{BaseUrl, ListenAddress, Secret};

/// The options of `fieldtest serve`, so far as one layer gives them.
#[derive(Args, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Options {
    /// Where to accept connections; port 0 is any free one [default: 127.0.0.1:8080]
    #[arg(long, env = "FIELDTEST_LISTEN", value_name = "ADDRESS")]
    #[serde(deserialize_with = "written")]
    pub(crate) listen: Option<ListenAddress>,

    /// Where databases and generated secrets are kept [default: ./data]
    #[arg(long, env = "FIELDTEST_DATA_DIR", value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    #[serde(deserialize_with = "written")]
    pub(crate) data_dir: Option<PathBuf>,

    /// A PostgreSQL database, postgres://…, instead of the embedded ones; may hold a password, so
    /// better put it into the environment or the file
    #[arg(long, env = "FIELDTEST_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    #[serde(deserialize_with = "written")]
    pub(crate) database_url: Option<Secret>,

    /// A PostgreSQL database of the challenge service's own [default: --database-url, in a schema
    /// of its own]
    #[arg(long, env = "FIELDTEST_TPAS_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    #[serde(deserialize_with = "written")]
    pub(crate) tpas_database_url: Option<Secret>,

    /// How many PostgreSQL connections each of the two stores keeps for reading [default: 8]
    #[arg(long, env = "FIELDTEST_DATABASE_CONNECTIONS", value_name = "NUMBER")]
    #[serde(deserialize_with = "written")]
    pub(crate) database_connections: Option<NonZeroU16>,

    /// How long PostgreSQL may take for a read or a write, in milliseconds [default: 1500]
    #[arg(long, env = "FIELDTEST_DATABASE_TIMEOUT", value_name = "MILLISECONDS")]
    #[serde(deserialize_with = "written")]
    pub(crate) database_timeout: Option<NonZeroU32>,

    /// sandbox (people are simulated) or production [default: sandbox]
    #[arg(long, env = "FIELDTEST_ENVIRONMENT", value_parser = one_of::<Environment>(ENVIRONMENTS), hide_possible_values = true)]
    #[serde(deserialize_with = "written")]
    pub(crate) environment: Option<Environment>,

    /// What this process does, separated by commas [default: api,scheduler,tpas,web]
    #[arg(long, env = "FIELDTEST_ROLES", value_parser = one_of::<Roles>(ROLES), hide_possible_values = true)]
    #[serde(deserialize_with = "written")]
    pub(crate) roles: Option<Roles>,

    /// How testers reach this deployment, where that is not how they seem to: behind a proxy that
    /// ends TLS
    #[arg(long, env = "FIELDTEST_PUBLIC_URL", value_name = "URL")]
    #[serde(deserialize_with = "written")]
    pub(crate) public_url: Option<BaseUrl>,

    /// Where the challenge service runs, if not in this process; needs --tpas-token
    #[arg(long, env = "FIELDTEST_TPAS_URL", value_name = "URL")]
    #[serde(deserialize_with = "written")]
    pub(crate) tpas_url: Option<BaseUrl>,

    /// The token of the challenge service's service surface; without one that surface is shut.
    /// Other users of this machine can see a command line: better put secrets into the environment
    /// or the file
    #[arg(long, env = "FIELDTEST_TPAS_TOKEN", value_name = "SECRET", hide_env_values = true)]
    #[serde(deserialize_with = "written")]
    pub(crate) tpas_token: Option<Secret>,

    /// The challenge service's secret key, 64 hexadecimal digits [default: generated and kept in
    /// the data directory]
    #[arg(long, env = "FIELDTEST_SECRET_KEY", value_name = "SECRET", hide_env_values = true)]
    #[serde(deserialize_with = "written")]
    pub(crate) secret_key: Option<Secret>,

    /// The secret with which verification events are signed [default: generated and kept in the
    /// data directory]
    #[arg(
        long,
        env = "FIELDTEST_VERIFICATION_SECRET",
        value_name = "SECRET",
        hide_env_values = true
    )]
    #[serde(deserialize_with = "written")]
    pub(crate) verification_secret: Option<Secret>,

    /// Requests per second and API key, twice as many in a burst; or off [default: 200]
    #[arg(long, env = "FIELDTEST_RATE_LIMIT", value_name = "NUMBER")]
    #[serde(deserialize_with = "written")]
    pub(crate) rate_limit: Option<RateLimit>,

    /// A provider catalogue of your own, a TOML file [default: the shipped one]
    #[arg(long, env = "FIELDTEST_CATALOGUE", value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[serde(deserialize_with = "written")]
    pub(crate) catalogue: Option<PathBuf>,

    /// Do not make a demo workspace in an empty sandbox
    #[arg(
        long,
        env = "FIELDTEST_NO_DEMO",
        value_name = "true|false",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = BoolishValueParser::new()
    )]
    #[serde(deserialize_with = "written")]
    pub(crate) no_demo: Option<bool>,

    /// How much to log: error, warn, info, debug or trace [default: info]
    #[arg(long, env = "FIELDTEST_LOG_LEVEL", value_name = "LEVEL", value_parser = one_of::<LogLevel>(LOG_LEVELS), hide_possible_values = true)]
    #[serde(deserialize_with = "written")]
    pub(crate) log_level: Option<LogLevel>,

    /// text, or json with one object a line [default: text]
    #[arg(long, env = "FIELDTEST_LOG_FORMAT", value_name = "FORMAT", value_parser = one_of::<LogFormat>(LOG_FORMATS), hide_possible_values = true)]
    #[serde(deserialize_with = "written")]
    pub(crate) log_format: Option<LogFormat>,
}

impl Options {
    /// These options, and where they are silent those of the layer beneath.
    pub(crate) fn or(self, beneath: Self) -> Self {
        let Self {
            listen,
            data_dir,
            database_url,
            tpas_database_url,
            database_connections,
            database_timeout,
            environment,
            roles,
            public_url,
            tpas_url,
            tpas_token,
            secret_key,
            verification_secret,
            rate_limit,
            catalogue,
            no_demo,
            log_level,
            log_format,
        } = self;
        Self {
            listen: listen.or(beneath.listen),
            data_dir: data_dir.or(beneath.data_dir),
            database_url: database_url.or(beneath.database_url),
            tpas_database_url: tpas_database_url.or(beneath.tpas_database_url),
            database_connections: database_connections.or(beneath.database_connections),
            database_timeout: database_timeout.or(beneath.database_timeout),
            environment: environment.or(beneath.environment),
            roles: roles.or(beneath.roles),
            public_url: public_url.or(beneath.public_url),
            tpas_url: tpas_url.or(beneath.tpas_url),
            tpas_token: tpas_token.or(beneath.tpas_token),
            secret_key: secret_key.or(beneath.secret_key),
            verification_secret: verification_secret.or(beneath.verification_secret),
            rate_limit: rate_limit.or(beneath.rate_limit),
            catalogue: catalogue.or(beneath.catalogue),
            no_demo: no_demo.or(beneath.no_demo),
            log_level: log_level.or(beneath.log_level),
            log_format: log_format.or(beneath.log_format),
        }
    }

    /// Whether one of these is a secret, or a URL with a password.
    pub(crate) fn hold_a_secret(&self) -> bool {
        let urls = [&self.database_url, &self.tpas_database_url];
        let has_password =
            |Secret(url): &Secret| url.parse().is_ok_and(|url: PostgresUrl| url.has_password());
        let secrets = [&self.tpas_token, &self.secret_key, &self.verification_secret];
        secrets.iter().any(|secret| secret.is_some())
            || urls.iter().any(|url| url.as_ref().is_some_and(has_password))
    }

    /// What the server is told; what no layer has given has its default.
    pub(crate) fn config(self) -> Result<Config, Failure> {
        let tpas_token = self.tpas_token.map(|Secret(token)| token);
        if tpas_token
            .as_ref()
            .is_some_and(|token| !token.bytes().all(|byte| byte.is_ascii_graphic()))
        {
            let problem = "the value of tpas-token has spaces or characters that cannot stand in a header; choose another";
            return Err(Failure::Input(problem.into()));
        }
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
            tpas_url: self.tpas_url.map(|url| url.0),
            tpas_token,
            secret_key: secret_key(self.secret_key)?,
            verification_secret: self.verification_secret.map(|secret| secret.0),
            rate_limit: self.rate_limit.unwrap_or(default.rate_limit),
            catalogue: self.catalogue,
            demo: self.no_demo.map_or(default.demo, |is_unwanted| !is_unwanted),
            limits: default.limits,
            background: default.background,
        })
    }
}

// What may be secret is read here and not by clap, whose errors quote what was typed.

fn database_url(option: &str, text: Option<Secret>) -> Result<Option<PostgresUrl>, Failure> {
    let read = |Secret(text): Secret| text.parse();
    text.map(read)
        .transpose()
        .map_err(|error| Failure::Input(format!("the value of {option} is not valid: {error}")))
}

fn secret_key(text: Option<Secret>) -> Result<Option<SecretKey>, Failure> {
    let Some(Secret(text)) = text else { return Ok(None) };
    let problem = || {
        Failure::Input(
            "secret-key must be 64 hexadecimal digits, such as `openssl rand -hex 32` prints"
                .into(),
        )
    };
    SecretKey::from_hex(&text).map(Some).ok_or_else(problem)
}

/// The file beneath the command line and the environment.
#[derive(Args)]
pub(crate) struct ConfigFile {
    /// A TOML file with options
    #[arg(long, env = "FIELDTEST_CONFIG", value_name = "FILE", value_hint = ValueHint::FilePath, global = true)]
    config: Option<PathBuf>,
}

impl ConfigFile {
    /// The file itself, if one was named.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// The file's options; none if no file was named.
    pub(crate) fn options(&self) -> Result<Options, Failure> {
        self.config.as_deref().map_or_else(|| Ok(Options::default()), config_file::read)
    }
}

/// Where a command finds the databases.
#[derive(Args)]
pub(crate) struct Place {
    #[command(flatten)]
    file: ConfigFile,

    /// Where databases and generated secrets are kept [default: ./data]
    #[arg(long, env = "FIELDTEST_DATA_DIR", value_name = "FOLDER", value_hint = ValueHint::DirPath, global = true)]
    data_dir: Option<PathBuf>,

    /// A PostgreSQL database, postgres://…, instead of the embedded ones
    #[arg(
        long,
        env = "FIELDTEST_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true,
        global = true
    )]
    database_url: Option<Secret>,

    /// A PostgreSQL database of the challenge service's own [default: --database-url]
    #[arg(
        long,
        env = "FIELDTEST_TPAS_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true,
        global = true
    )]
    tpas_database_url: Option<Secret>,
}

impl Place {
    /// The file's options, with the place that was typed.
    pub(crate) fn options(self) -> Result<Options, Failure> {
        let typed = Options {
            data_dir: self.data_dir,
            database_url: self.database_url,
            tpas_database_url: self.tpas_database_url,
            ..Options::default()
        };
        Ok(typed.or(self.file.options()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Command;

    fn declared() -> Command {
        Options::augment_args(Command::new("serve"))
    }

    #[test]
    fn every_option_is_an_environment_variable_and_a_key_of_the_file() {
        for argument in declared().get_arguments() {
            let name = argument.get_long().unwrap();
            let variable = format!("FIELDTEST_{}", name.to_uppercase().replace('-', "_"));
            assert_eq!(argument.get_env().unwrap().to_str(), Some(&*variable));
            let problem =
                config_file::parse(&format!("{name} = 1979-05-27")).err().unwrap().message;
            assert!(problem.starts_with("must be text"), "{name}: {problem}");
        }
    }

    #[test]
    fn help_names_the_defaults_that_hold() {
        let help = declared().term_width(0).render_help().to_string();
        let Config { listen, data_dir, environment, roles, rate_limit, .. } = Config::default();
        let data_dir = data_dir.display().to_string();
        for default in [
            listen.to_string(),
            data_dir,
            environment.to_string(),
            roles.to_string(),
            rate_limit.to_string(),
        ] {
            assert!(help.contains(&format!("[default: {default}]")), "{default} in {help}");
        }
    }

    #[test]
    fn what_is_silent_leaves_the_word_to_the_layer_beneath() {
        let file =
            config_file::parse("listen = '[::1]:1'\nenvironment = 'production'\nno-demo = true")
                .unwrap();
        let typed = Options {
            listen: "127.0.0.1:2".parse().ok(),
            no_demo: Some(false),
            ..Options::default()
        };
        let config = typed.or(file).config().unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:2");
        assert_eq!(config.environment, Environment::Production);
        assert_eq!(config.rate_limit, RateLimit::default());
        assert!(config.demo);
    }

    #[test]
    fn what_is_said_of_the_database_reaches_it() {
        let file = config_file::parse("database-connections = 3\ndatabase-timeout = 700").unwrap();
        let config = Options::default().or(file).config().unwrap();
        assert_eq!(
            (config.database_connections, config.database_timeout),
            (3, Duration::from_millis(700))
        );
    }

    #[test]
    fn a_token_that_no_header_can_carry_is_refused_and_not_repeated() {
        let options = Options { tpas_token: "hunter 2".parse().ok(), ..Options::default() };
        let failure = options.config().err().unwrap().to_string();
        assert!(failure.contains("tpas-token") && !failure.contains("hunter"), "{failure}");
    }
}
