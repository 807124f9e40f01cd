//! The place of a new challenge among the open ones (§10).

use std::collections::HashMap;

use db::{Sql, StoreError, Transaction, write_columns};
use domain::challenge::OpenRank;
use domain::{ChallengeId, Timestamp};

use crate::challenges::create::CreateChallenge;

write_columns! {
    /// A host, and the present.
    HostRow((&str, Timestamp)) = |(host, now)| {
        host: Text = *host,
        now: Integer = *now,
        most: Integer = OpenRank::LARGEST_COUNT,
    }
}

// No more rows are visited than matter.
static COUNT_OPEN: Sql = Sql::each(
    "SELECT each.host AS host, (SELECT COUNT(*) FROM (
        SELECT 1 FROM challenges
        WHERE host_name = each.host AND completed_at IS NULL AND closed_at IS NULL
            AND expires_at > each.now
        LIMIT each.most) AS open_one) AS open
    {from each}",
    &HostRow::COLUMNS,
);

/// The rank of each new challenge, in their order. Those of one host in one batch follow each other.
pub(super) async fn ranks(
    transaction: &Transaction<'_>,
    new: &[(&CreateChallenge, ChallengeId)],
) -> Result<Vec<OpenRank>, StoreError> {
    let hosts: HashMap<&str, Timestamp> =
        new.iter().map(|(write, _)| (write.host.name.as_str(), write.now)).collect();
    let rows: Vec<(&str, Timestamp)> = hosts.into_iter().collect();
    let rows: Vec<_> = rows.iter().map(HostRow::of).collect();
    let counts = transaction
        .query_each(&COUNT_OPEN, &rows, |row| Ok((row.string("host")?, row.count("open")?)))
        .await?;
    let mut counts: HashMap<String, u32> = counts.into_iter().collect();
    let next = |(write, _): &(&CreateChallenge, ChallengeId)| {
        let open = counts.entry(write.host.name.clone()).or_default();
        let rank = OpenRank::after(*open);
        *open += 1;
        rank
    };
    Ok(new.iter().map(next).collect())
}
