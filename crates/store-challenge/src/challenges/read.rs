//! Reads challenges (§10).

use db::{Sql, StoreError, Value};
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

    /// The challenges that can be joined at `now`, on this platform or on any, at most `limit`: those that
    /// expire first, after the challenge with this expiry and id.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn open_challenges(
        &self,
        platform: Option<Platform>,
        now: Timestamp,
        after: Option<(Timestamp, ChallengeId)>,
        limit: u32,
    ) -> Result<Vec<ChallengeRecord>, StoreError> {
        static SQL: Sql = Sql::new(
            "SELECT {columns} FROM challenges
            WHERE completed_at IS NULL AND closed_at IS NULL AND expires_at >= $1
                AND (expires_at > $1 OR id > $4)
                AND (CAST($2 AS TEXT) IS NULL OR target_platform IS NULL OR target_platform = $2)
            ORDER BY expires_at, id LIMIT $3",
        )
        .reading(&CHALLENGE);
        // Ids do not exceed this one, so without a cursor those that expire at `now` are left out.
        let end = ChallengeId::from_bytes([0xff; 16]);
        let (expiry, id) = after.filter(|(expiry, _)| *expiry >= now).unwrap_or((now, end));
        let parameters = [
            expiry.into(),
            platform.map(Platform::as_str).into(),
            limit.into(),
            id.as_bytes().into(),
        ];
        let parameters = parameters.map(Value::into_owned);
        self.database.query(&SQL, parameters.into(), CHALLENGE.read).await
    }
}
