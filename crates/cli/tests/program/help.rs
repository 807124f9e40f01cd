use crate::invocation::Program;

/// A command, such as `admin key create`, and its help. The program itself is the empty command.
pub(crate) struct Help {
    pub(crate) command: String,
    pub(crate) text: String,
}

/// The help of this command and of every command below it, as the program prints it.
pub(crate) fn all_below(program: &Program, command: &str) -> Vec<Help> {
    let arguments = [command, "--help"].join(" ");
    let text = program.print(arguments.trim_start());
    let below: Vec<String> =
        subcommands(&text).map(|name| format!("{command} {name}").trim().to_owned()).collect();
    let mut all = vec![Help { command: command.to_owned(), text }];
    all.extend(below.iter().flat_map(|command| all_below(program, command)));
    all
}

/// The commands that a help lists: the first word of each line below `Commands:`. What goes on in a
/// next line stands further to the right.
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
fn every_command_and_every_group_of_commands_has_an_example_of_itself() {
    let program = Program::new();
    let all = all_below(&program, "");
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
        assert!(names.contains(&command), "{command} was not looked at: {names:?}");
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
    let program = Program::new()
        .with("FIELDTEST_TPAS_TOKEN", "hunter2")
        .with("FIELDTEST_VERIFICATION_SECRET", "hunter2");
    assert!(!program.print("serve --help").contains("hunter2"));
}

#[test]
fn the_version_is_printed() {
    assert_eq!(
        Program::new().print("--version"),
        format!("fieldtest {}\n", env!("CARGO_PKG_VERSION"))
    );
}
