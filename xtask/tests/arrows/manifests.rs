//! No crate depends on one that it must not know.

use toml::{Table, Value};

use crate::files::{assert_none, root};
use crate::table::{CRATES, CrateRow, GROUPS};

#[test]
fn no_crate_depends_on_one_that_it_must_not_know() {
    let found: Vec<String> = CRATES.iter().flat_map(|row| offences(row, &manifest(row))).collect();
    assert_none(&found);
}

fn manifest(row: &CrateRow) -> Table {
    let path = root().join("crates").join(row.folder).join("Cargo.toml");
    std::fs::read_to_string(path).unwrap().parse().unwrap()
}

fn offences(row: &CrateRow, manifest: &Table) -> Vec<String> {
    let own: Vec<&str> = CRATES.iter().map(|row| row.folder).collect();
    let mut offences = Vec::new();
    for (section, name) in dependencies(manifest) {
        if own.contains(&name.as_str()) && !row.may_depend_on.contains(&name.as_str()) {
            offences.push(format!("{} must not depend on {name}, not in [{section}] either", row.folder));
        }
        if section != "dev-dependencies" && is_forbidden(row, &name) {
            offences.push(format!("{} must not use {name}: that belongs to another room", row.folder));
        }
    }
    offences
}

/// Whether the crate's row names this library, or a group that it is in.
fn is_forbidden(row: &CrateRow, library: &str) -> bool {
    row.must_not_use.iter().any(|&entry| {
        entry == library || GROUPS.iter().any(|(group, members)| *group == entry && members.contains(&library))
    })
}

/// Section and name of all that a manifest depends on, on any platform. Renamed dependencies go by what they really are.
fn dependencies(manifest: &Table) -> Vec<(&'static str, String)> {
    let platforms = manifest.get("target").and_then(Value::as_table);
    let tables: Vec<&Table> = std::iter::once(manifest)
        .chain(platforms.into_iter().flat_map(Table::values).filter_map(Value::as_table))
        .collect();
    ["dependencies", "dev-dependencies", "build-dependencies"]
        .into_iter()
        .flat_map(|section| tables.iter().filter_map(move |table| Some((section, table.get(section)?.as_table()?))))
        .flat_map(|(section, table)| table.iter().map(move |(name, value)| (section, real_name(name, value))))
        .collect()
}

fn real_name(name: &str, value: &Value) -> String {
    let package = value.get("package").and_then(Value::as_str).unwrap_or(name);
    package.strip_prefix("fieldtest-").unwrap_or(package).to_owned()
}

#[test]
fn a_dependency_is_found_wherever_it_is_declared() {
    let row = CrateRow { folder: "store", may_depend_on: &["domain"], must_not_use: &["http"] };
    let count = |text: &str| offences(&row, &text.parse().unwrap()).len();
    assert_eq!(count("[dependencies]\ndomain.workspace = true\nrusqlite = \"1\""), 0);
    assert_eq!(count("[dependencies]\nwire.workspace = true"), 1);
    assert_eq!(count("[dev-dependencies]\nx = { package = \"fieldtest-server\", path = \"\" }"), 1);
    assert_eq!(count("[target.'cfg(unix)'.dependencies]\naxum = \"1\""), 1);
    assert_eq!(count("[dev-dependencies]\naxum = \"1\""), 0);
}
