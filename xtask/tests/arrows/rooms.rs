//! No room names another that it must not know.

use std::collections::BTreeSet;
use std::path::Path;

use crate::files::{assert_none, files_below, root, rust_files_below, short};
use crate::paths::{Names, paths};
use crate::table::{CRATES, ROOMS, RoomRow};

/// Crates that are looked at: those that have rooms.
const WITH_ROOMS: &[&str] = &["server", "store"];

#[test]
fn no_room_names_one_that_it_must_not_know() {
    let mut found = Vec::new();
    for name in WITH_ROOMS {
        let source = root().join("crates").join(name).join("src");
        for file in rust_files_below(&source) {
            found.extend(offences(&file, &module(name, &source, &file)));
        }
    }
    assert_none(&found);
}

#[test]
fn every_room_in_the_table_exists() {
    let all = ROOMS.iter().flat_map(|row| [&[row.room], row.must_not_know].concat());
    let gone: BTreeSet<&str> = all.filter(|room| !exists(room)).collect();
    let gone: Vec<String> = gone.iter().map(|room| format!("{room} is in the table but not in the tree")).collect();
    assert_none(&gone);
}

#[test]
fn every_crate_has_a_row() {
    let without: Vec<String> = files_below(&root().join("crates"))
        .iter()
        .filter(|file| file.ends_with("Cargo.toml"))
        .filter(|file| !CRATES.iter().any(|row| short(file) == format!("crates/{}/Cargo.toml", row.folder)))
        .map(|file| format!("{} has no row in the table", short(file)))
        .collect();
    assert_none(&without);
}

fn offences(file: &Path, module: &[String]) -> Vec<String> {
    let source = std::fs::read_to_string(file).unwrap();
    let crates: Vec<&str> = CRATES.iter().map(|row| row.folder).collect();
    let mut offences: Vec<String> = paths(&source, module, &crates)
        .iter()
        .flat_map(|path| broken(module, path).map(|row| describe(file, path, row)))
        .collect();
    offences.dedup();
    offences
}

/// The rows of the table that this path in this module breaks.
fn broken(module: &[String], path: &Names) -> impl Iterator<Item = &'static RoomRow> {
    ROOMS
        .iter()
        .filter(move |row| is_below(module, row.room) && row.must_not_know.iter().any(|room| is_below(path, room)))
}

fn describe(file: &Path, path: &Names, row: &RoomRow) -> String {
    format!("{} names {}, but {} must not: {}", short(file), path.join("::"), row.room, row.why)
}

fn is_below(path: &[String], room: &str) -> bool {
    let room: Vec<&str> = room.split("::").collect();
    path.len() >= room.len() && path.iter().zip(&room).all(|(have, want)| have == want)
}

/// Where a file is in the tree of modules, its crate first.
fn module(name: &str, source: &Path, file: &Path) -> Names {
    let inside = file.strip_prefix(source).unwrap().with_extension("");
    let names = inside.iter().map(|part| part.to_string_lossy().into_owned());
    let names = names.filter(|part| !["lib", "main", "mod"].contains(&part.as_str()));
    std::iter::once(name.to_owned()).chain(names).collect()
}

/// Whether a room of the table is a file or a folder of the tree.
fn exists(room: &str) -> bool {
    let (name, inside) = room.split_once("::").unwrap();
    let place = root().join("crates").join(name).join("src").join(inside.replace("::", "/"));
    place.is_dir() || place.with_extension("rs").is_file()
}

#[test]
fn an_offence_is_noticed_and_what_is_allowed_is_not() {
    let names = |text: &str| -> Names { text.split("::").map(str::to_owned).collect() };
    let count = |module, path| broken(&names(module), &names(path)).count();
    assert_eq!(count("server::scheduler::hand_over", "server::tpas::Service"), 1);
    assert_eq!(count("server::scheduler", "server::tpas"), 1);
    assert_eq!(count("server::peer", "server::tpas::Service"), 0);
    assert_eq!(count("server::workspace_api::routes", "server::web::Envelope"), 0);
    assert_eq!(count("store::connect::keys", "store::tpas::claims"), 1);
    assert_eq!(count("server::workspace_apiary", "server::tpas"), 0);
}
