//! The command line takes precedence over the environment, the environment over the file, the file
//! over the default.

use std::fs;

use crate::program::Program;

/// The data directory that `migrate` uses.
fn data_dir(program: &Program, arguments: &str) -> String {
    let printed = program.succeed(arguments);
    printed.split_once("/connect.sqlite3 is up to date\n").unwrap().0.to_owned()
}

#[test]
fn each_layer_overrides_the_lower_ones() {
    let program = Program::new();
    assert_eq!(data_dir(&program, "migrate"), "./data");
    fs::write(program.folder().join("fieldtest.toml"), "data-dir = 'from-file'\n").unwrap();
    assert_eq!(data_dir(&program, "migrate --config fieldtest.toml"), "from-file");
    let program = program.with("FIELDTEST_CONFIG", "fieldtest.toml");
    assert_eq!(data_dir(&program, "migrate"), "from-file");
    let program = program.with("FIELDTEST_DATA_DIR", "from-environment");
    assert_eq!(data_dir(&program, "migrate"), "from-environment");
    assert_eq!(data_dir(&program, "migrate --data-dir from-line"), "from-line");
}

#[test]
fn the_environment_of_a_key_has_the_same_layers() {
    let program = Program::new();
    let workspace = program.workspace();
    fs::write(program.folder().join("fieldtest.toml"), "environment = 'production'\n").unwrap();
    let create = format!("key create --workspace {workspace} --name ci");
    let secret = |program: &Program, arguments: &str| {
        let key = program.admin(&format!("{create}{arguments}")).remove(0);
        key["secret"].as_str().unwrap().to_owned()
    };
    assert!(secret(&program, "").starts_with("sk_workspace_test_"));
    assert!(secret(&program, " --config fieldtest.toml").starts_with("sk_workspace_prod_"));
    let program = program.with("FIELDTEST_ENVIRONMENT", "sandbox");
    assert!(secret(&program, " --config fieldtest.toml").starts_with("sk_workspace_test_"));
    assert!(secret(&program, " --environment production").starts_with("sk_workspace_prod_"));
}

#[test]
fn an_error_in_the_file_names_the_line() {
    let program = Program::new();
    for (text, part) in [
        ("\nlissten = 'x'\n", "fieldtest.toml, line 2: unknown field `lissten`"),
        ("environment = 'test'\n", "fieldtest.toml, line 1: must be sandbox or production"),
        ("# ok\n\nlisten = 8080\n", "fieldtest.toml, line 3: write an IP address and a port"),
    ] {
        fs::write(program.folder().join("fieldtest.toml"), text).unwrap();
        for command in ["serve", "migrate", "admin workspace list"] {
            let error = program.fail(2, &format!("{command} --config fieldtest.toml"));
            assert!(error.contains(part), "{error}");
        }
    }
    let error = program.fail(2, "serve --config missing.toml");
    assert!(error.contains("missing.toml"), "{error}");
    assert!(!program.folder().join("data").exists(), "an error in the file stops the command");
}

#[test]
fn conflicting_options_are_bad_input() {
    let program = Program::new();
    for (arguments, part) in [
        ("serve --roles api", "--tpas-url"),
        ("serve --tpas-url https://tpas.example", "--tpas-token"),
        (
            "serve --tpas-url https://me:hunter2@tpas.example --tpas-token x",
            "without query and password",
        ),
        ("serve --catalogue missing.toml --listen 127.0.0.1:0", "missing.toml"),
    ] {
        let run = program.run(arguments);
        let expected = if part == "missing.toml" { 1 } else { 2 };
        assert_eq!(run.code, Some(expected), "{arguments}: {}", run.stderr);
        assert!(run.stderr.contains(part), "{arguments}: {}", run.stderr);
    }
}

#[test]
fn an_invalid_variable_is_bad_input() {
    let program = Program::new().with("FIELDTEST_NO_DEMO", "perhaps");
    assert!(program.fail(2, "serve").contains("--no-demo"));
}
