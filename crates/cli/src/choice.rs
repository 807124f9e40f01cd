//! Values of which there are only a few (§13).

use std::error::Error;
use std::ffi::OsStr;
use std::marker::PhantomData;
use std::str::FromStr;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Command};

/// What `--environment` can be.
pub(crate) const ENVIRONMENTS: &[&str] = &["sandbox", "production"];

/// What `--roles` can name, separated by commas.
pub(crate) const ROLES: &[&str] = &["api", "scheduler", "tpas", "web"];

/// What `--log-level` can be.
pub(crate) const LOG_LEVELS: &[&str] = &["error", "warn", "info", "debug", "trace"];

/// What `--log-format` can be.
pub(crate) const LOG_FORMATS: &[&str] = &["text", "json"];

/// What `--target-platform` can be.
pub(crate) const PLATFORMS: &[&str] = &["ios", "android"];

/// Reads a value as its type does, and names what it can be: for shells that complete it.
#[derive(Clone)]
pub(crate) struct OneOf<T> {
    names: &'static [&'static str],
    read: PhantomData<fn() -> T>,
}

/// A value that these names can stand for. Whether something else can is up to the type.
pub(crate) fn one_of<T>(names: &'static [&'static str]) -> OneOf<T> {
    OneOf { names, read: PhantomData }
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

    fn are_read<T: FromStr>(names: &[&str]) -> bool {
        names.iter().all(|name| name.parse::<T>().is_ok())
    }

    #[test]
    fn what_is_offered_is_accepted() {
        assert!(are_read::<Environment>(ENVIRONMENTS));
        assert!(are_read::<Roles>(ROLES));
        assert_eq!(ROLES.join(","), Roles::default().to_string(), "all of them");
        assert!(are_read::<LogLevel>(LOG_LEVELS) && are_read::<LogFormat>(LOG_FORMATS));
        assert!(are_read::<Platform>(PLATFORMS));
    }
}
