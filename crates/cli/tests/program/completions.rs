//! What a shell completes (§13). Every system on which people work from a terminal has a bash.

use std::process::Command;

use crate::invocation::Program;

/// What bash would offer for these words, of which the last one is being typed.
#[track_caller]
fn offered(program: &Program, words: &[&str]) -> Vec<String> {
    let script = program.print("completions bash");
    let (last, before) = (words.len() - 1, words.len().saturating_sub(2));
    // As bash itself does it: the words, the place of the cursor, and then the command, the word
    // and the word before it.
    let driver = format!(
        "{script}\nCOMP_WORDS=(\"$@\"); COMP_CWORD={last}; _fieldtest fieldtest \"${{@:{}:1}}\" \"${{@:{}:1}}\"\n\
         printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        last + 1,
        before + 1,
    );
    let output =
        Command::new("bash").args(["--norc", "-c", &driver, "bash"]).args(words).output().unwrap();
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let printed = String::from_utf8(output.stdout).unwrap();
    printed.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands() {
    let program = Program::new();
    for (typed, expected) in [
        (&["fieldtest", "te"][..], "tests"),
        (&["fieldtest", "tests", "cr"], "create"),
        (&["fieldtest", "admin", "production-test", "rep"], "report"),
        (&["fieldtest", "admin", "--json", "key", "rev"], "revoke"),
    ] {
        assert_eq!(offered(&program, typed), [expected], "{typed:?}");
    }
    let offered = offered(&program, &["fieldtest", ""]);
    assert!(
        ["serve", "admin", "man", "--help"]
            .iter()
            .all(|name| offered.iter().any(|word| word == name)),
        "{offered:?}"
    );
}

#[test]
fn bash_completes_options_and_values_of_which_there_are_few() {
    let program = Program::new();
    for (typed, expected) in [
        (&["fieldtest", "serve", "--data-d"][..], &["--data-dir"][..]),
        (&["fieldtest", "serve", "--environment", ""], &["sandbox", "production"]),
        (&["fieldtest", "serve", "--roles", "s"], &["scheduler"]),
        (&["fieldtest", "serve", "--log-level", "d"], &["debug"]),
        (&["fieldtest", "serve", "--log-format", "j"], &["json"]),
        (&["fieldtest", "admin", "key", "create", "--environment", "p"], &["production"]),
        (&["fieldtest", "tests", "list", "--status", "f"], &["failed"]),
        (&["fieldtest", "tests", "list", "--type", ""], &["challenge", "request"]),
        (&["fieldtest", "tests", "list", "--order", "d"], &["desc"]),
        (&["fieldtest", "tests", "create", "--target-platform", "i"], &["ios"]),
        (&["fieldtest", "completions", "z"], &["zsh"]),
    ] {
        assert_eq!(offered(&program, typed), expected, "{typed:?}");
    }
}

#[test]
fn each_shell_gets_a_script_of_its_own_without_making_anything() {
    let program = Program::new().with("FIELDTEST_TPAS_TOKEN", "hunter2");
    let scripts = ["bash", "zsh", "fish", "powershell", "elvish"].map(|shell| {
        let script = program.print(&format!("completions {shell}"));
        assert!(
            script.contains("production-test") && !script.contains("hunter2"),
            "{shell}: {script}"
        );
        script
    });
    assert!((1..scripts.len()).all(|index| !scripts[..index].contains(&scripts[index])));
    let check = Command::new("bash").args(["--norc", "-n", "-c", &scripts[0]]).output().unwrap();
    assert!(
        check.status.success() && check.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&check.stderr)
    );
    assert_eq!(std::fs::read_dir(program.folder()).unwrap().count(), 0);
    program.complain(2, "completions tcsh");
}

#[test]
fn a_value_that_is_none_of_the_few_is_refused_as_before() {
    let complaint = Program::new().complain(2, "serve --environment test");
    assert!(complaint.contains("must be sandbox or production"), "{complaint}");
}
