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

    /// One rank and platform is a range of an index, so challenges that are expired, of the other
    /// platform, or before the place are not visited.
    async fn open_in_rank(
        &self,
        rank: OpenRank,
        platform: Option<Platform>,
        (expiry, id): (Timestamp, ChallengeId),
        limit: u32,
    ) -> Result<Vec<ChallengeRecord>, StoreError> {
        let (one, other) = match platform {
            Some(platform) => (platform, None),
            None => (Platform::Ios, Some(Platform::Android)),
        };
        let parameters = [
            expiry.into(),
            id.as_bytes().into(),
            rank.number().into(),
            limit.into(),
            one.as_str().into(),
            other.map(Platform::as_str).into(),
        ];
        let parameters = parameters.map(Value::into_owned);
        self.database.query(&OPEN_IN_RANK, parameters.into(), CHALLENGE.read).await
    }
}

/// The first open challenges of a rank with this target platform, after the place of `$1` and `$2`.
/// Most expire at the end of a day, so the place is compared as a whole.
macro_rules! open_for {
    ($platform:literal, $name:literal) => {
        concat!(
            "SELECT {columns} FROM (SELECT {columns} FROM challenges
            WHERE completed_at IS NULL AND closed_at IS NULL AND target_platform ",
            $platform,
            " AND open_rank = $3 AND (expires_at, id) > ($1, $2)
            ORDER BY expires_at, id LIMIT $4) AS ",
            $name
        )
    };
}

static OPEN_IN_RANK: Sql = Sql::new(concat!(
    open_for!("IS NULL", "for_all"),
    " UNION ALL ",
    open_for!("= $5", "for_one"),
    " UNION ALL ",
    open_for!("= $6", "for_other"),
    " ORDER BY expires_at, id LIMIT $4"
))
.reading(&CHALLENGE);

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_challenges_are_ranges_of_indexes_that_begin_at_the_place() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        for migration in crate::SCHEMA.migrations {
            connection.execute_batch(migration.sqlite).unwrap();
        }
        let plan = format!("EXPLAIN QUERY PLAN {}", OPEN_IN_RANK.sqlite());
        let mut steps = connection.prepare(&plan).unwrap();
        let steps = steps
            .query_map([(); 6].map(|()| rusqlite::types::Null), |row| {
                row.get::<_, String>("detail")
            })
            .unwrap();
        let steps: Vec<String> = steps.collect::<Result<_, _>>().unwrap();
        let place = "open_rank=? AND (expires_at,id)>(?,?))";
        for (range, count) in [
            (format!("challenges_open_for_all ({place}"), 1),
            (format!("challenges_open_for_one (target_platform=? AND {place}"), 2),
        ] {
            let found = steps.iter().filter(|step| step.ends_with(&range)).count();
            assert_eq!(found, count, "{range}: {steps:#?}");
        }
        assert!(!steps.iter().any(|step| step.starts_with("SCAN challenges")), "{steps:#?}");
    }
}
