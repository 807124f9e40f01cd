//! SQLite by itself: a loop that inserts the rows of a create in batches of 64.

use std::time::Instant;

use anyhow::{Context, Result};
use rusqlite::{Connection, params};

use crate::context::{BenchContext, Figures};
use crate::load::push_key;
use crate::program::APP;

const BATCH: u32 = 64;

pub(crate) fn run(context: &BenchContext) -> Result<Figures> {
    let data = context.program.new_data()?;
    context.program.serve(data.path(), &[])?.stop()?;
    let mut database = Connection::open(data.path().join("connect.sqlite3"))?;
    database.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON",
    )?;
    let workspace: String =
        database.query_row("SELECT workspace_id FROM apps", [], |row| row.get(0))?;
    let start = Instant::now();
    let mut created = 0_u32;
    while start.elapsed() < context.settings.duration {
        let transaction = database.transaction()?;
        for number in created..created + BATCH {
            insert(&transaction, &workspace, number).context("cannot insert")?;
        }
        transaction.commit()?;
        created += BATCH;
    }
    Ok(Figures::from([("per second", f64::from(created) / start.elapsed().as_secs_f64())]))
}

fn insert(database: &Connection, workspace: &str, number: u32) -> rusqlite::Result<()> {
    let mut key = Vec::with_capacity(32);
    push_key(number.into(), &mut key);
    let key = String::from_utf8_lossy(&key);
    // Time-ordered, as the ids of the program.
    let mut id = [0; 16];
    id.iter_mut().skip(4).zip(number.to_be_bytes()).for_each(|(byte, digit)| *byte = digit);
    let mut insert_key = database.prepare_cached(
        "INSERT INTO idempotency_records
            (workspace_id, key, fingerprint, client_id, request_id, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6)",
    )?;
    insert_key.execute(params![workspace, key, [7_u8; 32], APP, id, 1_800_000_000_000_i64])?;
    let mut insert_request = database.prepare_cached(
        "INSERT INTO challenge_requests (workspace_id, client_id, id, host_name, title,
            provider_ids, max_stamp_claims, status, attempts, next_attempt_at, give_up_at,
            created_at, updated_at)
        VALUES ($1, $2, $3, 'Acme Bank', 'BankID SE Test',
            '[\"bankidse\"]', 3, 'pending', 0, $4, $5,
            $4, $4)",
    )?;
    insert_request.execute(params![
        workspace,
        APP,
        id,
        1_700_000_000_000_i64 + i64::from(number),
        1_800_000_000_000_i64
    ])?;
    Ok(())
}
