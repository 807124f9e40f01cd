//! `fieldtest man` (§13).

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Command, ValueHint};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use crate::failure::Failure;
use crate::output;

const NOTES: &str = "\
`manpath` prints the folders that `man` searches; user commands are in man1 below them.

Examples:
  fieldtest man | man -l -
  fieldtest man tests create | man -l -
  fieldtest man --dir /usr/local/share/man/man1";

/// The arguments of `man`.
#[derive(Args)]
#[command(after_help = NOTES)]
pub(crate) struct ManArguments {
    /// The command whose page to print, such as tests create [default: the program itself]
    #[arg(conflicts_with = "dir")]
    command: Vec<String>,

    /// Write the pages of all commands into this folder, which is created if it is missing
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    dir: Option<PathBuf>,
}

/// Prints a page, or writes all pages.
pub(crate) fn run(
    ManArguments { command, dir }: ManArguments,
    program: Command,
) -> Result<(), Failure> {
    let mut program = program.disable_help_subcommand(true);
    program.build();
    match dir {
        None => print(find(&program, &command)?),
        Some(dir) => {
            let failed =
                |error| Failure::Other(format!("cannot write into {}: {error}", dir.display()));
            let count = fs::create_dir_all(&dir)
                .and_then(|()| write_all(&program, &dir))
                .map_err(failed)?;
            output::print(&format!("{count} pages are written to {}\n", dir.display()))
        }
    }
}

/// Finds the command with this name, which may have several words.
fn find<'a>(program: &'a Command, words: &[String]) -> Result<&'a Command, Failure> {
    words.iter().try_fold(program, |command, word| {
        command.find_subcommand(word).ok_or_else(|| {
            let parent = command.get_bin_name().unwrap_or_else(|| program.get_name());
            Failure::Input(format!(
                "there is no command {parent} {word}; `{parent} --help` lists the commands"
            ))
        })
    })
}

fn print(command: &Command) -> Result<(), Failure> {
    let mut page = Vec::new();
    render(command, &mut page)
        .map_err(|error| Failure::Other(format!("cannot render the page: {error}")))?;
    output::print(&String::from_utf8_lossy(&page))
}

/// Writes the pages of this command and of its subcommands. Returns the number of pages.
fn write_all(command: &Command, dir: &Path) -> io::Result<usize> {
    let mut page = Vec::new();
    render(command, &mut page)?;
    fs::write(dir.join(man(command).get_filename()), page)?;
    command
        .get_subcommands()
        .try_fold(1, |count, subcommand| Ok(count + write_all(subcommand, dir)?))
}

fn man(command: &Command) -> Man {
    Man::new(command.clone())
        .source(concat!("fieldtest ", env!("CARGO_PKG_VERSION")))
        .manual("fieldtest")
}

fn render(command: &Command, page: &mut dyn Write) -> io::Result<()> {
    let man = man(command);
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    man.render_options_section(page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(page)?;
    }
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    sections(&after).to_writer(page)
}

/// Converts the text after a command's help to the sections NOTES and EXAMPLES.
fn sections(after: &str) -> Roff {
    let mut roff = Roff::new();
    let is_heading = |line: &&str| line.starts_with("Example");
    let notes: Vec<&str> = after.trim().lines().take_while(|line| !is_heading(line)).collect();
    if !notes.is_empty() {
        section(&mut roff, "NOTES", notes);
    }
    section(&mut roff, "EXAMPLES", after.lines().skip_while(|line| !is_heading(line)).skip(1));
    roff
}

/// Appends a section. Indented lines are printed as they are, other lines are filled.
fn section<'a>(roff: &mut Roff, title: &str, lines: impl IntoIterator<Item = &'a str>) {
    roff.control("SH", [title]);
    let mut is_preformatted = false;
    for line in lines {
        let is_indented = line.starts_with("  ");
        if is_indented != is_preformatted {
            roff.control(if is_indented { "nf" } else { "fi" }, []);
            is_preformatted = is_indented;
        }
        match line.trim() {
            "" => roff.control("PP", []),
            text => roff.text([roman(text)]),
        };
    }
    if is_preformatted {
        roff.control("fi", []);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_filled_and_examples_are_preformatted() {
        let page =
            sections("One note.\n\nAnother:\n  x = 1\n\nExamples:\n  fieldtest\n  fieldtest serve")
                .render();
        let (_, page) = page.split_once(".SH NOTES\n").unwrap();
        let expected = "One note.\n.PP\nAnother:\n.nf\nx = 1\n.fi\n.PP\n\
            .SH EXAMPLES\n.nf\nfieldtest\nfieldtest serve\n.fi\n";
        assert_eq!(page, expected);
    }
}
