//! Reads challenges (§10).

use db::{Sql, StoreError, Value};
use domain::challenge::OpenRank;
use domain::{ChallengeId, Platform, Timestamp};

use crate::ChallengeStore;
use crate::challenges::{CHALLENGE, ChallengeRecord};

impl ChallengeStore {
    /// The challenge of this id.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn challenge(&self, id: ChallengeId) -> Result<Option<ChallengeRecord>, StoreError> {
        static SQL: Sql =
            Sql::new("SELECT {columns} FROM challenges WHERE id = $1").reading(&CHALLENGE);
        let id = Value::from(id.as_bytes()).into_owned();
        self.database.find(&SQL, vec![id], CHALLENGE.read).await
    }

    /// The challenges that can be joined at `now`, on this platform or on any, at most `limit`: by
    /// rank, and in each rank those first that expire first; after this place.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn open_challenges(
        &self,
        platform: Option<Platform>,
        now: Timestamp,
        after: Option<OpenPlace>,
        limit: u32,
    ) -> Result<Vec<(OpenRank, ChallengeRecord)>, StoreError> {
        let mut found = Vec::new();
        for rank in OpenRank::ALL {
            let missing = limit.saturating_sub(u32::try_from(found.len()).unwrap_or(u32::MAX));
            let after = match &after {
                Some(place) if place.rank > rank => continue,
                Some(place) if place.rank == rank && place.expires_at >= now => {
                    (place.expires_at, place.id)
                }
                // Ids do not exceed this one, so those that expire at `now` are left out.
                _ => (now, ChallengeId::from_bytes([0xff; 16])),
            };
            if missing == 0 {
                break;
            }
            let records = self.open_in_rank(rank, platform, after, missing).await?;
            found.extend(records.into_iter().map(|record| (rank, record)));
        }
        Ok(found)
    }

    /// One rank is a range of an index, so expired challenges are not visited.
    async fn open_in_rank(
        &self,
        rank: OpenRank,
        platform: Option<Platform>,
        (expiry, id): (Timestamp, ChallengeId),
        limit: u32,
    ) -> Result<Vec<ChallengeRecord>, StoreError> {
        static SQL: Sql = Sql::new(
            "SELECT {columns} FROM challenges
            WHERE completed_at IS NULL AND closed_at IS NULL
                AND open_rank = $5 AND expires_at >= $1 AND (expires_at > $1 OR id > $4)
                AND (CAST($2 AS TEXT) IS NULL OR target_platform IS NULL OR target_platform = $2)
            ORDER BY expires_at, id LIMIT $3",
        )
        .reading(&CHALLENGE);
        let parameters = [
            expiry.into(),
            platform.map(Platform::as_str).into(),
            limit.into(),
            id.as_bytes().into(),
            rank.number().into(),
        ];
        let parameters = parameters.map(Value::into_owned);
        self.database.query(&SQL, parameters.into(), CHALLENGE.read).await
    }
}

/// A place in the list of open challenges: that of the challenge with this id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenPlace {
    /// Its rank.
    pub rank: OpenRank,
    /// When it expires.
    pub expires_at: Timestamp,
    /// Its id.
    pub id: ChallengeId,
}
