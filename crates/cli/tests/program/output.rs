use crate::program::Program;

#[test]
fn lists_are_tables_or_json() {
    let program = Program::new();
    let workspace = program.workspace();
    let table = program.succeed("admin workspace list");
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 2, "{table}");
    assert!(
        lines[0].starts_with("WORKSPACE ") && lines[1].starts_with(&format!("{workspace}  Acme  ")),
        "{table}"
    );
    // The flag may also precede the command.
    let json = program.succeed("admin --json workspace list");
    assert_eq!(json, program.succeed("admin workspace list --json"));
    let found: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(found[0]["id"], *workspace);
}

#[test]
fn a_secret_is_printed_once() {
    let program = Program::new();
    let workspace = program.workspace();
    let created = program.succeed(&format!("admin key create --workspace {workspace} --name ci"));
    assert_eq!(created.matches("sk_workspace_test_").count(), 1, "{created}");
    for later in ["admin key list", "admin key list --json"] {
        assert!(!program.succeed(later).contains("sk_workspace"), "{later}");
    }
}

#[test]
fn the_openapi_document_is_printed() {
    let printed = Program::new().succeed("openapi");
    assert_eq!(printed, server::openapi_json());
    assert!(printed.ends_with("}\n"));
    assert_eq!(Program::new().succeed("openapi --version 3.1"), printed);
    let older = Program::new().succeed("openapi --version 3.0");
    assert_eq!(older, server::openapi_3_0_json());
    assert!(older.ends_with("}\n"));
}

#[test]
fn invalid_arguments_are_bad_input() {
    let program = Program::new();
    for arguments in [
        "nonsense",
        "migrate --nonsense",
        "admin key create --name ci",
        "admin key create --workspace org_x",
        "admin key create --workspace nonsense --name ci",
        "admin key create --workspace org_x --name ci --expires 1s",
        "admin key create --workspace org_x --name ci --environment test",
        "admin app create --workspace org_x --name Bank --client-id Bank",
    ] {
        program.fail(2, arguments);
    }
    assert!(!program.folder().join("data").exists(), "invalid arguments create no files");
}
