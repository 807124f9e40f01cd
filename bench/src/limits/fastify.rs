//! The same create on the same PostgreSQL, as many would write it: Fastify and `pg`. It is kept in
//! `bench/fastify`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

use crate::cases::create;
use crate::cases::postgres::Tables;
use crate::load::{Closed, Keys};
use crate::rounds::{Figures, Ground};

struct ChallengeServiceHandle(Child);

impl Drop for ChallengeServiceHandle {
    fn drop(&mut self) {
        // Both fail if it has ended already, which is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn run(ground: &Ground) -> Result<Figures> {
    let tables = Tables::make(ground)?;
    let mut process = Command::new("node")
        .arg("server.mjs")
        .current_dir(&ground.peer)
        .env("DATABASE_URL", &tables.url)
        .env("API_KEY", tables.api_key()?)
        .env("NODE_ENV", "production")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start node")?;
    let mut line = String::new();
    let stdout = process.stdout.take();
    let _peer = ChallengeServiceHandle(process);
    BufReader::new(stdout.context("the peer has no output")?).read_line(&mut line)?;
    let address = line
        .trim()
        .parse()
        .with_context(|| format!("the peer does not say where it listens: {line}"))?;
    let request = create::order(&tables.api_key()?).with(Keys::Unique);
    let load = Closed {
        address,
        connections: 64,
        warm_up: ground.scale.warm_up,
        duration: ground.scale.duration,
    };
    Ok(create::figures(&load.run(&request)?))
}
