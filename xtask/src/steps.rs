//! Runs a list of named steps and reports how long each took and whether it passed.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;

/// A named task that passes or fails.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    /// What is true if the step passes.
    pub(crate) about: &'static str,
    pub(crate) run: fn() -> Result<()>,
    /// Whether the steps after it are skipped if it fails.
    pub(crate) gate: bool,
}

/// Which steps to run.
#[derive(Args, Default)]
pub(crate) struct Selection {
    /// Show the steps and run none
    #[arg(long)]
    list: bool,

    /// Run this step only; may be repeated
    #[arg(long, value_name = "STEP")]
    only: Vec<String>,
}

impl Selection {
    fn contains(&self, step: &Step) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == step.name)
    }
}

/// Runs the selected steps in order and prints their results. The result is `false` if one failed.
///
/// The steps after a failed one still run, unless it is a gate.
pub(crate) fn run(steps: &[Step], selection: &Selection) -> Result<bool> {
    if let Some(unknown) =
        selection.only.iter().find(|name| steps.iter().all(|step| step.name != name.as_str()))
    {
        let names: Vec<_> = steps.iter().map(|step| step.name).collect();
        bail!("there is no step {unknown}; there are: {}", names.join(", "));
    }
    if selection.list {
        steps.iter().for_each(|step| println!("{:<14} {}", step.name, step.about));
        return Ok(true);
    }
    let mut outcomes = Vec::new();
    for step in steps.iter().filter(|step| selection.contains(step)) {
        let outcome = Outcome::of(step);
        let stop = step.gate && !outcome.passed;
        outcomes.push(outcome);
        if stop {
            println!("\nThe steps after {} are skipped.", step.name);
            break;
        }
    }
    Ok(print_summary(&outcomes))
}

struct Outcome {
    name: &'static str,
    took: Duration,
    passed: bool,
}

impl Outcome {
    fn of(step: &Step) -> Self {
        println!("\n── {}: {}", step.name, step.about);
        let begun = Instant::now();
        let result = (step.run)();
        let outcome = Self { name: step.name, took: begun.elapsed(), passed: result.is_ok() };
        match result {
            Ok(()) => println!("── {} passed in {:.1} s", step.name, outcome.took.as_secs_f64()),
            Err(error) => println!(
                "── {} failed after {:.1} s: {error:#}",
                step.name,
                outcome.took.as_secs_f64()
            ),
        }
        outcome
    }
}

/// Prints a line for each step and a total. Returns whether all passed.
fn print_summary(outcomes: &[Outcome]) -> bool {
    println!();
    for outcome in outcomes {
        let word = if outcome.passed { "passed" } else { "FAILED" };
        println!("{word}  {:<14} {:>7.1} s", outcome.name, outcome.took.as_secs_f64());
    }
    let passed = outcomes.iter().filter(|outcome| outcome.passed).count();
    println!("steps: {passed} passed, {} failed", outcomes.len() - passed);
    passed == outcomes.len()
}

#[cfg(test)]
mod tests {
    use clap::{Command, FromArgMatches};

    use super::*;

    const GOOD: Step = Step { name: "good", about: "passes", run: || Ok(()), gate: false };
    const BAD: Step =
        Step { name: "bad", about: "fails", run: || bail!("on purpose"), gate: false };
    const NEVER: Step =
        Step { name: "never", about: "must not run", run: || panic!("it ran"), gate: false };

    fn selection(arguments: &[&str]) -> Result<Selection, clap::Error> {
        let command = Selection::augment_args(Command::new("test").no_binary_name(true));
        Selection::from_arg_matches(&command.try_get_matches_from(arguments)?)
    }

    #[test]
    fn steps_run_after_a_failure() {
        assert!(run(&[GOOD, GOOD], &Selection::default()).unwrap());
        assert!(!run(&[GOOD, BAD, GOOD], &Selection::default()).unwrap());
    }

    #[test]
    fn steps_are_skipped_after_a_failed_gate() {
        assert!(!run(&[Step { gate: true, ..BAD }, NEVER], &Selection::default()).unwrap());
    }

    #[test]
    fn only_selected_steps_run() {
        assert!(run(&[NEVER, GOOD], &selection(&["--only", "good"]).unwrap()).unwrap());
        assert!(run(&[NEVER, GOOD], &selection(&["--only=good"]).unwrap()).unwrap());
        assert!(run(&[NEVER], &selection(&["--list"]).unwrap()).unwrap());
    }

    #[test]
    fn an_unknown_step_is_an_error() {
        let error = run(&[GOOD, BAD], &selection(&["--only", "god"]).unwrap()).unwrap_err();
        assert_eq!(error.to_string(), "there is no step god; there are: good, bad");
        assert!(selection(&["--only"]).is_err());
        assert!(selection(&["good"]).is_err());
    }
}
