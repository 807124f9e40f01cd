//! Challenges, who takes part in them, and the stamps that were granted (§8, §10).

mod challenges;
mod decisions;
mod idempotency;
mod joining;
mod lapses;
mod participations;
mod report;

pub use challenges::{ChallengeRecord, CloseChallenge, CreateChallenge};
pub use decisions::{DecideParticipation, Decision};
pub use idempotency::{Made, PruneIdempotencyRecords};
pub use joining::{JoinChallenge, JoinOutcome};
pub use lapses::LapseOverdue;

use db::{Database, Location, OpenError, Schema, WriterMetrics};

/// The tables of this store.
pub static SCHEMA: Schema = Schema {
    file: "tpas.sqlite3",
    postgres: "fieldtest_tpas",
    tables: &["deployment_facts", "challenges", "participations", "stamp_claims", "idempotency_records"],
    derived_tables: &[],
    // Ids ascend.
    newest_row: "SELECT MAX(moment) FROM (
        SELECT created_at AS moment FROM (SELECT created_at FROM challenges ORDER BY id DESC LIMIT 1)
        UNION ALL
        SELECT joined_at FROM (SELECT joined_at FROM participations ORDER BY id DESC LIMIT 1))",
    appended_keys: None,
    migrations: db::migrations![
        "V1__challenges",
        "V2__deployment_facts",
        "V3__crowds",
    ],
};

/// The store of the challenge service. Clones share it.
#[derive(Clone)]
pub struct ChallengeStore {
    database: Database,
}

impl ChallengeStore {
    /// Opens the store's tables, makes them if they are missing, and brings them up to date.
    ///
    /// # Errors
    /// When the database cannot be opened, is no database, or was made by a newer fieldtest.
    pub async fn open(location: &Location, metrics: WriterMetrics) -> Result<Self, OpenError> {
        Ok(Self { database: Database::open(location, &SCHEMA, metrics).await? })
    }

    /// The tables, and what every store can do with its own.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.database
    }
}
