//! PostgreSQL by itself: pgbench inserts the rows of a create with one statement.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cases::postgres::Deployment;
use crate::context::{BenchContext, Figures};
use crate::program::APP;

/// One create per statement, 16 clients.
pub(crate) fn one(context: &BenchContext) -> Result<Figures> {
    run(context, 16, 1)
}

/// One create per statement, one client.
pub(crate) fn alone(context: &BenchContext) -> Result<Figures> {
    run(context, 1, 1)
}

/// 64 creates per statement, two clients.
pub(crate) fn many(context: &BenchContext) -> Result<Figures> {
    run(context, 2, 64)
}

fn run(context: &BenchContext, clients: u32, creates: u32) -> Result<Figures> {
    let deployment = Deployment::create(context)?;
    let folder = tempfile::tempdir()?;
    let script = folder.path().join("create.sql");
    fs::write(&script, statement(&deployment.workspace()?, creates))?;
    let seconds = context.settings.duration.as_secs().max(1).to_string();
    let output = Command::new(context.cluster()?.program("pgbench"))
        .args(["--no-vacuum", "--protocol", "prepared", "--jobs", "1", "--time", &seconds])
        .args(["--client", &clients.to_string(), "--file"])
        .arg(&script)
        .arg(&deployment.url)
        .output()
        .context("cannot run pgbench")?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let rate = printed
        .lines()
        .find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse::<f64>().ok());
    let Some(rate) = rate.filter(|_| output.status.success()) else {
        bail!("pgbench failed: {printed}{}", String::from_utf8_lossy(&output.stderr));
    };
    Ok(Figures::from([("per second", rate * f64::from(creates))]))
}

/// Ids are time-ordered and keys are random, as in requests to the program.
fn statement(workspace: &str, creates: u32) -> String {
    format!(
        "WITH new AS (
            SELECT decode(
                    lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000000)::bigint), 16, '0')
                    || substr(md5(random()::text), 1, 16), 'hex') AS id,
                md5(random()::text) AS key,
                (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now
            FROM generate_series(1, {creates})),
        taken AS (
            INSERT INTO fieldtest_connect.idempotency_records
                (workspace_id, key, fingerprint, client_id, request_id, expires_at)
            SELECT '{workspace}', key, decode(md5(key) || md5(key), 'hex'), '{APP}', id,
                now + 86400000
            FROM new)
        INSERT INTO fieldtest_connect.challenge_requests (workspace_id, client_id, id, host_name,
            title, provider_ids, max_stamp_claims, status, attempts, next_attempt_at, give_up_at,
            created_at, updated_at)
        SELECT '{workspace}', '{APP}', id, 'Acme Bank',
            'BankID SE Test', '[\"bankidse\"]', 3, 'pending', 0, now + 3600000, now + 86400000,
            now, now
        FROM new;\n"
    )
}
