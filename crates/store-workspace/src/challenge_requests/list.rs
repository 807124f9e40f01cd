//! Listing an app's challenge requests (§6).

use db::{Row, Sql, StoreError, Value};
use domain::challenge_request::{ChallengeRequest, Status};
use domain::{ClientId, RequestId, WorkspaceId};

use crate::WorkspaceStore;
use crate::challenge_requests::{read_request, request_columns};

/// Which of an app's production tests to list (§6).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListFilter {
    /// Only those that have become a challenge, or only those that have not.
    pub scheduled: Option<bool>,
    /// Only those that stand here.
    pub status: Option<Status>,
    /// Youngest first instead of oldest first.
    pub descending: bool,
    /// How many at most; `None` means all.
    pub limit: Option<u32>,
    /// How many to leave out at the beginning.
    pub offset: u64,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The part.
    pub requests: Vec<ChallengeRequest>,
    /// How many there are in all.
    pub total: u64,
}

/// How many rows make a part of a long list: enough to be worth a read, little enough to hold in
/// memory.
pub const PART: u32 = 256;

macro_rules! chosen {
    () => {
        " FROM challenge_requests
        WHERE workspace_id = $1 AND client_id = $2 AND (CAST($3 AS BOOLEAN) IS NULL OR (status = 'scheduled') = $3) AND (CAST($4 AS TEXT) IS NULL OR status = $4) "
    };
}

/// How many there are in a status, if the filter lets them through: they are not counted anew
/// (migration `totals`).
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

/// The page and, in each of its rows, how many there are uncut; one row without a request if the
/// page is empty.
macro_rules! page {
    ($order:literal) => {
        concat!(
            "WITH page AS (SELECT ",
            request_columns!(),
            chosen!(),
            "ORDER BY id ",
            $order,
            " LIMIT $5 OFFSET $6) SELECT total, ",
            request_columns!(),
            " FROM (SELECT CAST(COALESCE(SUM(",
            total_of!("pending"),
            " + ",
            total_of!("scheduled"),
            " + ",
            total_of!("failed"),
            " + ",
            total_of!("cancelled"),
            "), 0) AS BIGINT) AS total FROM production_test_totals WHERE workspace_id = $1 AND client_id = $2) AS uncut LEFT JOIN page ON true ORDER BY id ",
            $order
        )
    };
}

static OLDEST_FIRST: Sql = Sql::new(page!("ASC"));
static YOUNGEST_FIRST: Sql = Sql::new(page!("DESC"));

macro_rules! part {
    ($beyond:literal, $order:literal) => {
        concat!(
            "SELECT ",
            request_columns!(),
            chosen!(),
            "AND id ",
            $beyond,
            " $5 ORDER BY id ",
            $order,
            " LIMIT $6 OFFSET $7"
        )
    };
}

static NEXT_YOUNGER: Sql = Sql::new(part!(">", "ASC"));
static NEXT_OLDER: Sql = Sql::new(part!("<", "DESC"));

/// Where a list begins: before the first id, behind the last.
const BEFORE_ALL: &[u8; 0] = &[];
const BEHIND_ALL: &[u8; 17] = &[0xff; 17];

impl WorkspaceStore {
    /// The app's challenge requests, filtered and cut, and how many there would be uncut.
    ///
    /// # Errors
    /// When the database cannot be read.
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
            // No table has more rows than fit a signed 64-bit number.
            limit.map_or(i64::MAX, i64::from).into(),
            i64::try_from(offset).unwrap_or(i64::MAX).into(),
        ];
        let sql = if descending { &YOUNGEST_FIRST } else { &OLDEST_FIRST };
        let rows =
            self.database.query(sql, parameters.map(Value::into_owned).into(), read_row).await?;
        let total = rows.first().map_or(0, |(total, _)| *total);
        Ok(Page { requests: rows.into_iter().filter_map(|(_, request)| request).collect(), total })
    }
}

impl WorkspaceStore {
    /// The next part of the app's challenge requests, filtered: behind this id, or from the
    /// beginning, less `offset` of them. A part with fewer than [`PART`] is the last one. The
    /// filter's own limit and offset do not count.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn challenge_requests_behind(
        &self,
        workspace_id: &WorkspaceId,
        client_id: &ClientId,
        filter: &ListFilter,
        behind: Option<RequestId>,
        offset: u64,
    ) -> Result<Vec<ChallengeRequest>, StoreError> {
        let ListFilter { scheduled, status, descending, limit: _, offset: _ } = filter;
        let end: Value<'_> = if *descending { BEHIND_ALL.into() } else { BEFORE_ALL.into() };
        let parameters = [
            workspace_id.as_str().into(),
            client_id.as_str().into(),
            (*scheduled).into(),
            status.map(Status::as_str).into(),
            behind.as_ref().map_or(end, |id| id.as_bytes().into()),
            PART.into(),
            i64::try_from(offset).unwrap_or(i64::MAX).into(),
        ];
        let sql = if *descending { &NEXT_OLDER } else { &NEXT_YOUNGER };
        self.database.query(sql, parameters.map(Value::into_owned).into(), read_request).await
    }
}

fn read_row(row: &Row<'_>) -> Result<(u64, Option<ChallengeRequest>), StoreError> {
    let request = match row.optional_bytes::<16>("id")? {
        Some(_) => Some(read_request(row)?),
        None => None,
    };
    Ok((row.integer("total")?.unsigned_abs(), request))
}
