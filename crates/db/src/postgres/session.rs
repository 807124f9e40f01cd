//! The settings of a session.
//!
//! They are sent after connecting, not in the startup packet, because poolers refuse or ignore that
//! parameter. Then they are read back: with other settings the tables would be made in another
//! schema, or a 201 would not be durable.

use std::fmt::Write;

use tokio_postgres::{Client, SimpleQueryMessage, SimpleQueryRow};

use super::error::cause;
use crate::StoreError;
use crate::error::UnavailableReason;

/// With this as its default, only a transaction that asks for it can write.
const READ_ONLY: &str = "default_transaction_read_only";

/// Why the writer does not use a connection that takes no writes.
pub(super) const TAKES_NO_WRITES: &str = "default_transaction_read_only is on";

/// What to do about a pooler that shares sessions.
const SESSION_MODE: &str = "use session mode in the pooler, or connect to PostgreSQL directly \
     (docs/operations.md, Session settings)";

/// The settings of a session. A later one overrides an earlier one of the same name.
#[derive(Clone, Debug)]
pub(super) struct Session {
    settings: Vec<(String, String)>,
    is_guarded: bool,
}

/// Why a session cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    /// The server failed or refused.
    #[error("{}", cause(.0))]
    Postgres(#[from] tokio_postgres::Error),
    /// The server, the database or the role takes no writes by default.
    #[error("{TAKES_NO_WRITES}")]
    ReadOnly,
    /// The session does not keep what was set, or shares its backend with others.
    #[error("{0}; {SESSION_MODE}")]
    NotKept(String),
}

impl SessionError {
    /// While connecting, every error is unavailability: nothing has been asked of the tables yet.
    pub(super) fn into_store_error(self) -> StoreError {
        let reason = match &self {
            Self::ReadOnly => UnavailableReason::ReadOnly,
            Self::Postgres(_) | Self::NotKept(_) => UnavailableReason::Unreachable,
        };
        match self {
            Self::Postgres(error) => super::error::while_connecting(&error),
            other => StoreError::unavailable(reason, other),
        }
    }
}

impl Session {
    /// These settings, overridden by those of the URL's `options`.
    pub(super) fn new(settings: &[(&str, String)], url_options: &[(String, String)]) -> Self {
        let ours = settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        Self { settings: ours.chain(url_options.iter().cloned()).collect(), is_guarded: false }
    }

    /// A session for the writer. Outside a transaction that was begun with `BEGIN READ WRITE` it
    /// writes nothing, so a statement behind a `BEGIN` that failed cannot commit by itself.
    pub(super) fn guarded(mut self) -> Self {
        self.settings.push((READ_ONLY.to_owned(), "on".to_owned()));
        self.is_guarded = true;
        self
    }

    /// Sets the settings, and reads them back.
    ///
    /// # Errors
    /// If the server fails, does not keep them, or takes no writes although this is for the writer.
    pub(super) async fn begin(&self, client: &Client) -> Result<(), SessionError> {
        let mut set = format!("SELECT current_setting('{READ_ONLY}')");
        let mut read = String::from("SELECT 1");
        for (name, value) in &self.settings {
            let (name, value) = (literal(name), literal(value));
            // Writing to a string does not fail.
            let _ = write!(set, ", set_config({name}, {value}, false)");
            let _ = write!(read, ", current_setting({name})");
        }
        let was = one_row(client, &set).await?;
        if self.is_guarded && was.get(0) == Some("on") {
            return Err(SessionError::ReadOnly);
        }
        let is = one_row(client, &read).await?;
        for (index, (name, _)) in self.settings.iter().enumerate() {
            let later = self.settings.iter().skip(index + 1);
            if later.map(|(name, _)| name).any(|other| other == name) {
                continue;
            }
            let (set, kept) = (was.get(index + 1), is.get(index + 1));
            if set != kept {
                return Err(SessionError::NotKept(format!(
                    "the session does not keep its settings: {name} is {} instead of {}",
                    kept.unwrap_or("not set"),
                    set.unwrap_or("not set"),
                )));
            }
        }
        Ok(())
    }
}

/// Refuses a pooler that gives a session a backend for each transaction. `other` is a second
/// connection: in a transaction of its own it would get the idle backend of the first.
pub(super) async fn refuse_shared_backends(
    first: &Client,
    other: &Client,
) -> Result<(), SessionError> {
    const BACKEND: &str = "SELECT pg_backend_pid()";
    let before = one_row(first, BACKEND).await?;
    other.batch_execute("BEGIN").await?;
    let others = one_row(other, BACKEND).await?;
    let after = one_row(first, BACKEND).await?;
    other.batch_execute("ROLLBACK").await?;
    if before.get(0) == others.get(0) || before.get(0) != after.get(0) {
        let what = "the pooler shares a session's backend with others, as in transaction mode";
        return Err(SessionError::NotKept(what.to_owned()));
    }
    Ok(())
}

/// Runs a query for one row without preparing it, which some poolers cannot.
async fn one_row(client: &Client, query: &str) -> Result<SimpleQueryRow, SessionError> {
    let messages = client.simple_query(query).await?;
    let row = messages.into_iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    row.ok_or_else(|| SessionError::NotKept("the server does not answer a query".to_owned()))
}

fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', r"\\").replace('\'', "''"))
}

/// Reads the settings of an `options` parameter: `-c name=value` or `--name=value`, where `\` takes
/// the meaning from a space. `None` if it contains anything else.
pub(super) fn read_options(options: &str) -> Option<Vec<(String, String)>> {
    let mut words = words(options).into_iter();
    let mut settings = Vec::new();
    while let Some(word) = words.next() {
        let setting = match (word.strip_prefix("--"), word.strip_prefix("-c")) {
            (Some(setting), _) => setting.to_owned(),
            (None, Some("")) => words.next()?,
            (None, Some(setting)) => setting.to_owned(),
            (None, None) => return None,
        };
        let (name, value) = setting.split_once('=')?;
        // As PostgreSQL does: a hyphen in a name stands for an underscore.
        settings.push((name.replace('-', "_").to_ascii_lowercase(), value.to_owned()));
    }
    Some(settings)
}

fn words(options: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut characters = options.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => words.last_mut().into_iter().for_each(|word| word.extend(characters.next())),
            space if space.is_ascii_whitespace() => words.push(String::new()),
            other => words.last_mut().into_iter().for_each(|word| word.push(other)),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_as_postgresql_reads_them() {
        let read = |text: &str| {
            let settings = read_options(text)?;
            Some(settings.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>())
        };
        let expected: Vec<String> =
            ["a=1", "b=2", "work_mem=4 MB", "d="].into_iter().map(str::to_owned).collect();
        assert_eq!(read(r"-c a=1  -cb=2 --work-mem=4\ MB -c d="), Some(expected));
        assert_eq!(read(""), Some(Vec::new()));
        for other in ["-c", "a=1", "-c a", "-B 3"] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    #[test]
    fn a_value_cannot_leave_its_literal() {
        assert_eq!(literal(r"it's \ "), r"E'it''s \\ '");
    }
}
