//! The manual pages (§13).

use std::fs;

use crate::help::help_of_all;
use crate::program::Program;

/// The roff requests that a page may use. Every `man` supports them.
const REQUESTS: [&str; 12] =
    [".TH", ".SH", ".TP", ".IP", ".RS", ".RE", ".PP", ".br", ".nf", ".fi", ".ie", ".el"];

#[track_caller]
fn assert_well_formed(name: &str, page: &str) {
    let requests: Vec<&str> = page
        .lines()
        .filter(|line| line.starts_with(['.', '\'']))
        .filter_map(|line| line.split(' ').next())
        .collect();
    let unknown: Vec<&&str> =
        requests.iter().filter(|request| !REQUESTS.contains(request)).collect();
    assert!(unknown.is_empty(), "{name}: {unknown:?}");
    let count = |request: &str| requests.iter().filter(|found| **found == request).count();
    assert_eq!(count(".TH"), 1, "{name}: {page}");
    assert_eq!((count(".RS"), count(".nf")), (count(".RE"), count(".fi")), "{name}: {page}");
    for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES"] {
        assert_eq!(
            page.lines().filter(|line| *line == format!(".SH {section}")).count(),
            1,
            "{name}: {section}: {page}"
        );
    }
}

#[test]
fn every_command_has_a_page_with_an_example() {
    let program = Program::new();
    let printed = program.succeed("man --dir pages/man1");
    let commands = help_of_all(&program, "");
    assert_eq!(printed, format!("{} pages are written to pages/man1\n", commands.len()));
    let folder = program.folder().join("pages/man1");
    for help in &commands {
        let words = format!("fieldtest {}", help.command);
        let name = words.trim_end().replace(' ', "-");
        let page = fs::read_to_string(folder.join(format!("{name}.1")))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_well_formed(&name, &page);
        let (_, examples) = page.split_once(".SH EXAMPLES\n").unwrap();
        assert!(examples.replace("\\-", "-").contains(words.trim_end()), "{name}: {examples}");
    }
    assert_eq!(fs::read_dir(folder).unwrap().count(), commands.len(), "and no others");
}

#[test]
fn printed_and_written_pages_are_the_same() {
    let program = Program::new().with("FIELDTEST_TPAS_TOKEN", "hunter2");
    program.succeed("man --dir pages");
    for (arguments, file, title) in [
        ("man", "fieldtest.1", ".TH fieldtest 1"),
        ("man serve", "fieldtest-serve.1", ".TH fieldtest-serve 1"),
        ("man tests create", "fieldtest-tests-create.1", ".TH fieldtest-tests-create 1"),
    ] {
        let page = program.succeed(arguments);
        assert!(page.contains(title), "{arguments}: {page}");
        assert_eq!(
            page,
            fs::read_to_string(program.folder().join("pages").join(file)).unwrap(),
            "{arguments}"
        );
        assert!(!page.contains("hunter2"), "{arguments}: {page}");
    }
}

#[test]
fn an_unknown_command_is_bad_input() {
    let program = Program::new();
    let error = program.fail(2, "man tests creat");
    assert!(
        error.contains("fieldtest tests creat") && error.contains("fieldtest tests --help"),
        "{error}"
    );
    program.fail(2, "man serve --dir pages");
    fs::write(program.folder().join("file"), "").unwrap();
    let error = program.fail(1, "man --dir file");
    assert!(error.contains("cannot write into file"), "{error}");
}
