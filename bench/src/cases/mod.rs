//! The cases that are measured.

pub(crate) mod claims;
pub(crate) mod create;
pub(crate) mod postgres;
pub(crate) mod process;
pub(crate) mod reads;
pub(crate) mod scheduling;

use anyhow::{Result, bail};

use crate::baselines::{fastify, pgbench, sqlite, sync};
use crate::context::{BenchContext, Figures};

/// A measurement that runs once in each round.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) run: fn(&BenchContext) -> Result<Figures>,
}

const fn case(
    name: &'static str,
    about: &'static str,
    run: fn(&BenchContext) -> Result<Figures>,
) -> Case {
    Case { name, about, run }
}

/// All cases. Baselines stand beside the cases that are compared with them.
const CASES: &[Case] = &[
    case(
        "no-op",
        "a route that reads the body and answers 330 bytes, 64 connections",
        create::no_op,
    ),
    case("sync", "one sync of 12 KiB after the other", sync::run),
    case("sqlite engine", "SQLite in a plain loop, batches of 64, without HTTP", sqlite::run),
    case("sqlite create 1", "create on SQLite, 1 connection", create::sqlite_1),
    case("sqlite create 64", "create on SQLite, 64 connections", create::sqlite_64),
    case("sqlite create 512", "create on SQLite, 512 connections", create::sqlite_512),
    case(
        "sqlite create 64 full",
        "the same with millions of production tests there already",
        create::sqlite_full,
    ),
    case(
        "sqlite create open",
        "create on SQLite at half of the greatest rate, open loop",
        create::sqlite_open,
    ),
    case("replay", "the repetition of an idempotency key, 64 connections", create::replay),
    case("page", "a page of 20 out of a long list, 64 connections", reads::page),
    case("read one", "one production test, 64 connections", reads::one),
    case("report", "a report, 64 connections", reads::report),
    case("full list", "a long list as a whole", reads::full_list),
    case(
        "sqlite claims 64",
        "outcomes for one hot challenge with 100 stamps, 64 connections",
        claims::sqlite_64,
    ),
    case("sqlite claims 10000", "the same, 10,000 connections", claims::sqlite_10000),
    case(
        "scheduling",
        "10,000 creates a second for a while: when they are scheduled",
        scheduling::run,
    ),
    case("process", "start, memory when idle and under full load", process::run),
    case("postgres engine", "pgbench, one create per statement, 16 clients", pgbench::one),
    case("postgres engine 1", "pgbench, one create per statement, 1 client", pgbench::alone),
    case("postgres engine many", "pgbench, 64 creates per statement, 2 clients", pgbench::many),
    case("fastify", "the same create by Fastify and pg, 64 connections", fastify::run),
    case("postgres create 1", "create on PostgreSQL, 1 connection", postgres::create_1),
    case("postgres create 64", "create on PostgreSQL, 64 connections", postgres::create_64),
    case("postgres create 512", "create on PostgreSQL, 512 connections", postgres::create_512),
    case(
        "postgres create open",
        "create on PostgreSQL at half of the greatest rate, open loop",
        postgres::create_open,
    ),
    case(
        "postgres claims 64",
        "outcomes for one hot challenge with 100 stamps, 64 connections",
        postgres::claims_64,
    ),
    case("postgres claims 10000", "the same, 10,000 connections", postgres::claims_10000),
];

/// The cases whose names begin with one of these prefixes, or all if there are none.
pub(crate) fn selected(only: &[String]) -> Result<Vec<Case>> {
    let is_selected = |case: &&Case| {
        only.is_empty() || only.iter().any(|prefix| case.name.starts_with(prefix.as_str()))
    };
    let selected: Vec<Case> = CASES.iter().filter(is_selected).copied().collect();
    if selected.is_empty() {
        let names: Vec<&str> = CASES.iter().map(|case| case.name).collect();
        bail!("there is no such case; there are: {}", names.join(", "));
    }
    Ok(selected)
}
