//! Runs the tests that need PostgreSQL: the contract suite, and the tests of that engine alone.

use anyhow::Result;
use test_support::{Cluster, Durability};

use crate::command::{cargo, run};
use crate::test::has_nextest;
use crate::tools::{self, POSTGRESQL};

/// The variable that tells the tests the server's URL.
const SERVER: &str = "FIELDTEST_TEST_POSTGRES";

/// Starts a cluster for this step, and runs the tests on it.
pub(crate) fn run_tests() -> Result<()> {
    tools::need(&[POSTGRESQL])?;
    let cluster = Cluster::start(Durability::Fast)?;
    let mut tests = if has_nextest() {
        cargo(&["nextest", "run", "--profile", "postgres"])
    } else {
        cargo(&["test", "--no-fail-fast", "--tests"])
    };
    for package in ["fieldtest-server", "fieldtest-db", "fieldtest", "fieldtest-test-support"] {
        tests.args(["--package", package]);
    }
    if !has_nextest() {
        tests.args(["--", "--skip", "sqlite::"]);
    }
    run(tests.env(SERVER, cluster.url("postgres")))
}
