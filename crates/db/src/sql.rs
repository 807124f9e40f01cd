//! One text per query, for both engines.
//!
//! A text uses the subset of SQL that SQLite and PostgreSQL share. Marks stand for the rest.
//!
//! `each` is the relation of the rows that a statement of [`Sql::each`] takes. PostgreSQL gets all
//! rows with one statement, as one array for each column. SQLite runs the statement once for each
//! row, with the row's values as parameters.
//!
//! - `{row of each}`: the column list and the source of an `INSERT`. PostgreSQL:
//!   `(id, …) SELECT id, … FROM UNNEST(…) AS each (id, …)`. SQLite: `(id, …) VALUES (?1, …)`.
//! - `{from each}`: PostgreSQL: `FROM UNNEST(…) AS each (id, …)`. SQLite: nothing.
//! - `{join each on} …`: PostgreSQL: `JOIN UNNEST(…) AS each (id, …) ON …`. SQLite: `WHERE …`.
//! - `each.id`: PostgreSQL: the same. SQLite: `?1`.
//! - `{returning …}`: PostgreSQL: `RETURNING …`. SQLite: nothing, because each run reports how many
//!   rows it changed.
//! - `{lock}`: the rows do not change until the end of the transaction. PostgreSQL:
//!   `FOR NO KEY UPDATE`. SQLite: nothing, because there is one writer.
//! - `{lock alone}`: as `{lock}`, and waits for and blocks inserts that refer to the rows.
//!   PostgreSQL: `FOR UPDATE`. SQLite: nothing.
//! - `{skip locked}`: locks the rows that no other transaction has locked. PostgreSQL:
//!   `FOR UPDATE SKIP LOCKED`. SQLite: nothing.
//! - `{columns}`: the columns of the record that the statement reads ([`Sql::reading`]).
//! - `{columns as null}`: `NULL` for each of these columns.
//!
//! SQLite gets no relation and no `RETURNING` because it would build a temporary table for either.

use std::sync::OnceLock;

use crate::columns::{Column, ColumnNames, ReadColumns};

/// The text of a query. Declare it as a `static`: each engine's text is made once.
pub struct Sql {
    text: &'static str,
    each: &'static [Column],
    /// Columns of `each` that `{row of each}` leaves out.
    extra: &'static [Column],
    read: Option<&'static ColumnNames>,
    sqlite: OnceLock<String>,
    postgres: OnceLock<String>,
    result_columns: OnceLock<Vec<String>>,
}

impl Sql {
    /// A query with the parameters `$1`, `$2`, ….
    pub const fn new(text: &'static str) -> Self {
        Self::each(text, &[])
    }

    /// A query over rows with these columns, which [`write_columns!`](crate::write_columns)
    /// declares.
    pub const fn each(text: &'static str, each: &'static [Column]) -> Self {
        Self {
            text,
            each,
            extra: &[],
            read: None,
            sqlite: OnceLock::new(),
            postgres: OnceLock::new(),
            result_columns: OnceLock::new(),
        }
    }

    /// The rows also have these columns, which `{row of each}` leaves out.
    #[must_use]
    pub const fn with_extra(mut self, extra: &'static [Column]) -> Self {
        self.extra = extra;
        self
    }

    /// The query reads this record: its columns replace the mark `{columns}`.
    #[must_use]
    pub const fn reading<T>(mut self, record: &'static ReadColumns<T>) -> Self {
        self.read = Some(&record.names);
        self
    }

    /// The text as it was declared, with its marks.
    #[must_use]
    pub fn text(&self) -> &'static str {
        self.text
    }

    /// The names of the result's columns. `names` is called once.
    pub(crate) fn result_columns(&self, names: impl FnOnce() -> Vec<String>) -> &[String] {
        self.result_columns.get_or_init(names)
    }

    /// The text for SQLite.
    pub fn sqlite(&self) -> &str {
        self.sqlite.get_or_init(|| {
            let parameters: Vec<String> =
                (1..=self.each.len()).map(|number| format!("?{number}")).collect();
            let row = format!("({}) VALUES ({})", names(self.each), parameters.join(", "));
            let text = self
                .with_columns()
                .replace('$', "?")
                .replace("{row of each}", &row)
                .replace("{from each}", "")
                .replace("{join each on}", "WHERE")
                .replace("{lock}", "")
                .replace("{lock alone}", "")
                .replace("{skip locked}", "");
            let mut columns: Vec<(&str, &String)> =
                self.each.iter().map(|(name, _)| *name).zip(&parameters).collect();
            // One name may be the beginning of another.
            columns.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
            let text = columns.into_iter().fold(text, |text, (name, parameter)| {
                text.replace(&format!("each.{name}"), parameter)
            });
            replace_returning(&text, |_| String::new())
        })
    }

    /// The text for PostgreSQL.
    pub(crate) fn postgres(&self) -> &str {
        self.postgres.get_or_init(|| {
            let all: Vec<Column> = self.each.iter().chain(self.extra).copied().collect();
            let arrays: Vec<String> = (1..)
                .zip(&all)
                .map(|(number, (_, kind))| format!("${number}::{}[]", kind.postgres()))
                .collect();
            let (names, all_names) = (names(self.each), names(&all));
            let each = format!("UNNEST({}) AS each ({all_names})", arrays.join(", "));
            let text = self
                .with_columns()
                .replace("{row of each}", &format!("({names}) SELECT {names} FROM {each}"))
                .replace("{from each}", &format!("FROM {each}"))
                .replace("{join each on}", &format!("JOIN {each} ON"))
                .replace("{lock}", "FOR NO KEY UPDATE")
                .replace("{lock alone}", "FOR UPDATE")
                .replace("{skip locked}", "FOR UPDATE SKIP LOCKED");
            replace_returning(&text, |columns| format!("RETURNING {columns}"))
        })
    }

    /// The text with the columns of the record that it reads.
    fn with_columns(&self) -> String {
        let columns = self.read.map(ColumnNames::all).unwrap_or_default();
        self.text
            .replace("{columns}", &columns.join(", "))
            .replace("{columns as null}", &vec!["NULL"; columns.len()].join(", "))
    }
}

fn names(columns: &[Column]) -> String {
    columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// Replaces the mark `{returning …}`, if there is one.
fn replace_returning(text: &str, replacement: impl FnOnce(&str) -> String) -> String {
    let parts = text
        .split_once("{returning ")
        .and_then(|(before, rest)| Some((before, rest.split_once('}')?)));
    match parts {
        Some((before, (columns, after))) => format!("{before}{}{after}", replacement(columns)),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{read_columns, write_columns};

    write_columns! {
        /// A row of `keys`.
        KeyRow(([u8; 1], &'static str)) = |(id, name)| {
            id: Bytes = id,
            id_name: Text = *name,
        }
    }

    read_columns! {
        /// A row of `keys`.
        KEY: ([u8; 1], String) {
            id: bytes,
            id_name: string,
        } => (id, id_name)
    }

    read_columns! {
        /// A row of `keys`, and how often it was used.
        KEY_AND_USES: (([u8; 1], String), u32) {
            ..key = KEY,
            uses: count,
        } => (key, uses)
    }

    #[test]
    fn an_update_takes_its_values_from_rows() {
        static SQL: Sql = Sql::each(
            "UPDATE keys SET name = each.id_name {from each} WHERE keys.id = each.id \
             {returning keys.id}",
            &KeyRow::COLUMNS,
        );
        assert_eq!(SQL.sqlite(), "UPDATE keys SET name = ?2  WHERE keys.id = ?1 ");
        assert_eq!(
            SQL.postgres(),
            "UPDATE keys SET name = each.id_name FROM \
             UNNEST($1::bytea[], $2::text[]) AS each (id, id_name) \
             WHERE keys.id = each.id RETURNING keys.id"
        );
    }

    #[test]
    fn rows_are_inserted_with_their_columns() {
        static SQL: Sql = Sql::each(
            "INSERT INTO keys {row of each} ON CONFLICT (id) DO NOTHING",
            &KeyRow::COLUMNS,
        );
        assert_eq!(
            SQL.sqlite(),
            "INSERT INTO keys (id, id_name) VALUES (?1, ?2) ON CONFLICT (id) DO NOTHING"
        );
        assert_eq!(
            SQL.postgres(),
            "INSERT INTO keys (id, id_name) SELECT id, id_name FROM \
             UNNEST($1::bytea[], $2::text[]) AS each (id, id_name) ON CONFLICT (id) DO NOTHING"
        );
    }

    #[test]
    fn rows_are_joined() {
        static SQL: Sql = Sql::each(
            "SELECT name FROM keys {join each on} keys.id = each.id AND name = each.id_name {lock}",
            &KeyRow::COLUMNS,
        );
        assert_eq!(SQL.sqlite(), "SELECT name FROM keys WHERE keys.id = ?1 AND name = ?2 ");
        assert_eq!(
            SQL.postgres(),
            "SELECT name FROM keys JOIN UNNEST($1::bytea[], $2::text[]) AS each (id, id_name) \
             ON keys.id = each.id AND name = each.id_name FOR NO KEY UPDATE"
        );
    }

    #[test]
    fn a_record_is_read_with_the_columns_of_the_one_it_contains() {
        static SQL: Sql =
            Sql::new("SELECT {columns} FROM keys UNION ALL SELECT {columns as null} FROM keys")
                .reading(&KEY_AND_USES);
        let text = "SELECT id, id_name, uses FROM keys UNION ALL SELECT NULL, NULL, NULL FROM keys";
        assert_eq!((SQL.sqlite(), SQL.postgres()), (text, text));
    }

    #[test]
    fn sqlite_has_no_row_locks() {
        static SQL: Sql = Sql::new("SELECT $1 {lock} {lock alone} {skip locked}");
        assert_eq!(SQL.sqlite(), "SELECT ?1   ");
        assert_eq!(SQL.postgres(), "SELECT $1 FOR NO KEY UPDATE FOR UPDATE FOR UPDATE SKIP LOCKED");
    }

    #[test]
    fn values_stand_in_the_order_of_the_columns() {
        let values = KeyRow::of(&([7], "seven"));
        assert_eq!(values, [crate::Value::Bytes([7].as_slice().into()), "seven".into()]);
        assert_eq!(KeyRow::COLUMNS.map(|(name, _)| name), ["id", "id_name"]);
    }
}
