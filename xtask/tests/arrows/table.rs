//! What must not know what.

/// A library crate or the program: which of the others it may depend on, and which libraries from elsewhere it must not.
pub struct CrateRow {
    /// Its folder below `crates/`.
    pub folder: &'static str,
    /// The crates of this workspace that it may depend on, for its tests too.
    pub may_depend_on: &'static [&'static str],
    /// Libraries that belong to another room. Its tests may use them.
    pub must_not_use: &'static [&'static str],
}

const ASYNC: &[&str] = &["tokio", "futures-util", "async-trait"];
const HTTP: &[&str] = &["axum", "http", "hyper", "hyper-util", "reqwest", "tower", "tower-http"];
const SQL: &[&str] = &["rusqlite", "refinery", "sqlx", "tokio-postgres", "deadpool-postgres"];

/// Libraries of which whole groups are forbidden to a crate.
pub const GROUPS: &[(&str, &[&str])] = &[("async", ASYNC), ("http", HTTP), ("sql", SQL)];

/// `domain ← wire ← client`, `domain ← store`, all of them `← server ← cli`, and nothing else.
pub const CRATES: &[CrateRow] = &[
    CrateRow { folder: "domain", may_depend_on: &[], must_not_use: &["async", "http", "sql", "tracing"] },
    CrateRow {
        folder: "wire",
        may_depend_on: &["domain"],
        must_not_use: &["async", "sql", "axum", "hyper", "reqwest"],
    },
    CrateRow { folder: "store", may_depend_on: &["domain", "test-cluster"], must_not_use: &["http", "utoipa"] },
    CrateRow { folder: "client", may_depend_on: &["domain", "wire"], must_not_use: &["sql", "axum", "hyper", "tower"] },
    CrateRow {
        folder: "server",
        may_depend_on: &["domain", "wire", "store", "client", "test-cluster"],
        must_not_use: &["sql"],
    },
    CrateRow { folder: "test-cluster", may_depend_on: &[], must_not_use: &["async", "http", "sql"] },
    CrateRow {
        folder: "cli",
        may_depend_on: &["domain", "wire", "store", "client", "server", "test-cluster"],
        must_not_use: &["http", "sql"],
    },
];

/// Code below `room` must not name anything below one of `must_not_know`.
///
/// All are paths that begin with a crate: `server::web` is the file `crates/server/src/web.rs` and the folder beside it.
pub struct RoomRow {
    pub room: &'static str,
    pub must_not_know: &'static [&'static str],
    pub why: &'static str,
}

const fn row(room: &'static str, must_not_know: &'static [&'static str], why: &'static str) -> RoomRow {
    RoomRow { room, must_not_know, why }
}

const CONNECT: &str = "store::connect";
const CHALLENGES: &str = "store::tpas";
const WEB: &str = "server::web";
const WORKSPACE_API: &str = "server::workspace_api";
const TPAS: &str = "server::tpas";
const SCHEDULER: &str = "server::scheduler";
const CONSOLE: &str = "server::console";
const LIFECYCLE: &str = "server::lifecycle";
const DOCTOR: &str = "server::doctor";
const PEER: &str = "server::peer";
const CONFIG: &str = "server::config";
const TELEMETRY: &str = "server::telemetry";

const OWN_TABLES: &str = "each service has tables of its own, and nobody else reads them";
const APART: &str = "these know what they share (web), not each other";
const ELSEWHERE: &str = "the challenge service may run elsewhere: it is reached through the peer only";
const LOOKS: &str = "it looks at a deployment from outside, and nothing that works is built on that";
const SHARED: &str = "what the others share knows none of them";

/// `lifecycle → {workspace_api, tpas, scheduler, console} → web`; `{workspace_api, scheduler} → peer → tpas`; and the two
/// services apart, in the server and in the store.
pub const ROOMS: &[RoomRow] = &[
    row(CONNECT, &[CHALLENGES], OWN_TABLES),
    row(CHALLENGES, &[CONNECT], OWN_TABLES),
    row(WORKSPACE_API, &[CHALLENGES], OWN_TABLES),
    row(SCHEDULER, &[CHALLENGES], OWN_TABLES),
    row(TPAS, &[CONNECT], OWN_TABLES),
    row(WORKSPACE_API, &[SCHEDULER, CONSOLE, LIFECYCLE], APART),
    row(WORKSPACE_API, &[TPAS], ELSEWHERE),
    row(TPAS, &[WORKSPACE_API, SCHEDULER, CONSOLE, PEER, LIFECYCLE], APART),
    row(SCHEDULER, &[WORKSPACE_API, CONSOLE, LIFECYCLE], APART),
    row(SCHEDULER, &[TPAS], ELSEWHERE),
    row(CONSOLE, &[WORKSPACE_API, TPAS, SCHEDULER, LIFECYCLE], APART),
    row(WEB, &[WORKSPACE_API, TPAS, SCHEDULER, CONSOLE, PEER, LIFECYCLE], SHARED),
    row(PEER, &[WORKSPACE_API, SCHEDULER, CONSOLE, LIFECYCLE], SHARED),
    row(DOCTOR, &[CONNECT, CHALLENGES, WEB, WORKSPACE_API, TPAS, SCHEDULER, CONSOLE, PEER], LOOKS),
    row(LIFECYCLE, &[DOCTOR], LOOKS),
    row(WORKSPACE_API, &[DOCTOR], LOOKS),
    row(TPAS, &[DOCTOR], LOOKS),
    row(SCHEDULER, &[DOCTOR], LOOKS),
    row(CONSOLE, &[DOCTOR], LOOKS),
    row(WEB, &[DOCTOR], LOOKS),
    row(PEER, &[DOCTOR], LOOKS),
    row(CONFIG, &[WEB, WORKSPACE_API, TPAS, SCHEDULER, CONSOLE, PEER, LIFECYCLE], SHARED),
    row(TELEMETRY, &[WEB, WORKSPACE_API, TPAS, SCHEDULER, CONSOLE, PEER, LIFECYCLE], SHARED),
];

/// Text that no file of the tree contains, in any case, and why. Written in two parts, so that this file does not either.
pub const FORBIDDEN_TEXT: &[(&str, &str)] =
    &[(concat!("../", "shared"), "the project stands on its own: nothing in it points outside of it")];

/// Macros that no Rust file calls, and why.
pub const FORBIDDEN_MACROS: &[(&str, &str)] = &[
    ("todo", "what is not there yet is not in the tree either"),
    ("unimplemented", "what is not there yet is not in the tree either"),
];
