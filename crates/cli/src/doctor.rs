//! `fieldtest doctor` (§13).

use std::process::ExitCode;

use clap::Args;
use domain::SystemClock;
use serde_json::{Value, json};
use server::{CheckStatus, Finding, examine};

use crate::failure::Failure;
use crate::options::{ConfigFile, Options};
use crate::output;
use crate::table::printable;
use crate::terminal::{Style, Terminal, display_width};

const NOTES: &str = "\
Run it with the options and the account of the server. It changes nothing and blocks no other \
process, so it can run before a server starts and beside one. It ends within ten seconds, even if \
a disk or a database does not respond.

Exit codes:
  0  no check failed; there may be warnings
  1  a check failed
  2  the arguments, the environment or the configuration file are not valid

Examples:
  fieldtest doctor
  fieldtest doctor --config /etc/fieldtest.toml
  fieldtest doctor --data-dir /var/lib/fieldtest --json";

/// The space between two columns.
const GAP: &str = "  ";

/// The arguments of `doctor`.
#[derive(Args)]
#[command(after_help = NOTES)]
pub(crate) struct DoctorArguments {
    #[command(flatten)]
    file: ConfigFile,

    #[command(flatten)]
    options: Options,

    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// Checks what a server with these options needs, and prints the findings.
pub(crate) async fn run(
    DoctorArguments { file, options, json }: DoctorArguments,
) -> Result<ExitCode, Failure> {
    let in_file = file.options()?;
    let secret_file = file.path().filter(|_| in_file.contain_a_secret());
    let config = options.or(in_file).config()?;
    let findings = examine(&config, secret_file, &SystemClock).await;
    print(&findings, json)
}

/// Prints findings. Returns the exit code: 1 if a check failed.
pub(crate) fn print(findings: &[Finding], json: bool) -> Result<ExitCode, Failure> {
    let text = if json { as_json(findings) } else { as_table(findings, Terminal::stdout()) };
    output::print(&text)?;
    let has_failed = findings.iter().any(|finding| finding.status == CheckStatus::Failed);
    Ok(if has_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn as_json(findings: &[Finding]) -> String {
    let findings = findings.iter().map(|Finding { check, status, text, fix }| {
        json!({ "check": check, "verdict": status.as_str(), "finding": text, "mend": fix })
    });
    format!("{:#}\n", findings.collect::<Value>())
}

/// A line for each check, a line below it that says how to fix it, and a summary.
fn as_table(findings: &[Finding], terminal: Terminal) -> String {
    let max_width = |text: fn(&Finding) -> &str| {
        findings.iter().map(|finding| display_width(text(finding))).max().unwrap_or(0)
    };
    let (statuses, checks) =
        (max_width(|finding| finding.status.as_str()), max_width(|finding| finding.check));
    let indent = statuses + checks + 2 * GAP.len();
    let mut table = String::new();
    for Finding { check, status, text, fix } in findings {
        let (word, style) = (status.as_str(), style(*status));
        let padding = " ".repeat(statuses - display_width(word));
        let text = wrapped(&printable(text), indent, terminal);
        table.push_str(&format!(
            "{}{padding}{GAP}{check:checks$}{GAP}{text}\n",
            terminal.paint(style, word)
        ));
        if let Some(fix) = fix {
            let fix = wrapped(&format!("fix: {}", printable(fix)), indent, terminal);
            table.push_str(&format!("{}{fix}\n", " ".repeat(indent)));
        }
    }
    table + &count(findings)
}

/// How many checks have each status.
fn count(findings: &[Finding]) -> String {
    let of =
        |status: CheckStatus| findings.iter().filter(|finding| finding.status == status).count();
    let (warnings, failed) = (of(CheckStatus::Warning), of(CheckStatus::Failed));
    let plural = if warnings == 1 { "" } else { "s" };
    format!("\n{} ok, {warnings} warning{plural}, {failed} failed\n", of(CheckStatus::Ok))
}

fn style(status: CheckStatus) -> Style {
    match status {
        CheckStatus::Ok => Style::Success,
        CheckStatus::Warning => Style::Warning,
        CheckStatus::Failed => Style::Error,
    }
}

/// Wraps the text to the width of the terminal, and indents all lines but the first.
fn wrapped(text: &str, indent: usize, terminal: Terminal) -> String {
    let Some(available) =
        terminal.width.map(|width| width.saturating_sub(indent)).filter(|width| *width >= 20)
    else {
        return text.to_owned();
    };
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if display_width(line) + 1 + display_width(word) <= available => {
                *line = format!("{line} {word}")
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join(&format!("\n{}", " ".repeat(indent)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings() -> Vec<Finding> {
        let finding = |check, status, text: &str, fix: Option<&str>| Finding {
            check,
            status,
            text: text.into(),
            fix: fix.map(str::to_owned),
        };
        vec![
            finding("clock", CheckStatus::Ok, "it is noon", None),
            finding(
                "permissions",
                CheckStatus::Failed,
                "others can read\u{1b}[2J it",
                Some("chmod 600 it"),
            ),
        ]
    }

    #[test]
    fn a_check_has_a_line_and_a_line_with_the_fix() {
        let table = as_table(&findings(), Terminal::PIPE);
        let expected = "\
ok      clock        it is noon
failed  permissions  others can read\u{fffd}[2J it
                     fix: chmod 600 it

1 ok, 0 warnings, 1 failed
";
        assert_eq!(table, expected);
    }

    #[test]
    fn lines_are_wrapped_between_words() {
        let table = as_table(
            &findings(),
            Terminal { width: Some(41), has_colours: true, can_redraw: false },
        );
        assert!(table.contains("\u{1b}[32mok\u{1b}[0m      clock        it is noon\n"), "{table}");
        assert!(table.contains("others can read\u{fffd}[2J\n                     it\n"), "{table}");
    }
}
