//! Options in a TOML file (§13).

use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{Args, ValueHint};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use toml::Value;

use super::Options;
use crate::failure::Failure;
use crate::values::Secret;

/// The option that names the configuration file.
#[derive(Args)]
pub(crate) struct ConfigFile {
    /// A TOML file with options
    #[arg(
        long,
        env = "FIELDTEST_CONFIG",
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        global = true
    )]
    config: Option<PathBuf>,
}

impl ConfigFile {
    /// The path of the file, if one is named.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// The options in the file, or none if no file is named.
    pub(crate) fn options(&self) -> Result<Options, Failure> {
        self.config.as_deref().map_or_else(|| Ok(Options::default()), read)
    }
}

/// A mistake in a file.
#[derive(Debug)]
pub(super) struct FileError {
    /// The number of the line, from 1.
    pub(super) line: usize,
    /// What is wrong. It does not quote the value, which may be a secret.
    pub(super) message: String,
}

/// Reads the options in a file.
fn read(path: &Path) -> Result<Options, Failure> {
    let name = path.display();
    let text = fs::read_to_string(path).map_err(|error| {
        Failure::Input(format!("cannot read the configuration file {name}: {error}"))
    })?;
    parse(&text).map_err(|FileError { line, message }| {
        Failure::Input(format!("{name}, line {line}: {message}"))
    })
}

/// Parses the text of a file.
pub(super) fn parse(text: &str) -> Result<Options, FileError> {
    toml::from_str(text).map_err(|error| FileError {
        line: line_of(&error, text),
        message: error.message().to_owned(),
    })
}

/// The number of the line, from 1, where the error is.
pub(crate) fn line_of(error: &toml::de::Error, text: &str) -> usize {
    let before = error.span().and_then(|span| text.as_bytes().get(..span.start));
    before.unwrap_or_default().iter().filter(|byte| **byte == b'\n').count() + 1
}

/// Deserializes a value from its text, as clap does, so that both layers have the same rules. The
/// text of a list is its items with commas between them.
pub(super) fn from_text<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    let text = text_of(&Value::deserialize(deserializer)?).ok_or_else(|| {
        D::Error::custom("must be text, a number, true or false, or a list of texts")
    })?;
    if text.is_empty() {
        return Err(D::Error::custom("must not be empty; leave out the line to get the default"));
    }
    text.parse().map(Some).map_err(D::Error::custom)
}

/// [`from_text`] for secrets that a comma separates.
pub(super) fn secrets_from_text<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<Secret>>, D::Error> {
    from_text(deserializer).map(|secret: Option<Secret>| secret.map(|secret| vec![secret]))
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(truth) => Some(truth.to_string()),
        Value::Array(items) => {
            let texts: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
            Some(texts?.join(","))
        }
        Value::Float(_) | Value::Datetime(_) | Value::Table(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use server::RateLimit;

    use super::*;

    #[test]
    fn values_are_texts_or_numbers_and_lists() {
        for (number, list) in [("'50'", "'tpas,api'"), ("50", "['tpas', 'api']")] {
            // Some editors put a byte order mark in front.
            let text = format!("\u{feff}rate-limit = {number}\nroles = {list}");
            let options = parse(&text).unwrap();
            assert_eq!(options.rate_limit.unwrap().to_string(), "50");
            assert_eq!(options.roles.unwrap().to_string(), "api,tpas");
        }
        assert_eq!(parse("rate-limit = 'off'").unwrap().rate_limit, Some(RateLimit::Off));
    }

    #[test]
    fn an_error_names_the_line_and_not_the_value() {
        for (text, line, part) in [
            ("\nlissten = 'x'", 2, "unknown field `lissten`, expected one of `listen`"),
            ("environment = 'sandbox'\n\nlisten = 'hunter2'", 3, "an IP address and a port"),
            ("tpas-token = ''", 1, "must not be empty"),
            ("tpas-token = { a = 'hunter2' }", 1, "must be text"),
            ("a = 1\nb", 2, "expected `=`"),
            ("listen = '127.0.0.1:1'\nlisten = '127.0.0.1:1'", 2, "duplicate key"),
        ] {
            let error = parse(text).err().unwrap();
            assert_eq!(error.line, line, "{text}: {}", error.message);
            assert!(error.message.contains(part), "{text}: {}", error.message);
            assert!(!error.message.contains("hunter2"), "{text}: {}", error.message);
        }
    }
}
