//! Rounds: every case once, then all of them again, so that what disturbs the machine for a while
//! disturbs them all.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use test_support::{Cluster, Durability};

use crate::cases::Case;
use crate::program::Program;

/// How long and how often everything is measured.
#[derive(Clone, Copy)]
pub(crate) struct Scale {
    pub(crate) rounds: usize,
    pub(crate) warm_up: Duration,
    pub(crate) duration: Duration,
    /// How many production tests there are where many have to be there already.
    pub(crate) many: usize,
    /// How many there are in the list that is paged through.
    pub(crate) listed: usize,
    /// How many testers come to the hot challenge.
    pub(crate) testers: usize,
}

impl Scale {
    pub(crate) const FULL: Self = Self {
        rounds: 4,
        warm_up: Duration::from_secs(1),
        duration: Duration::from_secs(3),
        many: 5_000_000,
        listed: 100_000,
        testers: 20_000,
    };
    /// About two minutes.
    pub(crate) const QUICK: Self = Self {
        rounds: 1,
        warm_up: Duration::from_millis(500),
        duration: Duration::from_secs(2),
        many: 200_000,
        listed: 20_000,
        testers: 20_000,
    };
}

/// What cases work with. What takes long to make is made once, when it is first needed.
pub(crate) struct Ground {
    pub(crate) program: Program,
    /// The folder with the peer that others would write.
    pub(crate) peer: PathBuf,
    pub(crate) scale: Scale,
    cluster: OnceCell<Cluster>,
    filled: OnceCell<tempfile::TempDir>,
    listed: OnceCell<tempfile::TempDir>,
}

impl Ground {
    pub(crate) fn new(program: Program, peer: PathBuf, scale: Scale) -> Self {
        let (cluster, filled, listed) = Default::default();
        Self { program, peer, scale, cluster, filled, listed }
    }

    /// A PostgreSQL server that syncs.
    pub(crate) fn cluster(&self) -> Result<&Cluster> {
        made_once(&self.cluster, || {
            Cluster::start(Durability::Real).context("there is no PostgreSQL")
        })
    }

    /// Data with many production tests in it.
    pub(crate) fn filled(&self) -> Result<&tempfile::TempDir> {
        made_once(&self.filled, || crate::cases::create::fill(self))
    }

    /// Data with a long list of scheduled production tests in it.
    pub(crate) fn listed(&self) -> Result<&tempfile::TempDir> {
        made_once(&self.listed, || crate::cases::reads::fill(self))
    }
}

fn made_once<T>(cell: &OnceCell<T>, make: impl FnOnce() -> Result<T>) -> Result<&T> {
    if cell.get().is_none() {
        // Nobody else can have set it: this is one thread.
        let _ = cell.set(make()?);
    }
    cell.get().context("what was just made is gone")
}

/// One case's figures of one round, by name.
pub(crate) type Figures = BTreeMap<&'static str, f64>;

/// The figures of all rounds, by case.
pub(crate) type Results = BTreeMap<&'static str, Vec<Figures>>;

pub(crate) fn run(ground: &Ground, cases: &[Case]) -> Result<Results> {
    let mut results = Results::new();
    for round in 1..=ground.scale.rounds {
        println!("round {round} of {}", ground.scale.rounds);
        for case in cases {
            let figures = (case.run)(ground).with_context(|| format!("the case {}", case.name))?;
            let shown: Vec<String> =
                figures.iter().map(|(name, figure)| format!("{name} {figure:.2}")).collect();
            println!("  {:<28} {}", case.name, shown.join("  "));
            results.entry(case.name).or_default().push(figures);
        }
    }
    Ok(results)
}
