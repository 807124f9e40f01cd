//! `cargo xtask test`: every test.

use anyhow::Result;

use crate::command::{cargo, run, succeeds};
use crate::steps::Step;
use crate::{alerts, browser, clients, openid, postgres, production, replicas, schemathesis};

/// The steps. Those that fail fast come first.
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
        about: "the contract holds on PostgreSQL, and through crashes of replicas and database",
        run: postgres::run_tests,
        gate: false,
    },
    Step {
        name: "borders",
        about: "crates depend only on the crates that they may depend on",
        run: borders,
        gate: false,
    },
    Step {
        name: "schemathesis",
        about: "a server conforms to its OpenAPI document",
        run: schemathesis::run,
        gate: false,
    },
    Step {
        name: "clients",
        about: "clients of several generators follow the README's first minute",
        run: clients::run,
        gate: false,
    },
    Step {
        name: "openid",
        about: "a certified provider verifies testers in each of its modes, and nothing leaks",
        run: openid::run,
        gate: false,
    },
    Step {
        name: "production",
        about: "a person takes a test in production, with an authority of the deployment's own",
        run: production::run,
        gate: false,
    },
    Step {
        name: "proxies",
        about: "a person takes a test through nginx and through Caddy, with the recipes in ops/",
        run: production::run_behind_proxies,
        gate: false,
    },
    Step {
        name: "alerts",
        about: "a real Prometheus fires each alert, and the dashboard's queries show something",
        run: alerts::run,
        gate: false,
    },
    Step {
        name: "replicas",
        about: "a page goes on with another replica when its own is killed",
        run: replicas::run,
        gate: false,
    },
    Step {
        name: "browser",
        about: "the pages work on a phone and on a laptop, and load nothing from other hosts",
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

/// Runs tests with cargo-nextest, or with cargo if that is not installed; the tests for PostgreSQL
/// are left out.
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

/// Whether cargo-nextest is installed.
pub(crate) fn has_nextest() -> bool {
    succeeds(&mut cargo(&["nextest", "--version"]))
}
