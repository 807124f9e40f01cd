//! Measures the program over HTTP, beside baselines that are measured in the same run: on machines
//! that others share, only ratios are comparable. `cargo xtask bench` builds and runs it; the
//! figures go into `docs/performance.md`.

mod baselines;
mod cases;
mod context;
mod goals;
mod load;
mod polling;
mod program;
mod rounds;
mod table;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;

use self::context::{BenchContext, Settings};
use self::program::Program;

/// Measure fieldtest
#[derive(Parser)]
struct Arguments {
    /// The fieldtest program, built with the feature `bench`
    #[arg(long, value_name = "FILE")]
    program: PathBuf,

    /// The folder for data and logs, on the disk to measure
    #[arg(long, value_name = "FOLDER")]
    folder: PathBuf,

    /// The folder with the Fastify program and its packages
    #[arg(long, value_name = "FOLDER")]
    fastify: PathBuf,

    /// Measure for about two minutes
    #[arg(long)]
    quick: bool,

    /// How many rounds to measure [default: 4]
    #[arg(long, value_name = "NUMBER")]
    rounds: Option<usize>,

    /// How many seconds to measure each case [default: 3]
    #[arg(long, value_name = "NUMBER")]
    seconds: Option<u64>,

    /// Measure the cases whose names begin like this; may be repeated
    #[arg(long, value_name = "CASE")]
    only: Vec<String>,

    /// Show the cases and measure none
    #[arg(long)]
    list: bool,

    /// Replace the table in this document
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,

    /// The commit that is measured, for the line above the table
    #[arg(long, default_value = "unknown")]
    commit: String,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let cases = cases::selected(&arguments.only)?;
    if arguments.list {
        cases.iter().for_each(|case| println!("{:<28} {}", case.name, case.about));
        return Ok(());
    }
    let settings = arguments.settings();
    let Arguments { program, folder, fastify, write, commit, .. } = arguments;
    std::fs::create_dir_all(&folder).context("cannot create the folder for data")?;
    let context = BenchContext::new(Program { path: program, folder }, fastify, settings);
    let results = rounds::run(&context, &cases)?;
    let text = table::render(&cases, &results);
    println!("\n{text}");
    match write {
        Some(file) => {
            table::write_into(&file, &format!("{}\n\n{text}", table::head(&commit, settings)))
        }
        None => Ok(()),
    }
}

impl Arguments {
    fn settings(&self) -> Settings {
        let mut settings = if self.quick { Settings::QUICK } else { Settings::FULL };
        settings.rounds = self.rounds.unwrap_or(settings.rounds);
        settings.duration = self.seconds.map_or(settings.duration, Duration::from_secs);
        settings
    }
}
