//! `docs/security.md` lists attacks with the tests that show what happens: those tests exist.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::Path;

/// The text of all Rust files and scripts below a folder, and the names of the scripts.
fn sources(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|end| end == "rs") {
            text.push_str(&fs::read_to_string(&path).unwrap());
        } else if path.extension().is_some_and(|end| end == "mjs") {
            text.push_str(&format!("fn {}(", path.file_name().unwrap().display()));
        }
    }
}

/// The names in the last column of the tables, without the modules before them.
fn tests_of(document: &str) -> Vec<&str> {
    let rows = document.lines().filter(|line| line.starts_with("| ") && line.contains('`'));
    let cells = rows.filter_map(|row| row.trim_end_matches(" |").rsplit(" | ").next());
    let names = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    names.filter_map(|name| name.rsplit("::").next()).collect()
}

#[test]
fn the_test_of_each_attack_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let document = fs::read_to_string(root.join("docs/security.md")).unwrap();
    let mut text = String::new();
    for folder in ["crates", "xtask/browser"] {
        sources(&root.join(folder), &mut text);
    }
    let names = tests_of(&document);
    assert!(names.len() > 50, "the table is not read: {names:?}");
    let missing: Vec<_> =
        names.iter().filter(|name| !text.contains(&format!("fn {name}("))).collect();
    assert!(missing.is_empty(), "there are no such tests: {missing:?}");
}

#[test]
fn names_are_read_from_the_last_column() {
    let document = "| attack | what happens | test |\n|---|---|---|\n\
        | a `kid` | `none` of it | `module::one`, `two` |\n";
    assert_eq!(tests_of(document), ["one", "two"]);
}
