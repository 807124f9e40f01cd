//! One text per query, for both engines.
//!
//! The texts keep to what SQLite and PostgreSQL share. What they do not share stands in marks:
//!
//! | mark | PostgreSQL | SQLite |
//! |---|---|---|
//! | `{row of each}` | what an `INSERT` takes: the rows that are given | the row that is given; the statement is run once for each |
//! | `{from each}` | the rows that are given, as one relation named `each` | nothing: `each.name` is a value of the row that is given |
//! | `{join each on} …` | that relation, joined on this condition | `WHERE …` |
//! | `{returning …}` | what has been changed | nothing: how much a row has changed is known |
//! | `{lock}` | what is read stays as it is until the end of the transaction | nothing: there is one writer |
//! | `{lock alone}` | as `{lock}`, and nothing that refers to it is inserted meanwhile; what is being inserted is waited for | nothing |
//! | `{skip locked}` | what others have locked is left to them, and the rest is locked | nothing |
//!
//! A row on its way in costs PostgreSQL a round trip and SQLite next to nothing, but only where
//! SQLite can see that there is one: for a relation, or for what is returned, it makes a table for
//! the time being.

use std::sync::OnceLock;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Integer,
    Bytes,
    Boolean,
}

/// A column of the rows that are given.
pub type Column = (&'static str, Kind);

/// These columns and those.
pub const fn joined<const A: usize, const B: usize, const ALL: usize>(
    these: &[Column; A],
    those: &[Column; B],
) -> [Column; ALL] {
    let mut all = [("", Kind::Text); ALL];
    let (first, rest) = all.split_at_mut(A);
    first.copy_from_slice(these);
    rest.copy_from_slice(those);
    all
}

/// A query's text. Made once, as a `static`.
pub struct Sql {
    text: &'static str,
    each: &'static [Column],
    sqlite: OnceLock<String>,
    postgres: OnceLock<String>,
    columns: OnceLock<Vec<String>>,
}

impl Sql {
    /// A query with parameters of its own.
    pub const fn new(text: &'static str) -> Self {
        Self::each(text, &[])
    }

    /// A query over rows that are given, each with these columns.
    pub const fn each(text: &'static str, each: &'static [Column]) -> Self {
        Self {
            text,
            each,
            sqlite: OnceLock::new(),
            postgres: OnceLock::new(),
            columns: OnceLock::new(),
        }
    }

    /// The text as it was written, with its marks.
    #[must_use]
    pub fn text(&self) -> &'static str {
        self.text
    }

    /// What the columns of the result are called, which is asked for once.
    pub(crate) fn columns(&self, names: impl FnOnce() -> Vec<String>) -> &[String] {
        self.columns.get_or_init(names)
    }

    pub fn sqlite(&self) -> &str {
        self.sqlite.get_or_init(|| {
            let places: Vec<String> =
                (1..=self.each.len()).map(|number| format!("?{number}")).collect();
            let text = self
                .text
                .replace('$', "?")
                .replace("{row of each}", &format!("VALUES ({})", places.join(", ")))
                .replace("{from each}", "")
                .replace("{join each on}", "WHERE")
                .replace("{lock}", "")
                .replace("{lock alone}", "")
                .replace("{skip locked}", "");
            let mut columns: Vec<(&str, &String)> =
                self.each.iter().map(|(name, _)| *name).zip(&places).collect();
            // One name may be the beginning of another.
            columns.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
            let text = columns
                .into_iter()
                .fold(text, |text, (name, place)| text.replace(&format!("each.{name}"), place));
            marked(&text, "{returning ", |_| String::new())
        })
    }

    pub(crate) fn postgres(&self) -> &str {
        self.postgres.get_or_init(|| {
            let arrays: Vec<String> = (1..)
                .zip(self.each)
                .map(|(number, (_, kind))| format!("${number}::{}[]", kind.postgres()))
                .collect();
            let names: Vec<&str> = self.each.iter().map(|(name, _)| *name).collect();
            let each = format!("UNNEST({}) AS each ({})", arrays.join(", "), names.join(", "));
            let text = self
                .text
                .replace("{row of each}", &format!("SELECT {} FROM {each}", names.join(", ")))
                .replace("{from each}", &format!("FROM {each}"))
                .replace("{join each on}", &format!("JOIN {each} ON"))
                .replace("{lock}", "FOR NO KEY UPDATE")
                .replace("{lock alone}", "FOR UPDATE")
                .replace("{skip locked}", "FOR UPDATE SKIP LOCKED");
            marked(&text, "{returning ", |columns| format!("RETURNING {columns}"))
        })
    }
}

/// The text with its one mark that begins like this, if it has one, made into something else.
fn marked(text: &str, mark: &str, make: impl FnOnce(&str) -> String) -> String {
    match text.split_once(mark).and_then(|(before, rest)| Some((before, rest.split_once('}')?))) {
        Some((before, (inside, after))) => format!("{before}{}{after}", make(inside)),
        None => text.to_owned(),
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
            "UPDATE keys SET name = each.id_name {from each} WHERE keys.id = each.id {returning keys.id}",
            &[("id", Kind::Bytes), ("id_name", Kind::Text)],
        );
        assert_eq!(SQL.sqlite(), "UPDATE keys SET name = ?2  WHERE keys.id = ?1 ");
        assert_eq!(
            SQL.postgres(),
            "UPDATE keys SET name = each.id_name FROM UNNEST($1::bytea[], $2::text[]) AS each (id, id_name) \
             WHERE keys.id = each.id RETURNING keys.id"
        );
    }

    #[test]
    fn rows_are_inserted() {
        static SQL: Sql = Sql::each(
            "INSERT INTO keys (id, name) {row of each} ON CONFLICT (id) DO NOTHING",
            &[("id", Kind::Bytes), ("name", Kind::Text)],
        );
        assert_eq!(
            SQL.sqlite(),
            "INSERT INTO keys (id, name) VALUES (?1, ?2) ON CONFLICT (id) DO NOTHING"
        );
        assert_eq!(
            SQL.postgres(),
            "INSERT INTO keys (id, name) SELECT id, name FROM UNNEST($1::bytea[], $2::text[]) AS each (id, name) \
             ON CONFLICT (id) DO NOTHING"
        );
    }

    #[test]
    fn rows_are_joined() {
        static SQL: Sql = Sql::each(
            "SELECT name FROM keys {join each on} keys.id = each.id {lock}",
            &[("id", Kind::Bytes)],
        );
        assert_eq!(SQL.sqlite(), "SELECT name FROM keys WHERE keys.id = ?1 ");
        assert_eq!(
            SQL.postgres(),
            "SELECT name FROM keys JOIN UNNEST($1::bytea[]) AS each (id) ON keys.id = each.id FOR NO KEY UPDATE"
        );
    }

    #[test]
    fn sqlite_knows_no_locks() {
        static SQL: Sql = Sql::new("SELECT $1 {lock} {lock alone} {skip locked}");
        assert_eq!(SQL.sqlite(), "SELECT ?1   ");
        assert_eq!(SQL.postgres(), "SELECT $1 FOR NO KEY UPDATE FOR UPDATE FOR UPDATE SKIP LOCKED");
    }
}
