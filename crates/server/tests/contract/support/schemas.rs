//! Descriptions of the stores' schemas that are the same for both engines.

use std::collections::BTreeMap;
use std::path::Path;

use db::{Location, WriterMetrics};
use store_challenge::ChallengeStore;
use store_workspace::WorkspaceStore;
use tokio_postgres::Client;

use super::test_database::sqlite_rows;

/// Each table with the lines that describe it, sorted.
pub(crate) type Schema = BTreeMap<String, Vec<String>>;

/// Creates the tables of both stores.
pub(crate) async fn create_tables(location: &Location) {
    let workspaces = WorkspaceStore::open(location, WriterMetrics::default()).await.unwrap();
    workspaces.database().close().await;
    let challenges = ChallengeStore::open(location, WriterMetrics::default()).await.unwrap();
    challenges.database().close().await;
}

pub(crate) fn of_sqlite(file: &Path) -> Schema {
    let database = Sqlite(rusqlite::Connection::open(file).unwrap());
    let tables = database.rows(
        "SELECT name, sql FROM sqlite_master WHERE type = 'table'
            AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'refinery%'",
    );
    let described = tables.into_iter().map(|[table, sql]| {
        let checks = sql.matches("CHECK (").count() - sql.matches(" IN (0, 1))").count();
        let mut lines = vec![format!("{checks} checks"), database.primary_key(&table)];
        lines.extend(database.columns(&table, &sql));
        lines.extend(database.indexes(&table));
        lines.extend(database.references(&table));
        lines.sort();
        (table, lines)
    });
    described.collect()
}

struct Sqlite(rusqlite::Connection);

impl Sqlite {
    fn rows<const N: usize>(&self, sql: &str) -> Vec<[String; N]> {
        let rows = sqlite_rows(&self.0, sql).into_iter();
        let texts = rows.map(|row| row.into_iter().map(Option::unwrap_or_default).collect());
        texts.map(|row: Vec<String>| row.try_into().unwrap()).collect()
    }

    fn columns(&self, table: &str, sql: &str) -> Vec<String> {
        let is_boolean = |column: &str| sql.contains(&format!("({column} IN (0, 1))"));
        let columns = format!("SELECT name, type, \"notnull\" FROM pragma_table_info('{table}')");
        let describe = |[name, kind, not_null]: [String; 3]| {
            let kind = match kind.as_str() {
                "INTEGER" if is_boolean(&name) => "boolean",
                "INTEGER" => "bigint",
                "TEXT" => "text",
                "BLOB" => "bytea",
                other => other,
            };
            let null = if not_null == "0" { "nullable" } else { "never null" };
            format!("column {name} {kind} {null}")
        };
        self.rows(&columns).into_iter().map(describe).collect()
    }

    fn primary_key(&self, table: &str) -> String {
        let [columns] = self
            .rows(&format!(
                "SELECT group_concat(name, ',') FROM
                (SELECT name FROM pragma_table_info('{table}') WHERE pk > 0 ORDER BY pk)"
            ))
            .remove(0);
        format!("primary key {columns}")
    }

    fn indexes(&self, table: &str) -> Vec<String> {
        let indexes = self.rows(&format!(
            "SELECT name, \"unique\", partial, (SELECT group_concat(columns.name, ',') FROM
                (SELECT name FROM pragma_index_info(indexes.name) ORDER BY seqno) AS columns)
            FROM pragma_index_list('{table}') AS indexes WHERE origin = 'c'"
        ));
        let describe = |[name, unique, partial, columns]: [String; 4]| {
            format!("index {name} ({columns}) unique {unique} partial {partial}")
        };
        indexes.into_iter().map(describe).collect()
    }

    fn references(&self, table: &str) -> Vec<String> {
        let references = self.rows(&format!(
            "SELECT \"table\", group_concat(\"from\", ','), group_concat(\"to\", ',') FROM
                (SELECT * FROM pragma_foreign_key_list('{table}') ORDER BY id, seq)
            GROUP BY id, \"table\""
        ));
        let describe =
            |[target, from, to]: [String; 3]| format!("reference ({from}) to {target} ({to})");
        references.into_iter().map(describe).collect()
    }
}

/// The table and the line, for all lines of a schema.
const DESCRIBE: &str = "
    SELECT table_name, 'column ' || column_name || ' ' || data_type || ' '
        || CASE is_nullable WHEN 'YES' THEN 'nullable' ELSE 'never null' END
    FROM information_schema.columns WHERE table_schema = $1
    UNION ALL
    SELECT relname, CASE WHEN indisprimary THEN 'primary key ' || keys.names
        ELSE 'index ' || indexrelid::regclass::name || ' (' || keys.names || ') unique '
            || indisunique::int || ' partial ' || (indpred IS NOT NULL)::int END
    FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
        JOIN pg_namespace ON pg_namespace.oid = relnamespace,
        LATERAL (SELECT string_agg(attname, ',' ORDER BY place) AS names
            FROM unnest(indkey) WITH ORDINALITY AS key (number, place)
            JOIN pg_attribute ON attrelid = indrelid AND attnum = number) AS keys
    WHERE nspname = $1
    UNION ALL
    SELECT relname, 'reference (' || (SELECT string_agg(attname, ',' ORDER BY place)
            FROM unnest(conkey) WITH ORDINALITY AS key (number, place)
            JOIN pg_attribute ON attrelid = conrelid AND attnum = number)
        || ') to ' || confrelid::regclass::name || ' ('
        || (SELECT string_agg(attname, ',' ORDER BY place)
            FROM unnest(confkey) WITH ORDINALITY AS key (number, place)
            JOIN pg_attribute ON attrelid = confrelid AND attnum = number) || ')'
    FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
        JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = $1 AND contype = 'f'
    UNION ALL
    SELECT relname, (SELECT COUNT(*) FROM pg_constraint
            WHERE conrelid = pg_class.oid AND contype = 'c') || ' checks'
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = $1 AND relkind = 'r'";

pub(crate) async fn of_postgres(client: &Client, schema: &str) -> Schema {
    client.batch_execute(&format!("SET search_path = {schema}")).await.unwrap();
    let mut tables = Schema::new();
    for row in client.query(DESCRIBE, &[&schema]).await.unwrap() {
        let table: &str = row.get(0);
        if !table.starts_with("refinery") {
            tables.entry(table.to_owned()).or_default().push(row.get(1));
        }
    }
    tables.values_mut().for_each(|lines| lines.sort());
    tables
}
