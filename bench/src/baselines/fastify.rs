//! The same create on the same PostgreSQL with Fastify and `pg`. The program is in `bench/fastify`.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use test_support::ChildGuard;

use crate::cases::create;
use crate::cases::postgres::Deployment;
use crate::context::{BenchContext, Figures};
use crate::load::{Closed, Keys};

pub(crate) fn run(context: &BenchContext) -> Result<Figures> {
    let deployment = Deployment::create(context)?;
    let mut process = Command::new("node")
        .arg("server.mjs")
        .current_dir(&context.fastify)
        .env("DATABASE_URL", &deployment.url)
        .env("API_KEY", deployment.api_key()?)
        .env("NODE_ENV", "production")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start node")?;
    let mut line = String::new();
    let stdout = process.stdout.take();
    let _process = ChildGuard(process);
    BufReader::new(stdout.context("the Fastify program has no output")?).read_line(&mut line)?;
    let address = line
        .trim()
        .parse()
        .with_context(|| format!("the Fastify program does not print its address: {line}"))?;
    let request = create::order(&deployment.api_key()?).with(Keys::Unique);
    let load = Closed {
        address,
        connections: 64,
        warm_up: context.settings.warm_up,
        duration: context.settings.duration,
    };
    Ok(create::figures(&load.run(&request)?))
}
