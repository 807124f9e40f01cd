use crate::program::Program;

/// A command, such as `admin key create`, and its help. The empty command is the program itself.
pub(crate) struct Help {
    pub(crate) command: String,
    pub(crate) text: String,
}

/// The help of this command and of all its subcommands.
pub(crate) fn help_of_all(program: &Program, command: &str) -> Vec<Help> {
    let arguments = [command, "--help"].join(" ");
    let text = program.succeed(arguments.trim_start());
    let nested: Vec<String> =
        subcommands(&text).map(|name| format!("{command} {name}").trim().to_owned()).collect();
    let mut all = vec![Help { command: command.to_owned(), text }];
    all.extend(nested.iter().flat_map(|command| help_of_all(program, command)));
    all
}

/// The commands in a help: the first word of each line after `Commands:`. Continued lines have a
/// deeper indentation.
fn subcommands(help: &str) -> impl Iterator<Item = &str> {
    let list = help.split_once("\nCommands:\n").map_or("", |(_, list)| list);
    let lines =
        list.lines().take_while(|line| !line.is_empty()).filter_map(|line| line.strip_prefix("  "));
    lines
        .filter(|line| !line.starts_with(' '))
        .filter_map(|line| line.split(' ').next())
        .filter(|name| *name != "help")
}

#[test]
fn every_command_has_an_example() {
    let program = Program::new();
    let all = help_of_all(&program, "");
    for Help { command, text } in &all {
        let (_, examples) = text
            .split_once("Example")
            .unwrap_or_else(|| panic!("{command} has no example: {text}"));
        let itself = format!("fieldtest {command}");
        assert!(examples.contains(itself.trim_end()), "{command} has no example of itself: {text}");
    }
    let names: Vec<&str> = all.iter().map(|help| &*help.command).collect();
    for command in [
        "serve",
        "admin key",
        "admin key revoke",
        "admin production-test report",
        "tests watch",
        "login",
    ] {
        assert!(names.contains(&command), "{command} is not listed: {names:?}");
    }
    assert!(!program.folder().join("data").exists(), "help creates no files");
}

#[test]
fn exit_codes_are_documented() {
    let help = Program::new().succeed("--help");
    for part in ["Exit codes:", "0  done", "1  not done", "2  the arguments"] {
        assert!(help.contains(part), "{help}");
    }
}

#[test]
fn help_shows_no_secret_of_the_environment() {
    let program = Program::new()
        .with("FIELDTEST_TPAS_TOKEN", "hunter2")
        .with("FIELDTEST_VERIFICATION_SECRET", "hunter2");
    assert!(!program.succeed("serve --help").contains("hunter2"));
}

#[test]
fn the_version_is_printed() {
    let short = format!("fieldtest {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(Program::new().succeed("-V"), short);
    let long = Program::new().succeed("--version");
    let lines: Vec<&str> = long.strip_prefix(&short).unwrap().lines().collect();
    let [commit, features] = lines[..] else { panic!("{long}") };
    let commit = commit.strip_prefix("commit    ").unwrap();
    let is_hash = commit.len() >= 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    assert!(is_hash || commit.starts_with("unknown, "), "{long}");
    assert!(features.starts_with("features  "), "{long}");
}
