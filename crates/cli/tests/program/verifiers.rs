//! `fieldtest admin verifier` (§10, §13).

use std::fs;

use crate::program::Program;

/// A verifiers' file with one provider of each kind. Nothing listens at the issuer.
const FILE: &str = "\
[bankidse]
kind = \"simulator\"

[smartid]
kind = \"external\"
url = \"https://bank.example/login\"

[mitid]
kind = \"oidc\"
issuer = \"http://127.0.0.1:9\"
client_id = \"fieldtest\"
client_auth = \"client_secret_post\"
client_secret_file = \"SECRET\"
";

/// A program, and the arguments that name its verifiers' file.
fn with_file() -> (Program, String) {
    let program = Program::new();
    let secret = program.folder().join("secret");
    fs::write(&secret, "hunter2\n").unwrap();
    let file = program.folder().join("verifiers.toml");
    fs::write(&file, FILE.replace("SECRET", secret.to_str().unwrap())).unwrap();
    let arguments = format!("--verifiers {} --public-url https://test.example", file.display());
    (program, arguments)
}

#[test]
fn the_list_has_each_provider_and_the_redirect_uri_to_register() {
    let (program, arguments) = with_file();
    let listed = program.admin(&format!("verifier list {arguments}"));
    let of = |id: &str| listed.iter().find(|it| it["providerId"] == id).unwrap();
    assert_eq!(of("frejaid")["kind"], "simulator", "what a sandbox has without a table");
    assert_eq!(of("smartid")["address"], "https://bank.example/login");
    let mitid = of("mitid");
    assert_eq!(mitid["kind"], "oidc");
    assert_eq!(mitid["address"], "http://127.0.0.1:9");
    assert_eq!(mitid["clientAuthentication"], "client_secret_post");
    assert_eq!(mitid["redirectUri"], "https://test.example/tpas/v1/verifications/callback");
    let table = program.succeed(&format!("admin verifier list {arguments}"));
    assert!(table.contains("mitid") && !table.contains("hunter2"), "{table}");
    assert!(!program.folder().join("data").exists(), "no database is needed, and none is made");
}

#[test]
fn in_production_nobody_verifies_without_a_file() {
    let program = Program::new();
    let arguments = "verifier list --environment production --public-url https://test.example";
    assert_eq!(program.admin(arguments), Vec::<serde_json::Value>::new());
    program.succeed(&format!("admin {}", arguments.replace("list", "check")));
}

#[test]
fn the_check_fails_if_a_provider_cannot_be_reached() {
    let (program, arguments) = with_file();
    let output = program.run(&format!("admin verifier check {arguments}"));
    assert_eq!(output.code, Some(1), "{}", output.stderr);
    for part in ["bankidse: the simulator", "smartid: the login", "failed", "mitid, discovery"] {
        assert!(output.stdout.contains(part), "{part} in {}", output.stdout);
    }
    assert!(!output.stdout.contains("hunter2") && !output.stderr.contains("hunter2"));
}

#[test]
fn a_mistake_in_the_file_names_its_line() {
    let program = Program::new();
    let file = program.folder().join("verifiers.toml");
    fs::write(&file, "[mitid]\nkind = \"saml\"\n").unwrap();
    let error = program.fail(2, &format!("admin verifier list --verifiers {}", file.display()));
    assert!(error.contains("line 2"), "{error}");
}
