//! The tests that need PostgreSQL: the contract once more, and what holds on that engine only.

use anyhow::Result;
use test_support::{Cluster, Durability};

use crate::command::{cargo, run};
use crate::test::has_nextest;
use crate::tools::{self, POSTGRESQL};

/// By this the tests find the server that was started for them.
const SERVER: &str = "FIELDTEST_TEST_POSTGRES";

/// Starts a server, which goes with the end of this step, and runs the tests on it.
pub(crate) fn run_tests() -> Result<()> {
    tools::need(&[POSTGRESQL])?;
    let cluster = Cluster::start(Durability::Fast)?;
    let mut tests = if has_nextest() {
        cargo(&[
            "nextest",
            "run",
            "--profile",
            "postgres",
            "--package",
            "fieldtest-server",
            "--package",
            "fieldtest-db",
        ])
    } else {
        cargo(&[
            "test",
            "--no-fail-fast",
            "--package",
            "fieldtest-server",
            "--package",
            "fieldtest-db",
        ])
    };
    tests.args(["--package", "fieldtest", "--package", "fieldtest-test-support"]);
    if !has_nextest() {
        tests.args(["--tests", "--", "--skip", "sqlite::"]);
    }
    run(tests.env(SERVER, cluster.url("postgres")))
}
