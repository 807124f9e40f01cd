//! `cargo xtask test`: everything that shows that the program works.

use anyhow::Result;

use crate::command::{cargo, run, succeeds};
use crate::steps::Step;
use crate::{browser, clients, postgres, schemathesis};

/// The steps, in an order that says soonest what is wrong.
pub(crate) const STEPS: &[Step] = &[
    Step { name: "build", about: "everything compiles, tests included", run: build, gate: true },
    Step {
        name: "doc-tests",
        about: "the examples in the documentation work",
        run: doc_tests,
        gate: false,
    },
    Step { name: "tests", about: "the tests of every crate", run: tests, gate: false },
    Step {
        name: "postgres",
        about: "the contract holds on PostgreSQL too, on many replicas, whatever dies",
        run: postgres::run_tests,
        gate: false,
    },
    Step {
        name: "borders",
        about: "no crate depends on one that it must not know",
        run: borders,
        gate: false,
    },
    Step {
        name: "schemathesis",
        about: "a running server keeps every word of its OpenAPI document",
        run: schemathesis::run,
        gate: false,
    },
    Step {
        name: "clients",
        about: "clients generated for TypeScript and Python spend the README's first minute",
        run: clients::run,
        gate: false,
    },
    Step {
        name: "browser",
        about: "the pages work on a phone and on a laptop, and load nothing from elsewhere",
        run: browser::run,
        gate: false,
    },
];

fn build() -> Result<()> {
    run(&mut cargo(&["test", "--workspace", "--no-run", "--quiet"]))
}

fn doc_tests() -> Result<()> {
    run(&mut cargo(&["test", "--doc", "--workspace", "--no-fail-fast", "--quiet"]))
}

fn tests() -> Result<()> {
    run_tests(&["--workspace", "--exclude", "xtask", "--exclude", "fieldtest-test-support"])
}

fn borders() -> Result<()> {
    run_tests(&["--package", "xtask"])
}

/// Runs tests with cargo-nextest, or with cargo alone where that is not installed. Those for
/// PostgreSQL are left out.
fn run_tests(packages: &[&str]) -> Result<()> {
    if has_nextest() {
        run(cargo(&["nextest", "run"]).args(packages))
    } else {
        run(cargo(&["test", "--tests", "--no-fail-fast"]).args(packages).args([
            "--",
            "--skip",
            "postgres::",
        ]))
    }
}

pub(crate) fn has_nextest() -> bool {
    succeeds(&mut cargo(&["nextest", "--version"]))
}
