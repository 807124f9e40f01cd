//! The options of a server and of what works on its data, and the layers that they come from (§13).
//!
//! The command line comes before the environment, the environment before the file, the file before the default. The first
//! two are clap's; [`Options::or`] puts the file beneath them.

use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;
use domain::Environment;
use serde::Deserialize;
use server::{Config, RateLimit, Roles};

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
    #[arg(long, env = "FIELDTEST_DATA_DIR", value_name = "FOLDER")]
    #[serde(deserialize_with = "written")]
    pub(crate) data_dir: Option<PathBuf>,

    /// sandbox (people are simulated) or production [default: sandbox]
    #[arg(long, env = "FIELDTEST_ENVIRONMENT")]
    #[serde(deserialize_with = "written")]
    pub(crate) environment: Option<Environment>,

    /// What this process does, separated by commas [default: api,scheduler,tpas,web]
    #[arg(long, env = "FIELDTEST_ROLES")]
    #[serde(deserialize_with = "written")]
    pub(crate) roles: Option<Roles>,

    /// How testers reach this deployment, where that is not how they seem to: behind a proxy that ends TLS
    #[arg(long, env = "FIELDTEST_PUBLIC_URL", value_name = "URL")]
    #[serde(deserialize_with = "written")]
    pub(crate) public_url: Option<BaseUrl>,

    /// Where the challenge service runs, if not in this process; needs --tpas-token
    #[arg(long, env = "FIELDTEST_TPAS_URL", value_name = "URL")]
    #[serde(deserialize_with = "written")]
    pub(crate) tpas_url: Option<BaseUrl>,

    /// The token of the challenge service's service surface; without one that surface is shut. Other users of this machine
    /// can see a command line: better put secrets into the environment or the file
    #[arg(long, env = "FIELDTEST_TPAS_TOKEN", value_name = "SECRET", hide_env_values = true)]
    #[serde(deserialize_with = "written")]
    pub(crate) tpas_token: Option<Secret>,

    /// The secret with which verification events are signed [default: generated and kept in the data directory]
    #[arg(long, env = "FIELDTEST_VERIFICATION_SECRET", value_name = "SECRET", hide_env_values = true)]
    #[serde(deserialize_with = "written")]
    pub(crate) verification_secret: Option<Secret>,

    /// Requests per second and API key, twice as many in a burst; or off [default: 200]
    #[arg(long, env = "FIELDTEST_RATE_LIMIT", value_name = "NUMBER")]
    #[serde(deserialize_with = "written")]
    pub(crate) rate_limit: Option<RateLimit>,

    /// A provider catalogue of your own, a TOML file [default: the shipped one]
    #[arg(long, env = "FIELDTEST_CATALOGUE", value_name = "FILE")]
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
    #[arg(long, env = "FIELDTEST_LOG_LEVEL", value_name = "LEVEL")]
    #[serde(deserialize_with = "written")]
    pub(crate) log_level: Option<LogLevel>,

    /// text, or json with one object a line [default: text]
    #[arg(long, env = "FIELDTEST_LOG_FORMAT", value_name = "FORMAT")]
    #[serde(deserialize_with = "written")]
    pub(crate) log_format: Option<LogFormat>,
}

impl Options {
    /// These options, and where they are silent those of the layer beneath.
    pub(crate) fn or(self, beneath: Self) -> Self {
        let Self {
            listen,
            data_dir,
            environment,
            roles,
            public_url,
            tpas_url,
            tpas_token,
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
            environment: environment.or(beneath.environment),
            roles: roles.or(beneath.roles),
            public_url: public_url.or(beneath.public_url),
            tpas_url: tpas_url.or(beneath.tpas_url),
            tpas_token: tpas_token.or(beneath.tpas_token),
            verification_secret: verification_secret.or(beneath.verification_secret),
            rate_limit: rate_limit.or(beneath.rate_limit),
            catalogue: catalogue.or(beneath.catalogue),
            no_demo: no_demo.or(beneath.no_demo),
            log_level: log_level.or(beneath.log_level),
            log_format: log_format.or(beneath.log_format),
        }
    }

    /// What the server is told; what no layer has given has its default.
    pub(crate) fn config(self) -> Result<Config, Failure> {
        let tpas_token = self.tpas_token.map(|Secret(token)| token);
        if tpas_token.as_ref().is_some_and(|token| !token.bytes().all(|byte| byte.is_ascii_graphic())) {
            let problem =
                "the value of tpas-token has spaces or characters that cannot stand in a header; choose another";
            return Err(Failure::Input(problem.into()));
        }
        let default = Config::default();
        Ok(Config {
            listen: self.listen.map_or(default.listen, |address| address.0),
            data_dir: self.data_dir.unwrap_or(default.data_dir),
            environment: self.environment.unwrap_or(default.environment),
            roles: self.roles.unwrap_or(default.roles),
            public_url: self.public_url.map(|url| url.0),
            tpas_url: self.tpas_url.map(|url| url.0),
            tpas_token,
            verification_secret: self.verification_secret.map(|secret| secret.0),
            rate_limit: self.rate_limit.unwrap_or(default.rate_limit),
            catalogue: self.catalogue,
            demo: self.no_demo.map_or(default.demo, |is_unwanted| !is_unwanted),
            limits: default.limits,
            background: default.background,
        })
    }
}

/// The file beneath the command line and the environment.
#[derive(Args)]
pub(crate) struct ConfigFile {
    /// A TOML file with options
    #[arg(long, env = "FIELDTEST_CONFIG", value_name = "FILE", global = true)]
    config: Option<PathBuf>,
}

impl ConfigFile {
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
    #[arg(long, env = "FIELDTEST_DATA_DIR", value_name = "FOLDER", global = true)]
    data_dir: Option<PathBuf>,
}

impl Place {
    /// The file's options, with the place that was typed.
    pub(crate) fn options(self) -> Result<Options, Failure> {
        let typed = Options { data_dir: self.data_dir, ..Options::default() };
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
            let problem = config_file::parse(&format!("{name} = 1979-05-27")).err().unwrap().message;
            assert!(problem.starts_with("must be text"), "{name}: {problem}");
        }
    }

    #[test]
    fn help_names_the_defaults_that_hold() {
        let help = declared().term_width(0).render_help().to_string();
        let Config { listen, data_dir, environment, roles, rate_limit, .. } = Config::default();
        let data_dir = data_dir.display().to_string();
        for default in
            [listen.to_string(), data_dir, environment.to_string(), roles.to_string(), rate_limit.to_string()]
        {
            assert!(help.contains(&format!("[default: {default}]")), "{default} in {help}");
        }
    }

    #[test]
    fn what_is_silent_leaves_the_word_to_the_layer_beneath() {
        let file = config_file::parse("listen = '[::1]:1'\nenvironment = 'production'\nno-demo = true").unwrap();
        let typed = Options { listen: "127.0.0.1:2".parse().ok(), no_demo: Some(false), ..Options::default() };
        let config = typed.or(file).config().unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:2");
        assert_eq!(config.environment, Environment::Production);
        assert_eq!(config.rate_limit, RateLimit::default());
        assert!(config.demo);
    }

    #[test]
    fn a_token_that_no_header_can_carry_is_refused_and_not_repeated() {
        let options = Options { tpas_token: "hunter 2".parse().ok(), ..Options::default() };
        let failure = options.config().err().unwrap().to_string();
        assert!(failure.contains("tpas-token") && !failure.contains("hunter"), "{failure}");
    }
}
