//! Renders the results: how far each goal is reached, and the figures of each case.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use domain::{Clock, SystemClock};

use crate::cases::Case;
use crate::context::{Figures, Settings};
use crate::goals::{Bound, GOALS, Goal};
use crate::rounds::Results;

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
        let Some(rounds) = results.get(case) else { continue };
        let values = match of {
            Some(of) => results.get(of).map(|of| ratios(rounds, of, figure)),
            None => Some(values(rounds, figure)),
        };
        let Some(reached) = values.and_then(median) else { continue };
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
        let ratio = results.get("no-op").and_then(|of| median(ratios(rounds, of, "per second")));
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            case.about,
            shown.join(", "),
            ratio.map(number).unwrap_or_default()
        );
    }
    text
}

/// A figure of each round.
fn values(rounds: &[Figures], figure: &str) -> Vec<f64> {
    rounds.iter().filter_map(|figures| figures.get(figure).copied()).collect()
}

/// The ratio of a figure to that of another case in the same round, for each round.
fn ratios(rounds: &[Figures], of: &[Figures], figure: &str) -> Vec<f64> {
    let pairs = rounds.iter().zip(of);
    pairs.filter_map(|(figures, of)| Some(figures.get(figure)? / of.get(figure)?)).collect()
}

fn medians(rounds: &[Figures]) -> BTreeMap<&'static str, f64> {
    let names = rounds.iter().flat_map(BTreeMap::keys).copied();
    names.filter_map(|name| Some((name, median(values(rounds, name))?))).collect()
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
        assert_eq!(median(ratios(&ours, &theirs, "per second")), Some(0.9));
        assert_eq!(median(values(&ours, "per second")), Some(40.0));
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
