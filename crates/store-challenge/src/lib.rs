//! The tables of the challenge service: challenges, participations in them, and stamp claims
//! (§8, §10).

mod challenges;
mod claims;
mod counts;
mod idempotency;
mod participations;
mod verifications;
mod verifier_health;

use db::{Database, Location, OpenError, Schema, WriterMetrics};

pub use db::PruneIdempotencyRecords;

pub use crate::challenges::ChallengeRecord;
pub use crate::challenges::close::CloseChallenge;
pub use crate::challenges::create::CreateChallenge;
pub use crate::challenges::read::OpenPlace;
pub use crate::challenges::untold::MarkTold;
pub use crate::challenges::update::UpdateChallenge;
pub use crate::claims::{Decision, FinishVerification};
pub use crate::idempotency::IdempotentResult;
pub use crate::participations::feedback::GiveFeedback;
pub use crate::participations::join::{JoinChallenge, JoinOutcome};
pub use crate::participations::lapse::LapseOverdue;
pub use crate::participations::start_verification::StartVerification;
pub use crate::verifications::{
    AnswerParked, BeginOutcome, BeginVerification, ParkOutcome, Parked, PruneVerifications,
    UseState, Verification,
};
pub use crate::verifier_health::{NoteVerifier, VerifierHealth, VerifierNews};

/// The tables of the challenge service.
///
/// The names of the file and of the schema contain `tpas`, the name that the published API gives to
/// the challenge service.
pub static SCHEMA: Schema = Schema {
    file: "tpas.sqlite3",
    postgres: "fieldtest_tpas",
    tables: &[
        "deployment_facts",
        "challenges",
        "participations",
        "stamp_claims",
        "participation_counts",
        "completion_counts",
        "minute_counts",
        "feedback",
        "verifications",
        "verifier_health",
        "idempotency_records",
    ],
    derived_tables: &[],
    // Ids ascend.
    newest_row: "SELECT MAX(moment) FROM (
        SELECT created_at AS moment
        FROM (SELECT created_at FROM challenges ORDER BY id DESC LIMIT 1)
        UNION ALL
        SELECT joined_at FROM (SELECT joined_at FROM participations ORDER BY id DESC LIMIT 1))",
    appended_keys: None,
    migrations: db::migrations![
        "V1__challenges",
        "V2__deployment_facts",
        "V3__crowds",
        "V4__failure_reasons",
        "V5__counts",
        "V6__untold",
        "V7__feedback",
        "V8__verifications",
        "V9__return_uris",
        "V10__verifier_health",
        "V11__open_rank",
        "V12__open_by_platform",
    ],
};

/// The store of the challenge service. Clones share it.
#[derive(Clone)]
pub struct ChallengeStore {
    database: Database,
}

impl ChallengeStore {
    /// Opens the tables of the challenge service. Creates them if they are missing, and migrates
    /// them.
    ///
    /// # Errors
    /// If the database cannot be opened, is not a database, or was migrated by a newer fieldtest.
    pub async fn open(location: &Location, metrics: WriterMetrics) -> Result<Self, OpenError> {
        Ok(Self { database: Database::open(location, &SCHEMA, metrics).await? })
    }

    /// The database with the tables of the challenge service.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.database
    }
}
