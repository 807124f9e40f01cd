//! Challenges, who takes part in them, and the stamps that were granted (§8, §10).

mod challenges;
mod decisions;
mod idempotency;
mod participations;
mod report;

use std::path::Path;

pub use challenges::{ChallengeRecord, CloseChallenge, CreateChallenge};
pub use decisions::{DecideParticipation, Decision, LapseOverdue, Verdict};
pub use idempotency::{Earlier, PruneIdempotencyRecords};
pub use participations::{JoinChallenge, JoinOutcome};

use crate::sqlite::Database;
use crate::{OpenError, StoreError, WriterMetrics};

mod migrations {
    refinery::embed_migrations!("migrations/sqlite/tpas");
}

/// The store of the challenge service. Clones share it.
#[derive(Clone)]
pub struct TpasStore {
    database: Database,
}

impl TpasStore {
    /// Opens the store's file in this folder, makes it if it is missing, and brings its tables up to date.
    ///
    /// # Errors
    /// When the file cannot be opened, is no database, or was made by a newer fieldtest.
    pub fn open(folder: &Path, metrics: WriterMetrics) -> Result<Self, OpenError> {
        let path = folder.join("tpas.sqlite3");
        let database = Database::open(&path, &migrations::migrations::runner(), metrics)?;
        Ok(Self { database })
    }

    /// Whether a read and a write get through.
    ///
    /// # Errors
    /// When one does not.
    pub async fn check(&self) -> Result<(), StoreError> {
        self.database.check().await
    }

    /// Finishes what is waiting and closes the file.
    pub async fn close(&self) {
        self.database.close().await;
    }
}
