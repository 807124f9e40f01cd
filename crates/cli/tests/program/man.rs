//! The manual pages (§13): well formed, complete, and where they are asked for.

use std::fs;

use crate::help::all_below;
use crate::invocation::Program;

/// What a page may ask of whoever prints it; all of it is known to every `man`.
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
fn every_command_has_a_page_with_its_example() {
    let program = Program::new();
    let printed = program.print("man --dir pages/man1");
    let commands = all_below(&program, "");
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
fn a_page_is_printed_and_is_the_one_that_is_written() {
    let program = Program::new().with("FIELDTEST_TPAS_TOKEN", "hunter2");
    program.print("man --dir pages");
    for (arguments, file, title) in [
        ("man", "fieldtest.1", ".TH fieldtest 1"),
        ("man serve", "fieldtest-serve.1", ".TH fieldtest-serve 1"),
        ("man tests create", "fieldtest-tests-create.1", ".TH fieldtest-tests-create 1"),
    ] {
        let page = program.print(arguments);
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
fn what_has_no_page_is_named() {
    let program = Program::new();
    let complaint = program.complain(2, "man tests creat");
    assert!(
        complaint.contains("fieldtest tests creat") && complaint.contains("fieldtest tests --help"),
        "{complaint}"
    );
    program.complain(2, "man serve --dir pages");
    fs::write(program.folder().join("file"), "").unwrap();
    let complaint = program.complain(1, "man --dir file");
    assert!(complaint.contains("cannot write into file"), "{complaint}");
}
