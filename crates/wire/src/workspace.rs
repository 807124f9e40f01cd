//! The workspace body (§11).

use domain::{Timestamp, WorkspaceId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Moment;

/// The workspace that the API key belongs to (§11).
///
/// The response has one more member, `created_at`: the time of `createdAt` as an integer, in
/// seconds since 1970-01-01T00:00:00Z. It is not a member of this schema because most languages
/// write both names alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Workspace {
    /// The id: `org_` followed by letters and digits.
    #[schema(example = "org_4rBKfb3K7Jyz9fUDzbOH")]
    pub id: String,
    /// The number of apps.
    pub apps_count: u32,
    /// When the workspace was created.
    #[serde(rename = "createdAt")]
    pub created_at_moment: Moment,
    /// When the workspace was created, in seconds since 1970-01-01T00:00:00Z.
    #[schema(ignore)]
    pub created_at: i64,
}

impl Workspace {
    /// The body for this workspace.
    #[must_use]
    pub fn new(id: &WorkspaceId, apps_count: u32, created_at: Timestamp) -> Self {
        Self {
            id: id.as_str().to_owned(),
            apps_count,
            created_at_moment: created_at.into(),
            created_at: created_at.as_seconds(),
        }
    }
}
