//! The time from a create to its challenge, at 10,000 creates per second.

use std::time::Duration;

use anyhow::Result;
use rusqlite::Connection;

use super::create::order;
use crate::context::{BenchContext, Figures};
use crate::load::{Keys, Open};
use crate::polling::wait_until;

const PER_SECOND: f64 = 10_000.0;

/// How long a backlog may take to drain.
const TIMEOUT: Duration = Duration::from_secs(120);

pub(crate) fn run(context: &BenchContext) -> Result<Figures> {
    let data = context.program.new_data()?;
    let server = context.program.serve(data.path(), &[])?;
    let load = Open {
        address: server.address,
        connections: 512,
        per_second: PER_SECOND,
        warm_up: Duration::ZERO,
        duration: context.settings.duration,
    };
    let measured = load.run(&order(&server.api_key()?).with(Keys::Unique))?;
    let database = Connection::open(data.path().join("connect.sqlite3"))?;
    let pending = || {
        database.query_row(
            "SELECT COUNT(*) FROM challenge_requests WHERE status = 'pending'",
            [],
            count,
        )
    };
    let drained = wait_until(TIMEOUT, || Ok(pending()? == 0))?;
    let (all, late) = database.query_row(
        "SELECT COUNT(*), COUNT(*) FILTER
            (WHERE status <> 'scheduled' OR challenge_created_at - created_at > 1000)
        FROM challenge_requests",
        [],
        |row| Ok((row.get::<_, u32>(0)?, row.get::<_, u32>(1)?)),
    )?;
    let p99 = database.query_row(
        "SELECT challenge_created_at - created_at FROM challenge_requests ORDER BY 1
        LIMIT 1 OFFSET (SELECT COUNT(*) * 99 / 100 FROM challenge_requests)",
        [],
        |row| row.get::<_, Option<f64>>(0),
    )?;
    server.stop()?;
    Ok(Figures::from([
        ("per second", measured.per_second()),
        ("p99", measured.quantile(0.99)),
        ("within 1 s %", 100.0 * (1.0 - f64::from(late) / f64::from(all))),
        ("scheduled p99 ms", p99.unwrap_or(f64::INFINITY)),
        ("drained after s", drained.as_secs_f64()),
    ]))
}

fn count(row: &rusqlite::Row<'_>) -> rusqlite::Result<u32> {
    row.get(0)
}
