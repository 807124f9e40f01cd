//! Renders the results: how far each goal is reached, and the figures of each case.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use domain::{Clock, SystemClock};

use crate::cases::Case;
use crate::goals::{Bound, GOALS, Goal};
use crate::rounds::{Figures, Results, Settings};

/// The lines around the table in the document.
const BEGIN: &str = "<!-- measured: begin -->";
const END: &str = "<!-- measured: end -->";

/// The line above the table: the day, the commit, the machine and the settings.
pub(crate) fn head(commit: &str, settings: Settings) -> String {
    let now = SystemClock.now().to_string();
    let day = now.split('T').next().unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let Settings { rounds, duration, many, listed, testers, .. } = settings;
    format!(
        "{day}, commit {commit}, {cores} cores for everything; {rounds} rounds, {} seconds a case; \
         {} production tests where there are many, {} in the long list, {} testers.",
        duration.as_secs(),
        number(as_float(many)),
        number(as_float(listed)),
        number(as_float(testers))
    )
}

/// Counts fit into 32 bits.
fn as_float(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

/// Renders both tables in Markdown.
pub(crate) fn render(cases: &[Case], results: &Results) -> String {
    let mut text = String::from("| what | goal | reached | |\n|---|---|---|---|\n");
    for Goal { what, case, figure, of, bound } in GOALS {
        let values = results
            .get(case)
            .map(|rounds| values(rounds, figure, of.and_then(|of| results.get(of))));
        let Some(reached) = values.and_then(|values| median(values.collect())) else { continue };
        let (sign, goal, is_met) = match bound {
            Bound::AtLeast(goal) => ("≥", goal, reached >= *goal),
            Bound::AtMost(goal) => ("≤", goal, reached <= *goal),
        };
        let verdict = if is_met { "yes" } else { "no" };
        // Writing to a `String` does not fail.
        let _ = writeln!(
            text,
            "| {what} | {sign} {} | {} | {verdict} |",
            number(*goal),
            number(reached)
        );
    }
    text.push_str("\n| case | medians of all rounds | × no-op |\n|---|---|---|\n");
    for case in cases {
        let Some(rounds) = results.get(case.name) else { continue };
        let shown: Vec<String> = medians(rounds)
            .into_iter()
            .map(|(name, figure)| format!("{name} **{}**", number(figure)))
            .collect();
        let ratio =
            median(values(rounds, "per second", results.get("no-op")).collect()).map(number);
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            case.about,
            shown.join(", "),
            ratio.unwrap_or_default()
        );
    }
    text
}

/// A figure of each round, or its ratio to that figure of another case in the same round.
fn values<'a>(
    rounds: &'a [Figures],
    figure: &'a str,
    of: Option<&'a Vec<Figures>>,
) -> impl Iterator<Item = f64> + use<'a> {
    rounds.iter().enumerate().filter_map(move |(round, figures)| {
        let value = figures.get(figure)?;
        Some(match of {
            Some(of) => value / of.get(round)?.get(figure)?,
            None => *value,
        })
    })
}

fn medians(rounds: &[Figures]) -> BTreeMap<&'static str, f64> {
    let names = rounds.iter().flat_map(BTreeMap::keys).copied();
    names.filter_map(|name| Some((name, median(values(rounds, name, None).collect())?))).collect()
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    if values.len() % 2 == 1 {
        Some(upper)
    } else {
        Some(f64::midpoint(upper, *values.get(middle - 1)?))
    }
}

/// The number with three significant digits, or grouped digits from 100 on.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => {
            let digits = format!("{value:.0}");
            let mut grouped = String::new();
            for (index, digit) in digits.chars().enumerate() {
                if index > 0 && (digits.len() - index) % 3 == 0 {
                    grouped.push(',');
                }
                grouped.push(digit);
            }
            grouped
        }
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// Replaces the table in the document.
pub(crate) fn write_into(file: &Path, table: &str) -> Result<()> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let (before, rest) =
        text.split_once(BEGIN).context("the document has no place for the table")?;
    let (_, after) = rest.split_once(END).context("the document has no end of the table")?;
    let text = format!("{before}{BEGIN}\n\n{table}\n{END}{after}");
    std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_taken_of_the_ratios_of_each_round() {
        let round = |value: f64| Figures::from([("per second", value)]);
        let (ours, theirs) = (
            vec![round(10.0), round(90.0), round(40.0)],
            vec![round(10.0), round(100.0), round(50.0)],
        );
        assert_eq!(median(values(&ours, "per second", Some(&theirs)).collect()), Some(0.9));
        assert_eq!(median(values(&ours, "per second", None).collect()), Some(40.0));
        assert_eq!(median(vec![]), None);
    }

    #[test]
    fn large_numbers_are_grouped() {
        assert_eq!(
            [number(1_234_567.0), number(86.61), number(0.254)],
            ["1,234,567", "86.6", "0.25"]
        );
    }
}
