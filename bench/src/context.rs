//! What the cases share.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;
use test_support::{Cluster, Durability};

use crate::program::Program;

/// Fills a data directory.
type Fill = fn(&BenchContext) -> Result<TempDir>;

/// How long and how often to measure, and with how many rows.
#[derive(Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) rounds: usize,
    pub(crate) warm_up: Duration,
    pub(crate) duration: Duration,
    /// How many production tests a filled database has.
    pub(crate) many: usize,
    /// How many scheduled production tests the list has that is read in pages.
    pub(crate) listed: usize,
    /// How many testers claim stamps of one challenge.
    pub(crate) testers: usize,
}

impl Settings {
    pub(crate) const FULL: Self = Self {
        rounds: 4,
        warm_up: Duration::from_secs(1),
        duration: Duration::from_secs(3),
        many: 5_000_000,
        listed: 100_000,
        testers: 20_000,
    };
    /// For about two minutes.
    pub(crate) const QUICK: Self = Self {
        rounds: 1,
        warm_up: Duration::from_millis(500),
        duration: Duration::from_secs(2),
        many: 200_000,
        listed: 20_000,
        testers: 20_000,
    };
}

/// What the cases share. What takes long to create is created once, at its first use.
pub(crate) struct BenchContext {
    pub(crate) program: Program,
    /// The folder with the Fastify program.
    pub(crate) fastify: PathBuf,
    pub(crate) settings: Settings,
    cluster: OnceCell<Cluster>,
    filled: OnceCell<TempDir>,
    listed: OnceCell<TempDir>,
}

impl BenchContext {
    pub(crate) fn new(program: Program, fastify: PathBuf, settings: Settings) -> Self {
        let (cluster, filled, listed) = Default::default();
        Self { program, fastify, settings, cluster, filled, listed }
    }

    /// A PostgreSQL cluster that syncs its commits.
    pub(crate) fn cluster(&self) -> Result<&Cluster> {
        get_or_try_init(&self.cluster, || {
            Cluster::start(Durability::Real).context("cannot start PostgreSQL")
        })
    }

    /// A data directory with many production tests.
    pub(crate) fn filled(&self, fill: Fill) -> Result<&TempDir> {
        get_or_try_init(&self.filled, || fill(self))
    }

    /// A data directory with a long list of scheduled production tests.
    pub(crate) fn listed(&self, fill: Fill) -> Result<&TempDir> {
        get_or_try_init(&self.listed, || fill(self))
    }
}

/// `OnceCell::get_or_try_init`, which is not stable yet.
fn get_or_try_init<T>(cell: &OnceCell<T>, make: impl FnOnce() -> Result<T>) -> Result<&T> {
    if cell.get().is_none() {
        // Setting cannot fail: `make` does not use this cell.
        let _ = cell.set(make()?);
    }
    cell.get().context("the cell is empty")
}

/// The figures of one case in one round, by name.
pub(crate) type Figures = BTreeMap<&'static str, f64>;
