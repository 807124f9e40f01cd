//! A list of named steps: which of them to run, how long each took, what came of it.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// One thing to do that can fail.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    /// What it shows when it passes.
    pub(crate) about: &'static str,
    pub(crate) run: fn() -> Result<()>,
    /// Whether the steps after it make no sense when it fails.
    pub(crate) gate: bool,
}

/// What the caller wants of a list of steps.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Choice {
    list: bool,
    only: Vec<String>,
}

impl Choice {
    /// Reads `--list` and `--only <step>`.
    pub(crate) fn parse(arguments: &[String]) -> Result<Self> {
        let mut choice = Self::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match (argument.as_str(), argument.strip_prefix("--only=")) {
                ("--list", _) => choice.list = true,
                ("--only", _) => match rest.next() {
                    Some(name) => choice.only.push(name.clone()),
                    None => bail!("--only needs the name of a step"),
                },
                (_, Some(name)) => choice.only.push(name.to_owned()),
                (other, None) => bail!(
                    "{other} is not an option of this command: there are --list and --only <step>"
                ),
            }
        }
        Ok(choice)
    }

    fn takes(&self, step: &Step) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == step.name)
    }
}

/// Runs the chosen steps in their order and prints what came of them. `false` if one failed.
///
/// A failed step does not keep the later ones from running, unless it is a gate.
pub(crate) fn run(steps: &[Step], choice: &Choice) -> Result<bool> {
    if let Some(unknown) =
        choice.only.iter().find(|name| steps.iter().all(|step| step.name != name.as_str()))
    {
        let names: Vec<_> = steps.iter().map(|step| step.name).collect();
        bail!("there is no step {unknown}; there are: {}", names.join(", "));
    }
    if choice.list {
        steps.iter().for_each(|step| println!("{:<14} {}", step.name, step.about));
        return Ok(true);
    }
    let mut verdicts = Vec::new();
    for step in steps.iter().filter(|step| choice.takes(step)) {
        let verdict = Verdict::of(step);
        let stop = step.gate && !verdict.passed;
        verdicts.push(verdict);
        if stop {
            println!("\nThe steps after {} need it to pass: they are not run.", step.name);
            break;
        }
    }
    Ok(summarise(&verdicts))
}

struct Verdict {
    name: &'static str,
    took: Duration,
    passed: bool,
}

impl Verdict {
    fn of(step: &Step) -> Self {
        println!("\n── {}: {}", step.name, step.about);
        let begun = Instant::now();
        let outcome = (step.run)();
        let verdict = Self { name: step.name, took: begun.elapsed(), passed: outcome.is_ok() };
        match outcome {
            Ok(()) => println!("── {} passed in {:.1} s", step.name, verdict.took.as_secs_f64()),
            Err(error) => println!(
                "── {} failed after {:.1} s: {error:#}",
                step.name,
                verdict.took.as_secs_f64()
            ),
        }
        verdict
    }
}

/// Prints a line for each step and a closing one, and says whether all passed.
fn summarise(verdicts: &[Verdict]) -> bool {
    println!();
    for verdict in verdicts {
        let word = if verdict.passed { "passed" } else { "FAILED" };
        println!("{word}  {:<14} {:>7.1} s", verdict.name, verdict.took.as_secs_f64());
    }
    let passed = verdicts.iter().filter(|verdict| verdict.passed).count();
    println!("steps: {passed} passed, {} failed", verdicts.len() - passed);
    passed == verdicts.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Step = Step { name: "good", about: "passes", run: || Ok(()), gate: false };
    const BAD: Step =
        Step { name: "bad", about: "fails", run: || bail!("on purpose"), gate: false };
    const NEVER: Step =
        Step { name: "never", about: "must not run", run: || panic!("it ran"), gate: false };

    fn choice(arguments: &[&str]) -> Result<Choice> {
        Choice::parse(&arguments.iter().map(|&text| text.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn one_failure_fails_the_list_and_the_rest_still_runs() {
        assert!(run(&[GOOD, GOOD], &Choice::default()).unwrap());
        assert!(!run(&[GOOD, BAD, GOOD], &Choice::default()).unwrap());
    }

    #[test]
    fn after_a_failed_gate_nothing_runs() {
        assert!(!run(&[Step { gate: true, ..BAD }, NEVER], &Choice::default()).unwrap());
    }

    #[test]
    fn only_the_chosen_steps_run() {
        assert!(run(&[NEVER, GOOD], &choice(&["--only", "good"]).unwrap()).unwrap());
        assert!(run(&[NEVER, GOOD], &choice(&["--only=good"]).unwrap()).unwrap());
        assert!(run(&[NEVER], &choice(&["--list"]).unwrap()).unwrap());
    }

    #[test]
    fn a_step_that_does_not_exist_is_an_error_not_an_empty_run() {
        let error = run(&[GOOD, BAD], &choice(&["--only", "god"]).unwrap()).unwrap_err();
        assert_eq!(error.to_string(), "there is no step god; there are: good, bad");
        assert!(choice(&["--only"]).is_err());
        assert!(choice(&["good"]).is_err());
    }
}
