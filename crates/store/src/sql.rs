//! One text per query, for both engines.
//!
//! The texts keep to what SQLite and PostgreSQL share. What they do not share stands in four marks:
//!
//! | mark | PostgreSQL | SQLite |
//! |---|---|---|
//! | `{each}` | the rows that are given, as one relation named `each`: one statement for all of them | the row that is given; the statement is run once for each |
//! | `{lock}` | what is read stays as it is until the end of the transaction | nothing: there is one writer |
//! | `{lock alone}` | as `{lock}`, and nothing that refers to it is inserted meanwhile; what is being inserted is waited for | nothing |
//! | `{skip locked}` | what others have locked is left to them, and the rest is locked | nothing |
//!
//! A row on its way in costs PostgreSQL a round trip and SQLite next to nothing; `{each}` serves both. Parameters are
//! numbered in the order in which they appear: SQLite counts them so.

use std::sync::OnceLock;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Integer,
    Bytes,
    Boolean,
}

/// A column of `{each}`.
pub(crate) type Column = (&'static str, Kind);

/// A query's text. Made once, as a `static`.
pub(crate) struct Sql {
    text: &'static str,
    each: &'static [Column],
    sqlite: OnceLock<String>,
    postgres: OnceLock<String>,
    columns: OnceLock<Vec<String>>,
}

impl Sql {
    /// A query with parameters of its own.
    pub(crate) const fn new(text: &'static str) -> Self {
        Self::each(text, &[])
    }

    /// A query over rows that are given, each with these columns.
    pub(crate) const fn each(text: &'static str, each: &'static [Column]) -> Self {
        Self { text, each, sqlite: OnceLock::new(), postgres: OnceLock::new(), columns: OnceLock::new() }
    }

    /// What the columns of the result are called, which is asked for once.
    pub(crate) fn columns(&self, names: impl FnOnce() -> Vec<String>) -> &[String] {
        self.columns.get_or_init(names)
    }

    pub(crate) fn sqlite(&self) -> &str {
        self.sqlite.get_or_init(|| {
            let columns: Vec<String> =
                (1..).zip(self.each).map(|(number, (name, _))| format!("${number} AS {name}")).collect();
            let each = format!("(SELECT {}) AS each", columns.join(", "));
            self.text
                .replace("{each}", &each)
                .replace("{lock}", "")
                .replace("{lock alone}", "")
                .replace("{skip locked}", "")
        })
    }

    pub(crate) fn postgres(&self) -> &str {
        self.postgres.get_or_init(|| {
            let arrays: Vec<String> =
                (1..).zip(self.each).map(|(number, (_, kind))| format!("${number}::{}[]", kind.postgres())).collect();
            let names: Vec<&str> = self.each.iter().map(|(name, _)| *name).collect();
            let each = format!("UNNEST({}) AS each ({})", arrays.join(", "), names.join(", "));
            self.text
                .replace("{each}", &each)
                .replace("{lock}", "FOR NO KEY UPDATE")
                .replace("{lock alone}", "FOR UPDATE")
                .replace("{skip locked}", "FOR UPDATE SKIP LOCKED")
        })
    }
}

impl Kind {
    fn postgres(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "bigint",
            Self::Bytes => "bytea",
            Self::Boolean => "boolean",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_becomes_two() {
        static SQL: Sql = Sql::each(
            "SELECT id FROM keys JOIN {each} ON keys.id = each.id {lock}",
            &[("id", Kind::Bytes), ("name", Kind::Text)],
        );
        assert_eq!(
            SQL.sqlite(),
            "SELECT id FROM keys JOIN (SELECT $1 AS id, $2 AS name) AS each ON keys.id = each.id "
        );
        assert_eq!(
            SQL.postgres(),
            "SELECT id FROM keys JOIN UNNEST($1::bytea[], $2::text[]) AS each (id, name) ON keys.id = each.id \
             FOR NO KEY UPDATE"
        );
    }

    #[test]
    fn sqlite_knows_no_locks() {
        static SQL: Sql = Sql::new("SELECT 1 {lock} {lock alone} {skip locked}");
        assert_eq!(SQL.sqlite(), "SELECT 1   ");
        assert_eq!(SQL.postgres(), "SELECT 1 FOR NO KEY UPDATE FOR UPDATE FOR UPDATE SKIP LOCKED");
    }
}
