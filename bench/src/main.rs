//! Measures the real program over HTTP, and beside it, in the same run, limits and peers: only
//! ratios mean anything on machines that others share. `cargo xtask bench` builds and runs it; what
//! it shows goes into `docs/performance.md`.

mod cases;
mod limits;
mod load;
mod patience;
mod program;
mod rounds;
mod table;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use self::program::Program;
use self::rounds::Scale;

const USAGE: &str = "\
Usage: fieldtest-bench --program <path> --folder <path> --peer <path> [--quick] [--rounds <n>] [--only <case>]... [--list] [--write <file> --commit <commit>]";

struct Arguments {
    program: PathBuf,
    folder: PathBuf,
    peer: PathBuf,
    scale: Scale,
    only: Vec<String>,
    list: bool,
    write: Option<PathBuf>,
    /// What is measured, as it stands above the tables.
    commit: String,
}

fn main() -> Result<()> {
    let Arguments { program, folder, peer, scale, only, list, write, commit } = read_arguments()?;
    let cases = cases::chosen(&only)?;
    if list {
        cases.iter().for_each(|case| println!("{:<28} {}", case.name, case.about));
        return Ok(());
    }
    std::fs::create_dir_all(&folder).context("cannot make the folder for data")?;
    let ground = rounds::Ground::new(Program { path: program, folder }, peer, scale);
    let results = rounds::run(&ground, &cases)?;
    let text = table::render(&cases, &results);
    println!("\n{text}");
    match write {
        Some(file) => {
            table::write_into(&file, &format!("{}\n\n{text}", table::head(&commit, scale)))
        }
        None => Ok(()),
    }
}

fn read_arguments() -> Result<Arguments> {
    let mut given = std::env::args().skip(1);
    let (mut program, mut folder, mut peer, mut write) = (None, None, None, None);
    let (mut scale, mut only, mut list, mut commit) =
        (Scale::FULL, Vec::new(), false, String::from("unknown"));
    while let Some(argument) = given.next() {
        let mut value =
            || given.next().with_context(|| format!("{argument} needs a value\n{USAGE}"));
        match argument.as_str() {
            "--program" => program = Some(value()?.into()),
            "--folder" => folder = Some(value()?.into()),
            "--peer" => peer = Some(value()?.into()),
            "--write" => write = Some(value()?.into()),
            "--commit" => commit = value()?,
            "--only" => only.push(value()?),
            "--rounds" => scale.rounds = value()?.parse().context("--rounds needs a number")?,
            "--seconds" => {
                scale.duration =
                    Duration::from_secs(value()?.parse().context("--seconds needs a number")?)
            }
            "--quick" => scale = Scale::QUICK,
            "--list" => list = true,
            _ => bail!("{argument} is not an option\n{USAGE}"),
        }
    }
    let needed = |path: Option<PathBuf>| path.context(USAGE);
    Ok(Arguments {
        program: needed(program)?,
        folder: needed(folder)?,
        peer: needed(peer)?,
        scale,
        only,
        list,
        write,
        commit,
    })
}
