//! What a schema says, in words that are the same for both engines.

use std::collections::BTreeMap;

use tokio_postgres::Client;

/// A schema's tables, each with lines that describe it.
pub(crate) type Schema = BTreeMap<String, Vec<String>>;

pub(crate) fn of_sqlite(file: &std::path::Path) -> Schema {
    let connection = rusqlite::Connection::open(file).unwrap();
    let query = |sql: &str| -> Vec<Vec<String>> {
        let mut statement = connection.prepare(sql).unwrap();
        let width = statement.column_count();
        let text = |row: &rusqlite::Row<'_>, index| -> rusqlite::Result<String> {
            Ok(match row.get_ref(index)? {
                rusqlite::types::ValueRef::Null => String::new(),
                rusqlite::types::ValueRef::Integer(number) => number.to_string(),
                other => other.as_str().unwrap().to_owned(),
            })
        };
        statement
            .query_map((), |row| (0..width).map(|index| text(row, index)).collect())
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap()
    };
    let tables = query(
        "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'refinery%'",
    );
    let describe = |table: &str, sql: &str| {
        let truths = |column: &str| sql.contains(&format!("({column} IN (0, 1))"));
        let mut lines = Vec::new();
        for column in
            query(&format!("SELECT name, type, \"notnull\" FROM pragma_table_info('{table}')"))
        {
            let kind = match column[1].as_str() {
                "INTEGER" if truths(&column[0]) => "boolean",
                "INTEGER" => "bigint",
                "TEXT" => "text",
                "BLOB" => "bytea",
                other => other,
            };
            lines.push(format!("column {} {kind} {}", column[0], nullable(column[2] == "0")));
        }
        let key = query(&format!(
            "SELECT group_concat(name, ',') FROM (SELECT name FROM pragma_table_info('{table}') WHERE pk > 0 ORDER BY pk)"
        ));
        lines.push(format!("primary key {}", key[0][0]));
        for index in query(&format!(
            "SELECT name, \"unique\", partial FROM pragma_index_list('{table}') WHERE origin = 'c'"
        )) {
            let columns = query(&format!(
                "SELECT group_concat(name, ',') FROM (SELECT name FROM pragma_index_info('{}') ORDER BY seqno)",
                index[0]
            ));
            lines.push(format!(
                "index {} ({}) unique {} partial {}",
                index[0], columns[0][0], index[1], index[2]
            ));
        }
        for reference in query(&format!(
            "SELECT \"table\", group_concat(\"from\", ','), group_concat(\"to\", ',') FROM
                (SELECT * FROM pragma_foreign_key_list('{table}') ORDER BY id, seq) GROUP BY id, \"table\""
        )) {
            lines.push(format!("reference ({}) to {} ({})", reference[1], reference[0], reference[2]));
        }
        let checks = sql.matches("CHECK (").count() - sql.matches(" IN (0, 1))").count();
        lines.push(format!("{checks} checks"));
        lines.sort();
        lines
    };
    tables.iter().map(|table| (table[0].clone(), describe(&table[0], &table[1]))).collect()
}

/// A line for each fact, table first.
const FACTS: &str = "
    SELECT table_name, 'column ' || column_name || ' ' || data_type || ' '
        || CASE is_nullable WHEN 'YES' THEN 'nullable' ELSE 'never null' END
    FROM information_schema.columns WHERE table_schema = $1
    UNION ALL
    SELECT relname, CASE WHEN indisprimary THEN 'primary key ' || keys.names
        ELSE 'index ' || indexrelid::regclass::name || ' (' || keys.names || ') unique ' || indisunique::int
            || ' partial ' || (indpred IS NOT NULL)::int END
    FROM pg_index JOIN pg_class ON pg_class.oid = indrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace,
        LATERAL (SELECT string_agg(attname, ',' ORDER BY place) AS names
            FROM unnest(indkey) WITH ORDINALITY AS key (number, place)
            JOIN pg_attribute ON attrelid = indrelid AND attnum = number) AS keys
    WHERE nspname = $1
    UNION ALL
    SELECT relname, 'reference (' || (SELECT string_agg(attname, ',' ORDER BY place)
            FROM unnest(conkey) WITH ORDINALITY AS key (number, place)
            JOIN pg_attribute ON attrelid = conrelid AND attnum = number)
        || ') to ' || confrelid::regclass::name || ' (' || (SELECT string_agg(attname, ',' ORDER BY place)
            FROM unnest(confkey) WITH ORDINALITY AS key (number, place)
            JOIN pg_attribute ON attrelid = confrelid AND attnum = number) || ')'
    FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = $1 AND contype = 'f'
    UNION ALL
    SELECT relname, (SELECT COUNT(*) FROM pg_constraint WHERE conrelid = pg_class.oid AND contype = 'c') || ' checks'
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE nspname = $1 AND relkind = 'r'";

pub(crate) async fn of_postgres(client: &Client, schema: &str) -> Schema {
    client.batch_execute(&format!("SET search_path = {schema}")).await.unwrap();
    let mut tables = Schema::new();
    for row in client.query(FACTS, &[&schema]).await.unwrap() {
        let table: &str = row.get(0);
        if !table.starts_with("refinery") {
            tables.entry(table.to_owned()).or_default().push(row.get(1));
        }
    }
    tables.values_mut().for_each(|lines| lines.sort());
    tables
}

fn nullable(truth: bool) -> &'static str {
    if truth { "nullable" } else { "never null" }
}
