//! What is shown in the end: the figures of each case, and how far each goal was reached.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use domain::{Clock, SystemClock};

use crate::cases::Case;
use crate::rounds::{Figures, Results, Scale};

/// Between these two the table stands in the document.
const BEGIN: &str = "<!-- measured: begin -->";
const END: &str = "<!-- measured: end -->";

enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

/// What is to be reached: a figure of a case, by itself or divided by the same of another one.
struct Goal {
    what: &'static str,
    case: &'static str,
    figure: &'static str,
    of: Option<&'static str>,
    bound: Bound,
}

const fn ratio(what: &'static str, case: &'static str, of: &'static str, at_least: f64) -> Goal {
    Goal { what, case, figure: "per second", of: Some(of), bound: Bound::AtLeast(at_least) }
}

const fn at_least(
    what: &'static str,
    case: &'static str,
    figure: &'static str,
    bound: f64,
) -> Goal {
    Goal { what, case, figure, of: None, bound: Bound::AtLeast(bound) }
}

const fn at_most(what: &'static str, case: &'static str, figure: &'static str, bound: f64) -> Goal {
    Goal { what, case, figure, of: None, bound: Bound::AtMost(bound) }
}

const GOALS: &[Goal] = &[
    ratio("create, SQLite, 64 connections, × no-op", "sqlite create 64", "no-op", 0.5),
    ratio("the same, × SQLite in a plain loop", "sqlite create 64", "sqlite engine", 0.5),
    ratio(
        "create with millions of rows there, × empty",
        "sqlite create 64 full",
        "sqlite create 64",
        0.9,
    ),
    ratio(
        "create, PostgreSQL, 64 connections, × pgbench",
        "postgres create 64",
        "postgres engine",
        4.0,
    ),
    ratio(
        "the same, × pgbench with 64 creates per statement",
        "postgres create 64",
        "postgres engine many",
        0.6,
    ),
    ratio("the same, × Fastify", "postgres create 64", "fastify", 8.0),
    ratio("create, SQLite, one connection, × syncs", "sqlite create 1", "sync", 0.8),
    ratio(
        "create, PostgreSQL, one connection, × pgbench with one client",
        "postgres create 1",
        "postgres engine 1",
        0.8,
    ),
    at_most("create at half rate, SQLite, p99 in ms", "sqlite create open", "p99", 10.0),
    at_most("create at half rate, SQLite, p99.9 in ms", "sqlite create open", "p99.9", 50.0),
    at_most("create at half rate, PostgreSQL, p99 in ms", "postgres create open", "p99", 10.0),
    at_most("create at half rate, PostgreSQL, p99.9 in ms", "postgres create open", "p99.9", 50.0),
    ratio("repetition of an idempotency key, × no-op", "replay", "no-op", 0.7),
    ratio("page of 20 of a long list, × no-op", "page", "no-op", 0.6),
    ratio("report, × no-op", "report", "no-op", 0.6),
    ratio("read one, × no-op", "read one", "no-op", 0.6),
    at_most("full list: first byte in ms", "full list", "first byte ms", 50.0),
    at_least(
        "claims, SQLite, 64 connections, decided per second",
        "sqlite claims 64",
        "per second",
        60_000.0,
    ),
    at_least("claims, SQLite, 10,000 connections", "sqlite claims 10000", "per second", 20_000.0),
    at_least("claims, PostgreSQL, 64 connections", "postgres claims 64", "per second", 60_000.0),
    at_least(
        "claims, PostgreSQL, 10,000 connections",
        "postgres claims 10000",
        "per second",
        20_000.0,
    ),
    at_least(
        "scheduled within 1 s at 10,000 creates per second, %",
        "scheduling",
        "within 1 s %",
        99.0,
    ),
    at_most("start to first 200 in ms", "process", "start ms", 20.0),
    at_most("idle memory in MB", "process", "idle MB", 20.0),
    at_most("memory under full load in MB", "process", "loaded MB", 120.0),
];

/// When this was measured, of what, where and how often.
pub(crate) fn head(commit: &str, scale: Scale) -> String {
    let now = SystemClock.now().to_string();
    let day = now.split('T').next().unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let Scale { rounds, duration, many, listed, testers, .. } = scale;
    format!(
        "{day}, commit {commit}, {cores} cores for everything; {rounds} rounds, {} seconds a case; {} production tests where there \
         are many, {} in the long list, {} testers.",
        duration.as_secs(),
        number(as_float(many)),
        number(as_float(listed)),
        number(as_float(testers))
    )
}

/// More than that nobody measures with.
fn as_float(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

/// Markdown.
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
        // Writing to a text does not fail.
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

/// A figure of each round, by itself or as a ratio to the same round of another case.
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

/// As many digits as mean something.
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

/// Puts the table into the document, in the place of the last one.
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
    fn ratios_are_taken_within_each_round_and_only_then_their_median() {
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
