//! Runs the cases in rounds: each case once, then all of them again, so that a disturbance of the
//! machine affects all cases alike.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use crate::cases::Case;
use crate::context::{BenchContext, Figures};

/// The figures of each round, by case.
pub(crate) type Results = BTreeMap<&'static str, Vec<Figures>>;

pub(crate) fn run(context: &BenchContext, cases: &[Case]) -> Result<Results> {
    let mut results = Results::new();
    for round in 1..=context.settings.rounds {
        println!("round {round} of {}", context.settings.rounds);
        for case in cases {
            let figures = (case.run)(context).with_context(|| format!("the case {}", case.name))?;
            let shown: Vec<String> =
                figures.iter().map(|(name, figure)| format!("{name} {figure:.2}")).collect();
            println!("  {:<28} {}", case.name, shown.join("  "));
            results.entry(case.name).or_default().push(figures);
        }
    }
    Ok(results)
}
