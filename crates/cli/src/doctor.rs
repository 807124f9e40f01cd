//! `fieldtest doctor` (§13).

use std::process::ExitCode;

use clap::Args;
use domain::SystemClock;
use serde_json::{Value, json};
use server::{CheckStatus as Verdict, Finding, examine};

use crate::failure::Failure;
use crate::options::{ConfigFile, Options};
use crate::output;
use crate::table::printable;
use crate::terminal::{Terminal, Tone, columns};

const NOTES: &str = "\
Give it the options that `fieldtest serve` is given, and run it as the account that the server runs as. It makes and changes \
nothing and holds nobody up, so it can be asked before a server starts and while one runs. It ends within ten seconds, \
whatever hangs.

Exit codes:
  0  all is good, or there are warnings
  1  something failed
  2  the arguments, the environment or a configuration file are wrong

Examples:
  fieldtest doctor
  fieldtest doctor --config /etc/fieldtest.toml
  fieldtest doctor --data-dir /var/lib/fieldtest --json";

/// Between two columns.
const GAP: &str = "  ";

/// What `doctor` can be told.
#[derive(Args)]
#[command(after_help = NOTES)]
pub(crate) struct DoctorArguments {
    #[command(flatten)]
    file: ConfigFile,

    #[command(flatten)]
    typed: Options,

    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// Looks at everything that a server with these options would need, and prints what was found.
pub(crate) async fn run(
    DoctorArguments { file, typed, json }: DoctorArguments,
) -> Result<ExitCode, Failure> {
    let written = file.options()?;
    let secret_file = file.path().filter(|_| written.hold_a_secret());
    let config = typed.or(written).config()?;
    let findings = examine(&config, secret_file, &SystemClock).await;
    let text = if json { as_json(&findings) } else { as_table(&findings, Terminal::of_output()) };
    output::print(&text)?;
    let has_failed = findings.iter().any(|finding| finding.status == Verdict::Failed);
    Ok(if has_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn as_json(findings: &[Finding]) -> String {
    let findings = findings.iter().map(|Finding { check, status: verdict, text, fix: mend }| {
        json!({ "check": check, "verdict": verdict.as_str(), "finding": text, "mend": mend })
    });
    format!("{:#}\n", findings.collect::<Value>())
}

/// A line for each check, the remedy below it, and a line that counts them.
fn as_table(findings: &[Finding], terminal: Terminal) -> String {
    let widest = |text: fn(&Finding) -> &str| {
        findings.iter().map(|finding| columns(text(finding))).max().unwrap_or(0)
    };
    let (verdicts, checks) =
        (widest(|finding| finding.status.as_str()), widest(|finding| finding.check));
    let indent = verdicts + checks + 2 * GAP.len();
    let mut table = String::new();
    for Finding { check, status: verdict, text, fix: mend } in findings {
        let (word, tone) = (verdict.as_str(), tone(*verdict));
        let padding = " ".repeat(verdicts - columns(word));
        let text = wrapped(&printable(text), indent, terminal);
        table.push_str(&format!(
            "{}{padding}{GAP}{check:checks$}{GAP}{text}\n",
            terminal.paint(tone, word)
        ));
        if let Some(mend) = mend {
            let mend = wrapped(&format!("mend: {}", printable(mend)), indent, terminal);
            table.push_str(&format!("{}{mend}\n", " ".repeat(indent)));
        }
    }
    table + &count(findings)
}

/// How many there are of each kind.
fn count(findings: &[Finding]) -> String {
    let of = |verdict: Verdict| findings.iter().filter(|finding| finding.status == verdict).count();
    let (warnings, failed) = (of(Verdict::Warning), of(Verdict::Failed));
    let plural = if warnings == 1 { "" } else { "s" };
    format!("\n{} ok, {warnings} warning{plural}, {failed} failed\n", of(Verdict::Ok))
}

fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Ok => Tone::Good,
        Verdict::Warning => Tone::Busy,
        Verdict::Failed => Tone::Bad,
    }
}

/// The text as it fits on the terminal, with what comes after its first line indented.
fn wrapped(text: &str, indent: usize, terminal: Terminal) -> String {
    let Some(room) =
        terminal.width.map(|width| width.saturating_sub(indent)).filter(|room| *room >= 20)
    else {
        return text.to_owned();
    };
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if columns(line) + 1 + columns(word) <= room => {
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
        let finding = |check, verdict, text: &str, mend: Option<&str>| Finding {
            check,
            status: verdict,
            text: text.into(),
            fix: mend.map(str::to_owned),
        };
        vec![
            finding("clock", Verdict::Ok, "it is noon", None),
            finding(
                "permissions",
                Verdict::Failed,
                "others can read\u{1b}[2J it",
                Some("chmod 600 it"),
            ),
        ]
    }

    #[test]
    fn there_is_a_line_for_each_check_and_one_for_what_to_do() {
        let table =
            as_table(&findings(), Terminal { width: None, has_colours: false, can_repaint: false });
        let expected = "\
ok      clock        it is noon
failed  permissions  others can read\u{fffd}[2J it
                     mend: chmod 600 it

1 ok, 0 warnings, 1 failed
";
        assert_eq!(table, expected);
    }

    #[test]
    fn a_narrow_terminal_breaks_lines_between_words() {
        let table = as_table(
            &findings(),
            Terminal { width: Some(41), has_colours: true, can_repaint: false },
        );
        assert!(table.contains("\u{1b}[32mok\u{1b}[0m      clock        it is noon\n"), "{table}");
        assert!(table.contains("others can read\u{fffd}[2J\n                     it\n"), "{table}");
    }
}
