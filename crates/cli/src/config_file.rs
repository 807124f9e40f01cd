//! Reading options from a TOML file (§13).

use std::fmt::Display;
use std::fs;
use std::path::Path;
use std::str::FromStr;

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use toml::Value;

use crate::failure::Failure;
use crate::options::Options;

/// What is wrong in a file, and where.
#[derive(Debug)]
pub(crate) struct Problem {
    /// Counted from 1.
    pub(crate) line: usize,
    /// What is wrong there. The value itself is not in it: it may be a secret.
    pub(crate) message: String,
}

/// Reads the options in this file.
pub(crate) fn read(path: &Path) -> Result<Options, Failure> {
    let name = path.display();
    let text = fs::read_to_string(path).map_err(|error| {
        Failure::Input(format!("cannot read the configuration file {name}: {error}"))
    })?;
    parse(&text).map_err(|Problem { line, message }| {
        Failure::Input(format!("{name}, line {line}: {message}"))
    })
}

/// Reads the options in a file's text.
pub(crate) fn parse(text: &str) -> Result<Options, Problem> {
    toml::from_str(text).map_err(|error| {
        let before =
            error.span().and_then(|span| text.as_bytes().get(..span.start)).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        Problem { line, message: error.message().to_owned() }
    })
}

/// Reads a value as if its text had been typed: one rule for both. A list stands for its items with
/// commas between them.
pub(crate) fn written<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    let text = text_of(&Value::deserialize(deserializer)?).ok_or_else(|| {
        D::Error::custom("must be text, a number, true or false, or a list of texts")
    })?;
    if text.is_empty() {
        return Err(D::Error::custom(
            "must not be empty; leave out the whole line to have the default",
        ));
    }
    text.parse().map(Some).map_err(D::Error::custom)
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
    use super::*;
    use server::RateLimit;

    #[test]
    fn values_are_written_as_they_are_typed_or_in_their_own_form() {
        for (number, list) in [("'50'", "'tpas,api'"), ("50", "['tpas', 'api']")] {
            let options = parse(&format!("rate-limit = {number}\nroles = {list}")).unwrap();
            assert_eq!(options.rate_limit.unwrap().to_string(), "50");
            assert_eq!(options.roles.unwrap().to_string(), "api,tpas");
        }
        assert_eq!(parse("rate-limit = 'off'").unwrap().rate_limit, Some(RateLimit::Off));
    }

    #[test]
    fn a_problem_names_its_line_and_not_the_value() {
        for (text, line, part) in [
            ("\nlissten = 'x'", 2, "unknown field `lissten`, expected one of `listen`"),
            ("environment = 'sandbox'\n\nlisten = 'hunter2'", 3, "an IP address and a port"),
            ("tpas-token = ''", 1, "must not be empty"),
            ("tpas-token = { a = 'hunter2' }", 1, "must be text"),
            ("a = 1\nb", 2, "expected `=`"),
            ("listen = '127.0.0.1:1'\nlisten = '127.0.0.1:1'", 2, "duplicate key"),
        ] {
            let problem = parse(text).err().unwrap();
            assert_eq!(problem.line, line, "{text}: {}", problem.message);
            assert!(problem.message.contains(part), "{text}: {}", problem.message);
            assert!(!problem.message.contains("hunter2"), "{text}: {}", problem.message);
        }
    }
}
