//! The goals that the figures are compared with.

/// The bound of a goal, inclusive.
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

/// A bound for a figure of a case, or for its ratio to that figure of another case.
pub(crate) struct Goal {
    pub(crate) what: &'static str,
    pub(crate) case: &'static str,
    pub(crate) figure: &'static str,
    pub(crate) of: Option<&'static str>,
    pub(crate) bound: Bound,
}

const fn ratio(what: &'static str, case: &'static str, of: &'static str, at_least: f64) -> Goal {
    Goal { what, case, figure: "per second", of: Some(of), bound: Bound::AtLeast(at_least) }
}

const fn at_least(
    what: &'static str,
    case: &'static str,
    figure: &'static str,
    bound: f64,
) -> Goal {
    Goal { what, case, figure, of: None, bound: Bound::AtLeast(bound) }
}

const fn at_most(what: &'static str, case: &'static str, figure: &'static str, bound: f64) -> Goal {
    Goal { what, case, figure, of: None, bound: Bound::AtMost(bound) }
}

pub(crate) const GOALS: &[Goal] = &[
    ratio("create, SQLite, 64 connections, × no-op", "sqlite create 64", "no-op", 0.5),
    ratio("the same, × SQLite in a plain loop", "sqlite create 64", "sqlite engine", 0.5),
    ratio(
        "create with millions of rows there, × empty",
        "sqlite create 64 full",
        "sqlite create 64",
        0.9,
    ),
    ratio(
        "create, PostgreSQL, 64 connections, × pgbench",
        "postgres create 64",
        "postgres engine",
        4.0,
    ),
    ratio(
        "the same, × pgbench with 64 creates per statement",
        "postgres create 64",
        "postgres engine many",
        0.6,
    ),
    ratio("the same, × Fastify", "postgres create 64", "fastify", 8.0),
    ratio("create, SQLite, one connection, × syncs", "sqlite create 1", "sync", 0.8),
    ratio(
        "create, PostgreSQL, one connection, × pgbench with one client",
        "postgres create 1",
        "postgres engine 1",
        0.8,
    ),
    at_most("create at half rate, SQLite, p99 in ms", "sqlite create open", "p99", 10.0),
    at_most("create at half rate, SQLite, p99.9 in ms", "sqlite create open", "p99.9", 50.0),
    at_most("create at half rate, PostgreSQL, p99 in ms", "postgres create open", "p99", 10.0),
    at_most("create at half rate, PostgreSQL, p99.9 in ms", "postgres create open", "p99.9", 50.0),
    ratio("repetition of an idempotency key, × no-op", "replay", "no-op", 0.7),
    ratio("page of 20 of a long list, × no-op", "page", "no-op", 0.6),
    ratio("report, × no-op", "report", "no-op", 0.6),
    ratio("read one, × no-op", "read one", "no-op", 0.6),
    at_most("full list: first byte in ms", "full list", "first byte ms", 50.0),
    at_least(
        "claims, SQLite, 64 connections, decided per second",
        "sqlite claims 64",
        "per second",
        60_000.0,
    ),
    at_least("claims, SQLite, 10,000 connections", "sqlite claims 10000", "per second", 20_000.0),
    at_least("claims, PostgreSQL, 64 connections", "postgres claims 64", "per second", 60_000.0),
    at_least(
        "claims, PostgreSQL, 10,000 connections",
        "postgres claims 10000",
        "per second",
        20_000.0,
    ),
    at_least(
        "scheduled within 1 s at 10,000 creates per second, %",
        "scheduling",
        "within 1 s %",
        99.0,
    ),
    at_most("start to first 200 in ms", "process", "start ms", 20.0),
    at_most("idle memory in MB", "process", "idle MB", 20.0),
    at_most("memory under full load in MB", "process", "loaded MB", 120.0),
];
