//! Lists an app's challenge requests (§6).

use db::{Row, Sql, StoreError, Value};
use domain::challenge_request::{ChallengeRequest, Status};
use domain::{ClientId, RequestId, WorkspaceId};

use crate::WorkspaceStore;
use crate::challenge_requests::read::REQUEST;

/// Which of an app's production tests to list (§6).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListFilter {
    /// `true` for scheduled ones only, `false` for others only.
    pub scheduled: Option<bool>,
    /// Those with this status only.
    pub status: Option<Status>,
    /// Newest first instead of oldest first.
    pub descending: bool,
    /// The largest number of requests in the page. `None` for no limit.
    pub limit: Option<u32>,
    /// How many requests precede the page.
    pub offset: u64,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The requests of the page.
    pub requests: Vec<ChallengeRequest>,
    /// The number of all requests that match the filter.
    pub total: u64,
}

/// The number of rows of a list that are read at once: enough for efficient reads, few enough to
/// hold in memory.
pub const LIST_BATCH: u32 = 256;

/// Selects the requests that match a filter: workspace `$1`, app `$2`, scheduled `$3`, status `$4`.
/// A status that stands in the text has an index of its own.
macro_rules! matching {
    ($status:literal) => {
        concat!(
            "FROM challenge_requests WHERE workspace_id = $1 AND client_id = $2
            AND (CAST($3 AS BOOLEAN) IS NULL OR (status = 'scheduled') = $3)
            AND (CAST($4 AS TEXT) IS NULL OR status = $4)",
            $status
        )
    };
}

/// The stored number of requests with a status, or 0 if the filter does not match the status.
/// Triggers update it (migration `totals`).
macro_rules! total_of {
    ($status:literal) => {
        concat!(
            "CASE WHEN (CAST($3 AS BOOLEAN) IS NULL OR ('",
            $status,
            "' = 'scheduled') = $3) AND (CAST($4 AS TEXT) IS NULL OR '",
            $status,
            "' = $4) THEN ",
            $status,
            " ELSE 0 END"
        )
    };
}

/// The requests of a page, each with the total. One row without a request if the page is empty.
macro_rules! page {
    ($order:literal, $status:literal) => {
        concat!(
            "WITH page AS (SELECT {columns} ",
            matching!($status),
            " ORDER BY id ",
            $order,
            " LIMIT $5 OFFSET $6)
            SELECT total, {columns} FROM (SELECT CAST(COALESCE(SUM(",
            total_of!("pending"),
            " + ",
            total_of!("scheduled"),
            " + ",
            total_of!("failed"),
            " + ",
            total_of!("cancelled"),
            "), 0) AS BIGINT) AS total
                FROM production_test_totals WHERE workspace_id = $1 AND client_id = $2) AS counted
            LEFT JOIN page ON true ORDER BY id ",
            $order
        )
    };
}

/// The same query for every status, for failed requests and for cancelled ones.
struct Variants {
    any: Sql,
    failed: Sql,
    cancelled: Sql,
}

impl Variants {
    fn of(&'static self, status: Option<Status>) -> &'static Sql {
        match status {
            Some(Status::Failed) => &self.failed,
            Some(Status::Cancelled) => &self.cancelled,
            Some(Status::Pending | Status::Scheduled) | None => &self.any,
        }
    }
}

/// [`Variants`] of a query that a macro writes.
macro_rules! variants {
    ($query:ident, $($argument:literal),+) => {
        Variants {
            any: Sql::new($query!($($argument),+, "")).reading(&REQUEST),
            failed: Sql::new($query!($($argument),+, " AND status = 'failed'")).reading(&REQUEST),
            cancelled: Sql::new($query!($($argument),+, " AND status = 'cancelled'"))
                .reading(&REQUEST),
        }
    };
}

static OLDEST_FIRST: Variants = variants!(page, "ASC");
static NEWEST_FIRST: Variants = variants!(page, "DESC");

/// The next rows of a list after the id `$5`.
macro_rules! next {
    ($after:literal, $order:literal, $status:literal) => {
        concat!(
            "SELECT {columns} ",
            matching!($status),
            " AND id ",
            $after,
            " $5 ORDER BY id ",
            $order,
            " LIMIT $6 OFFSET $7"
        )
    };
}

static NEXT_NEWER: Variants = variants!(next, ">", "ASC");
static NEXT_OLDER: Variants = variants!(next, "<", "DESC");

/// Bounds for ids, which have 16 bytes: smaller than the first, and greater than the last.
const BEFORE_FIRST: &[u8; 0] = &[];
const AFTER_LAST: &[u8; 17] = &[0xff; 17];

impl WorkspaceStore {
    /// A page of the app's challenge requests (§6).
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn challenge_requests(
        &self,
        workspace_id: &WorkspaceId,
        client_id: &ClientId,
        filter: ListFilter,
    ) -> Result<Page, StoreError> {
        let ListFilter { scheduled, status, descending, limit, offset } = filter;
        let parameters = [
            workspace_id.as_str().into(),
            client_id.as_str().into(),
            scheduled.into(),
            status.map(Status::as_str).into(),
            // No table has more rows than an `i64` can count.
            limit.map_or(i64::MAX, i64::from).into(),
            i64::try_from(offset).unwrap_or(i64::MAX).into(),
        ];
        let sql = if descending { &NEWEST_FIRST } else { &OLDEST_FIRST };
        let parameters = parameters.map(Value::into_owned);
        let rows = self.database.query(sql.of(status), parameters.into(), read_page_row).await?;
        let total = rows.first().map_or(0, |(total, _)| *total);
        Ok(Page { requests: rows.into_iter().filter_map(|(_, request)| request).collect(), total })
    }

    /// The next requests of the app that match the filter, at most `limit`: after the one with this
    /// id, or from the beginning, without the first `offset`. Fewer than `limit` requests are the
    /// last ones. The filter's own limit and offset are ignored.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn challenge_requests_after(
        &self,
        workspace_id: &WorkspaceId,
        client_id: &ClientId,
        filter: &ListFilter,
        after: Option<RequestId>,
        limit: u32,
        offset: u64,
    ) -> Result<Vec<ChallengeRequest>, StoreError> {
        let ListFilter { scheduled, status, descending, limit: _, offset: _ } = filter;
        let start: Value<'_> = if *descending { AFTER_LAST.into() } else { BEFORE_FIRST.into() };
        let parameters = [
            workspace_id.as_str().into(),
            client_id.as_str().into(),
            (*scheduled).into(),
            status.map(Status::as_str).into(),
            after.as_ref().map_or(start, |id| id.as_bytes().into()),
            limit.into(),
            i64::try_from(offset).unwrap_or(i64::MAX).into(),
        ];
        let sql = if *descending { &NEXT_OLDER } else { &NEXT_NEWER };
        let parameters = parameters.map(Value::into_owned).into();
        self.database.query(sql.of(*status), parameters, REQUEST.read).await
    }
}

/// The total, and a request of the page, if the page has any.
fn read_page_row(row: &Row<'_>) -> Result<(u64, Option<ChallengeRequest>), StoreError> {
    Ok((row.total("total")?, REQUEST.read_optional(row)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_and_cancelled_requests_are_found_by_their_own_index() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        for migration in crate::SCHEMA.migrations {
            connection.execute_batch(migration.sqlite).unwrap();
        }
        for variants in [&OLDEST_FIRST, &NEWEST_FIRST, &NEXT_NEWER, &NEXT_OLDER] {
            for (status, index) in [
                (Status::Failed, "challenge_requests_failed"),
                (Status::Cancelled, "challenge_requests_cancelled"),
            ] {
                let sql = variants.of(Some(status)).sqlite();
                let mut steps = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
                let nulls = vec![rusqlite::types::Null; steps.parameter_count()];
                let steps = steps
                    .query_map(rusqlite::params_from_iter(nulls), |row| row.get("detail"))
                    .unwrap();
                let steps: Vec<String> = steps.collect::<Result<_, _>>().unwrap();
                assert!(steps.iter().any(|step| step.contains(index)), "{steps:?}");
            }
        }
    }
}
