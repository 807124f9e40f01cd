//! Shell completion (§13), which is tested with bash.

use std::process::Command;

use crate::program::Program;

/// The completions of bash for these words, of which the last one is incomplete.
#[track_caller]
fn completions(program: &Program, words: &[&str]) -> Vec<String> {
    let script = program.succeed("completions bash");
    let (last, before) = (words.len() - 1, words.len().saturating_sub(2));
    // The interface of bash: the words, the index of the last one, and as arguments the command,
    // the word and the previous word.
    let driver = format!(
        "{script}\nCOMP_WORDS=(\"$@\"); COMP_CWORD={last}\n\
         _fieldtest fieldtest \"${{@:{}:1}}\" \"${{@:{}:1}}\"\n\
         printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        last + 1,
        before + 1,
    );
    // The script is longer than an argument may be.
    let file = program.folder().join("driver.bash");
    std::fs::write(&file, driver).unwrap();
    let output = Command::new("bash").arg("--norc").arg(&file).args(words).output().unwrap();
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
        assert_eq!(completions(&program, typed), [expected], "{typed:?}");
    }
    let all = completions(&program, &["fieldtest", ""]);
    assert!(
        ["serve", "admin", "man", "--help"].iter().all(|name| all.iter().any(|word| word == name)),
        "{all:?}"
    );
}

#[test]
fn bash_completes_options_and_fixed_values() {
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
        assert_eq!(completions(&program, typed), expected, "{typed:?}");
    }
}

#[test]
fn each_shell_has_its_own_script_and_no_files_are_created() {
    let program = Program::new().with("FIELDTEST_TPAS_TOKEN", "hunter2");
    let scripts = ["bash", "zsh", "fish", "powershell", "elvish"].map(|shell| {
        let script = program.succeed(&format!("completions {shell}"));
        assert!(
            script.contains("production-test") && !script.contains("hunter2"),
            "{shell}: {script}"
        );
        script
    });
    assert!((1..scripts.len()).all(|index| !scripts[..index].contains(&scripts[index])));
    assert_eq!(std::fs::read_dir(program.folder()).unwrap().count(), 0);
    let file = program.folder().join("script.bash");
    std::fs::write(&file, &scripts[0]).unwrap();
    let check = Command::new("bash").args(["--norc", "-n"]).arg(&file).output().unwrap();
    assert!(
        check.status.success() && check.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&check.stderr)
    );
    program.fail(2, "completions tcsh");
}

#[test]
fn other_values_are_refused_with_the_errors_of_their_type() {
    let error = Program::new().fail(2, "serve --environment test");
    assert!(error.contains("must be sandbox or production"), "{error}");
}
