//! `fieldtest admin copy` (§13).

use clap::{Args, ValueHint};
use db::{CopyOutcome, Location, TableCount};
use serde_json::{Value, json};
use server::CopiedDeployment;

use super::CommandOutput;
use crate::failure::Failure;
use crate::options::Options;
use crate::table::Table;
use crate::values::Secret;

const NOTES: &str = "\
The server on the data directory must be stopped. Each store is copied in one transaction, and \
only into empty tables. Repeating the command is safe: a store that is copied already stays as it \
is. The secrets stay in the data directory: keep serving with it, and add --database-url.

Example:
  fieldtest admin copy --from ./data \\
    --to postgres://fieldtest@db.example/fieldtest?sslmode=verify-full";

/// The arguments of `admin copy`.
#[derive(Args)]
#[command(after_help = NOTES)]
pub(super) struct CopyArguments {
    /// The data directory with the embedded databases [default: --data-dir]
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    from: Option<std::path::PathBuf>,

    /// The PostgreSQL database, postgres://… [default: --database-url, also from the environment or
    /// the file]
    #[arg(long, value_name = "URL")]
    to: Option<Secret>,

    /// A separate PostgreSQL database for the challenge service [default: --tpas-database-url]
    #[arg(long, value_name = "URL")]
    tpas_to: Option<Secret>,
}

pub(super) async fn run(
    options: Options,
    arguments: CopyArguments,
) -> Result<CommandOutput, Failure> {
    let CopyArguments { from, to, tpas_to } = arguments;
    let overrides = Options {
        data_dir: from,
        database_url: to,
        tpas_database_url: tpas_to,
        ..Options::default()
    };
    let config = overrides.or(options).config()?;
    let (Location::Postgres(connect), Location::Postgres(tpas)) =
        (config.workspace_location(), config.challenge_location())
    else {
        return Err(Failure::Input(
            "--to must name the PostgreSQL database to copy to: postgres://…".into(),
        ));
    };
    let CopiedDeployment { workspace: connect, challenge: tpas } =
        server::copy(&config.data_dir, &connect, &tpas).await?;
    let stores = [("connect", &connect), ("tpas", &tpas)];
    let table = stores.iter().fold(
        Table::new(["STORE", "TABLE", "ROWS", "STATE"]),
        |table, (store, copied)| {
            copied.tables.iter().fold(table, |table, TableCount { table: name, rows }| {
                table.row([(*store).into(), (*name).into(), rows.to_string(), state(copied).into()])
            })
        },
    );
    Ok(CommandOutput::new(stores.iter().map(|(store, copied)| to_json(store, copied)), table, 1))
}

fn state(copied: &CopyOutcome) -> &'static str {
    if copied.is_new { "copied" } else { "was there" }
}

fn to_json(store: &str, copied: &CopyOutcome) -> Value {
    let rows = copied
        .tables
        .iter()
        .map(|TableCount { table, rows }| ((*table).to_owned(), json!(rows)))
        .collect();
    json!({ "store": store, "state": state(copied), "rows": Value::Object(rows) })
}
