//! `cargo xtask bench`: builds the program and the program that measures it, and runs the latter.

use std::process::Command;

use anyhow::Result;
use clap::Args;

use crate::command::{self, root, workshop};
use crate::packages;
use crate::tools::{self, POSTGRESQL};

/// The document with the table of figures.
const DOCUMENT: &str = "docs/performance.md";

/// The arguments of `cargo xtask bench`.
#[derive(Args)]
#[command(disable_help_flag = true)]
pub(crate) struct BenchArguments {
    /// Options of fieldtest-bench: --quick, --rounds NUMBER, --seconds NUMBER, --only CASE,
    /// --list, --help
    #[arg(allow_hyphen_values = true, trailing_var_arg = true)]
    options: Vec<String>,
}

/// Builds both programs in release mode and measures. A run without options writes its table into
/// the document.
pub(crate) fn run(BenchArguments { options }: &BenchArguments) -> Result<()> {
    tools::need(&[POSTGRESQL])?;
    let bench = command::build(&["--release", "--package", "fieldtest-bench"])?;
    let program = command::build(&["--release", "--package", "fieldtest", "--features", "bench"])?;
    let mut bench = Command::new(bench);
    bench.arg("--program").arg(program).arg("--folder").arg(workshop("bench")?);
    bench.arg("--fastify").arg(packages::npm("bench/fastify", "bench-fastify")?);
    if options.is_empty() {
        let mut git = Command::new("git");
        let commit = command::output(git.args(["rev-parse", "--short", "HEAD"]))?;
        bench.arg("--write").arg(root().join(DOCUMENT)).args(["--commit", commit.trim()]);
    }
    command::run(bench.args(options))
}
