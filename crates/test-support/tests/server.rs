//! Servers that do not start.

use std::path::Path;

use test_support::ServerCommand;

#[test]
fn a_failed_start_quotes_the_log() {
    let folder = tempfile::tempdir().unwrap();
    // The shell looks for a script with the name of the subcommand, and finds none.
    let command = ServerCommand::new(Path::new("/bin/sh"), folder.path());
    let error = command.log_to(&folder.path().join("log")).start().unwrap_err().to_string();
    assert!(error.starts_with("the server did not listen; its log ends:\n"), "{error}");
    assert!(error.contains("serve"), "{error}");
}

#[test]
fn a_missing_program_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let error = ServerCommand::new(Path::new("/nonexistent"), folder.path()).start().unwrap_err();
    assert!(error.to_string().starts_with("cannot start the server"), "{error}");
}
