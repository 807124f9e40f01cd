//! Options with a fixed set of values (§13).

use std::error::Error;
use std::ffi::OsStr;
use std::marker::PhantomData;
use std::str::FromStr;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Command};

/// The values of `--environment`.
pub(crate) const ENVIRONMENTS: &[&str] = &["sandbox", "production"];

/// The roles in `--roles`, which are separated by commas.
pub(crate) const ROLES: &[&str] = &["api", "scheduler", "tpas", "web"];

/// The values of `--log-level`.
pub(crate) const LOG_LEVELS: &[&str] = &["error", "warn", "info", "debug", "trace"];

/// The values of `--log-format`.
pub(crate) const LOG_FORMATS: &[&str] = &["text", "json"];

/// The values of `--target-platform`.
pub(crate) const PLATFORMS: &[&str] = &["ios", "android"];

/// Parses a value as its type does, and lists the possible values for shell completion. Errors are
/// those of the type.
#[derive(Clone)]
pub(crate) struct OneOf<T> {
    names: &'static [&'static str],
    value: PhantomData<fn() -> T>,
}

/// A parser for a value that is usually one of these names.
pub(crate) fn one_of<T>(names: &'static [&'static str]) -> OneOf<T> {
    OneOf { names, value: PhantomData }
}

impl<T> TypedValueParser for OneOf<T>
where
    T: FromStr<Err: Error + Send + Sync + 'static> + Clone + Send + Sync + 'static,
{
    type Value = T;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<T, clap::Error> {
        StringValueParser::new()
            .try_map(|text| text.parse::<T>())
            .parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.names.iter().map(PossibleValue::new)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logging::{LogFormat, LogLevel};
    use domain::{Environment, Platform};
    use server::Roles;

    fn all_parse<T: FromStr>(names: &[&str]) -> bool {
        names.iter().all(|name| name.parse::<T>().is_ok())
    }

    #[test]
    fn every_listed_value_is_accepted() {
        assert!(all_parse::<Environment>(ENVIRONMENTS));
        assert!(all_parse::<Roles>(ROLES));
        assert_eq!(ROLES.join(","), Roles::default().to_string(), "every role is listed");
        assert!(all_parse::<LogLevel>(LOG_LEVELS) && all_parse::<LogFormat>(LOG_FORMATS));
        assert!(all_parse::<Platform>(PLATFORMS));
    }
}
