use crate::invocation::Program;

#[test]
fn a_table_is_for_people_and_json_for_programs() {
    let program = Program::new();
    let workspace = program.workspace();
    let table = program.print("admin workspace list");
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 2, "{table}");
    assert!(
        lines[0].starts_with("WORKSPACE ") && lines[1].starts_with(&format!("{workspace}  Acme  ")),
        "{table}"
    );
    // The flag may stand before the noun as well.
    let json = program.print("admin --json workspace list");
    assert_eq!(json, program.print("admin workspace list --json"));
    let found: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(found[0]["id"], *workspace);
}

#[test]
fn a_secret_is_shown_when_it_is_made_and_at_no_other_time() {
    let program = Program::new();
    let workspace = program.workspace();
    let made = program.print(&format!("admin key create --workspace {workspace} --name ci"));
    assert_eq!(made.matches("sk_workspace_test_").count(), 1, "{made}");
    for later in ["admin key list", "admin key list --json"] {
        assert!(!program.print(later).contains("sk_workspace"), "{later}");
    }
}

#[test]
fn the_openapi_document_is_printed_whole_and_ends_its_line() {
    let printed = Program::new().print("openapi");
    assert_eq!(printed, server::openapi_json());
    assert!(printed.ends_with("}\n"));
}

#[test]
fn what_is_not_understood_is_bad_input() {
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
        program.complain(2, arguments);
    }
    assert!(!program.folder().join("data").exists(), "what is not understood makes nothing");
}
