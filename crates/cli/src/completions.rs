//! `fieldtest completions` (§13).

use clap::{Args, Command};
use clap_complete::{Shell, generate};

use crate::failure::Failure;
use crate::output;

const NOTES: &str = "\
The script completes commands, options and fixed values. Generate it again after an upgrade.

Examples:
  fieldtest completions bash > ~/.local/share/bash-completion/completions/fieldtest
  fieldtest completions zsh > \"${fpath[1]}/_fieldtest\"
  fieldtest completions fish > ~/.config/fish/completions/fieldtest.fish";

/// The arguments of `completions`.
#[derive(Args)]
#[command(after_help = NOTES)]
pub(crate) struct CompletionsArguments {
    /// The shell that runs the script
    shell: Shell,
}

/// Prints the script for the program.
pub(crate) fn run(
    CompletionsArguments { shell }: CompletionsArguments,
    mut program: Command,
) -> Result<(), Failure> {
    let mut script = Vec::new();
    let name = program.get_name().to_owned();
    generate(shell, &mut program, name, &mut script);
    output::print(&String::from_utf8_lossy(&script))
}
