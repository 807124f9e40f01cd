use crate::invocation::Program;

/// Every command that does something.
const COMMANDS: [&str; 12] = [
    "serve",
    "migrate",
    "openapi",
    "admin",
    "admin workspace create",
    "admin workspace list",
    "admin key create",
    "admin key list",
    "admin key revoke",
    "admin app create",
    "admin provider enable",
    "admin provider disable",
];

#[test]
fn every_command_has_an_example_of_itself() {
    let program = Program::new();
    for command in COMMANDS {
        let help = program.print(&format!("{command} --help"));
        let (_, examples) = help.split_once("Example").unwrap_or_else(|| panic!("{command}: {help}"));
        assert!(examples.contains(&format!("fieldtest {command}")), "{command}: {help}");
    }
    assert!(!program.folder().join("data").exists(), "asking for help makes nothing");
}

#[test]
fn exit_codes_are_documented() {
    let help = Program::new().print("--help");
    for part in ["Exit codes:", "0  done", "1  not done", "2  the arguments"] {
        assert!(help.contains(part), "{help}");
    }
}

#[test]
fn help_shows_no_secret_of_the_environment() {
    let program =
        Program::new().with("FIELDTEST_TPAS_TOKEN", "hunter2").with("FIELDTEST_VERIFICATION_SECRET", "hunter2");
    assert!(!program.print("serve --help").contains("hunter2"));
}

#[test]
fn the_version_is_printed() {
    assert_eq!(Program::new().print("--version"), format!("fieldtest {}\n", env!("CARGO_PKG_VERSION")));
}
