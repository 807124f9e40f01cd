//! The options of `fieldtest serve`, and the layers that set them (§13).
//!
//! The command line takes precedence over the environment, the environment over the file, the file
//! over the default. The first two layers are clap's; [`Options::or`] adds the file. figment would
//! lose the line number of a mistake in the file, and add a second TOML parser.

mod config_file;
mod database;
mod server_config;

use std::num::{NonZeroU16, NonZeroU32};
use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{Args, ValueHint};
use domain::Environment;
use serde::Deserialize;
use server::{Networks, RateLimit, Roles, TrustedProxies};

pub(crate) use self::config_file::{ConfigFile, line_of};
use self::config_file::{from_text, secrets_from_text};
pub(crate) use self::database::DatabaseOptions;
use crate::logging::{LogFormat, LogLevel};
use crate::possible_values::{ENVIRONMENTS, LOG_FORMATS, LOG_LEVELS, ROLES, one_of};
use crate::values::{BaseUrl, ListenAddress, Secret};

/// The options of `fieldtest serve` that one layer sets.
#[derive(Args, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Options {
    /// The address to listen on; port 0 takes a free port [default: 127.0.0.1:8080]
    #[arg(long, env = "FIELDTEST_LISTEN", value_name = "ADDRESS")]
    #[serde(deserialize_with = "from_text")]
    pub(crate) listen: Option<ListenAddress>,

    /// The folder for databases and generated secrets [default: ./data]
    #[arg(long, env = "FIELDTEST_DATA_DIR", value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    #[serde(deserialize_with = "from_text")]
    pub(crate) data_dir: Option<PathBuf>,

    /// A PostgreSQL database, postgres://…, instead of the embedded databases. Put a URL with a
    /// password into the environment or the file
    #[arg(long, env = "FIELDTEST_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    #[serde(deserialize_with = "from_text")]
    pub(crate) database_url: Option<Secret>,

    /// A separate PostgreSQL database for the challenge service [default: a separate schema in
    /// --database-url]
    #[arg(long, env = "FIELDTEST_TPAS_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    #[serde(deserialize_with = "from_text")]
    pub(crate) tpas_database_url: Option<Secret>,

    /// The number of PostgreSQL connections that each of the two stores uses for reads [default: 8]
    #[arg(long, env = "FIELDTEST_DATABASE_CONNECTIONS", value_name = "NUMBER")]
    #[serde(deserialize_with = "from_text")]
    pub(crate) database_connections: Option<NonZeroU16>,

    /// The timeout of a read or a write on PostgreSQL, in milliseconds [default: 1500]
    #[arg(long, env = "FIELDTEST_DATABASE_TIMEOUT", value_name = "MILLISECONDS")]
    #[serde(deserialize_with = "from_text")]
    pub(crate) database_timeout: Option<NonZeroU32>,

    /// sandbox (people are simulated) or production [default: sandbox]
    #[arg(
        long,
        env = "FIELDTEST_ENVIRONMENT",
        value_parser = one_of::<Environment>(ENVIRONMENTS),
        hide_possible_values = true
    )]
    #[serde(deserialize_with = "from_text")]
    pub(crate) environment: Option<Environment>,

    /// The roles of this process, separated by commas [default: api,scheduler,tpas,web]
    #[arg(
        long,
        env = "FIELDTEST_ROLES",
        value_parser = one_of::<Roles>(ROLES),
        hide_possible_values = true
    )]
    #[serde(deserialize_with = "from_text")]
    pub(crate) roles: Option<Roles>,

    /// The URL at which testers reach this deployment, without a path [default: the URL that each
    /// request was sent to]
    #[arg(long, env = "FIELDTEST_PUBLIC_URL", value_name = "URL")]
    #[serde(deserialize_with = "from_text")]
    pub(crate) public_url: Option<BaseUrl>,

    /// A file with the certificate for TLS of its own, and those above it, in PEM format; needs
    /// --tls-key. Read again when it changes [default: no TLS]
    #[arg(long, env = "FIELDTEST_TLS_CERT", value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[serde(deserialize_with = "from_text")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// A file with the private key of that certificate, in PEM format and not encrypted
    #[arg(long, env = "FIELDTEST_TLS_KEY", value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[serde(deserialize_with = "from_text")]
    pub(crate) tls_key: Option<PathBuf>,

    /// The URL of a challenge service in another process; needs --tpas-token
    #[arg(long, env = "FIELDTEST_TPAS_URL", value_name = "URL")]
    #[serde(deserialize_with = "from_text")]
    pub(crate) tpas_url: Option<BaseUrl>,

    /// The token of the challenge service's API for other services, which is closed without one.
    /// While it is being changed, give the challenge service both, the new one first Other users of
    /// this machine can see a command line: put secrets into the environment or the file
    #[arg(long, env = "FIELDTEST_TPAS_TOKEN", value_name = "SECRET", hide_env_values = true)]
    #[serde(deserialize_with = "secrets_from_text")]
    pub(crate) tpas_token: Option<Vec<Secret>>,

    /// The challenge service's secret key, 64 hexadecimal digits [default: generated and stored in
    /// the data directory]
    #[arg(long, env = "FIELDTEST_SECRET_KEY", value_name = "SECRET", hide_env_values = true)]
    #[serde(deserialize_with = "from_text")]
    pub(crate) secret_key: Option<Secret>,

    /// The secret that signs verification events [default: generated and stored in the data
    /// directory]
    #[arg(
        long,
        env = "FIELDTEST_VERIFICATION_SECRET",
        value_name = "SECRET",
        hide_env_values = true
    )]
    #[serde(deserialize_with = "from_text")]
    pub(crate) verification_secret: Option<Secret>,

    /// Requests per second for each API key, with bursts of twice that; or off [default: 200]
    #[arg(long, env = "FIELDTEST_RATE_LIMIT", value_name = "NUMBER")]
    #[serde(deserialize_with = "from_text")]
    pub(crate) rate_limit: Option<RateLimit>,

    /// The proxies in front of this server, as addresses or networks separated by commas: their
    /// X-Forwarded-For is believed [default: none]
    #[arg(long, env = "FIELDTEST_TRUSTED_PROXIES", value_name = "NETWORKS")]
    #[serde(deserialize_with = "from_text")]
    pub(crate) trusted_proxies: Option<TrustedProxies>,

    /// Whom apps write to about a contract with a provider, such as an address [default: none]
    #[arg(long, env = "FIELDTEST_CONTACT", value_name = "TEXT")]
    #[serde(deserialize_with = "from_text")]
    pub(crate) contact: Option<String>,

    /// Networks inside, separated by commas, to which webhooks may be delivered all the same
    /// [default: none]
    #[arg(long, env = "FIELDTEST_WEBHOOK_ALLOW", value_name = "NETWORKS")]
    #[serde(deserialize_with = "from_text")]
    pub(crate) webhook_allow: Option<Networks>,

    /// A TOML file that says who verifies the testers of each provider [default: the simulator in a
    /// sandbox, nobody in production]
    #[arg(long, env = "FIELDTEST_VERIFIERS", value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[serde(deserialize_with = "from_text")]
    pub(crate) verifiers: Option<PathBuf>,

    /// A TOML file with a provider catalogue [default: the built-in one]
    #[arg(long, env = "FIELDTEST_CATALOGUE", value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[serde(deserialize_with = "from_text")]
    pub(crate) catalogue: Option<PathBuf>,

    /// Do not create the demo workspace in an empty sandbox
    #[arg(
        long,
        env = "FIELDTEST_NO_DEMO",
        value_name = "true|false",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = BoolishValueParser::new()
    )]
    #[serde(deserialize_with = "from_text")]
    pub(crate) no_demo: Option<bool>,

    /// The lowest level to log: error, warn, info, debug or trace [default: info]
    #[arg(
        long,
        env = "FIELDTEST_LOG_LEVEL",
        value_name = "LEVEL",
        value_parser = one_of::<LogLevel>(LOG_LEVELS),
        hide_possible_values = true
    )]
    #[serde(deserialize_with = "from_text")]
    pub(crate) log_level: Option<LogLevel>,

    /// text, or json with one object per line [default: text]
    #[arg(
        long,
        env = "FIELDTEST_LOG_FORMAT",
        value_name = "FORMAT",
        value_parser = one_of::<LogFormat>(LOG_FORMATS),
        hide_possible_values = true
    )]
    #[serde(deserialize_with = "from_text")]
    pub(crate) log_format: Option<LogFormat>,

    /// Log the address of each request's sender, which is personal data; behind --trusted-proxies
    /// the address that they forward [default: false]
    #[arg(
        long,
        env = "FIELDTEST_LOG_CLIENT_ADDRESS",
        value_name = "true|false",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = BoolishValueParser::new()
    )]
    #[serde(deserialize_with = "from_text")]
    pub(crate) log_client_address: Option<bool>,

    /// A collector of OpenTelemetry, such as http://localhost:4318, which gets traces by OTLP over
    /// HTTP [default: none]
    #[arg(long, env = "FIELDTEST_OTLP_ENDPOINT", value_name = "URL")]
    #[serde(deserialize_with = "from_text")]
    pub(crate) otlp_endpoint: Option<BaseUrl>,
}

impl Options {
    /// These options, and the ones of the lower layer where these are not set.
    pub(crate) fn or(self, lower: Self) -> Self {
        macro_rules! or {
            ($($option:ident)+) => { Self { $($option: self.$option.or(lower.$option)),+ } };
        }
        or!(listen data_dir database_url tpas_database_url database_connections database_timeout
            environment roles public_url tls_cert tls_key tpas_url tpas_token secret_key verification_secret
            rate_limit trusted_proxies contact webhook_allow verifiers catalogue no_demo log_level log_format
            log_client_address otlp_endpoint)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::Command;
    use server::Config;

    use super::*;

    fn declared() -> Command {
        Options::augment_args(Command::new("serve"))
    }

    #[test]
    fn every_option_has_a_variable_and_a_key_in_the_file() {
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
    fn the_defaults_in_the_help_are_right() {
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
    fn an_option_that_is_not_set_comes_from_the_lower_layer() {
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
    fn the_database_options_reach_the_configuration() {
        let file = config_file::parse("database-connections = 3\ndatabase-timeout = 700").unwrap();
        let config = Options::default().or(file).config().unwrap();
        assert_eq!(
            (config.database_connections, config.database_timeout),
            (3, Duration::from_millis(700))
        );
    }

    #[test]
    fn a_token_is_given_twice_while_it_is_changed() {
        let config = |file: &str| config_file::parse(file).unwrap().config().unwrap();
        for file in ["tpas-token = 'new,old'", "tpas-token = ['new', 'old']"] {
            let config = config(file);
            assert_eq!(config.tpas_token.as_deref(), Some("new"));
            assert_eq!(config.previous_tpas_token.as_deref(), Some("old"));
        }
        let arguments = ["serve", "--tpas-token", "new", "--tpas-token", "old"];
        let matches = declared().try_get_matches_from(arguments).unwrap();
        let options = <Options as clap::FromArgMatches>::from_arg_matches(&matches).unwrap();
        let config = options.config().unwrap();
        assert_eq!(config.previous_tpas_token.as_deref(), Some("old"));
        assert!(config_file::parse("tpas-token = 'a,b,c'").unwrap().config().is_err());
    }

    #[test]
    fn a_token_that_fits_no_header_is_refused_and_not_quoted() {
        let token = "hunter 2".parse().unwrap();
        let options = Options { tpas_token: Some(vec![token]), ..Options::default() };
        let failure = options.config().err().unwrap().to_string();
        assert!(failure.contains("tpas-token") && !failure.contains("hunter"), "{failure}");
    }
}
