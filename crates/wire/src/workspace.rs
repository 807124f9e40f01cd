//! The workspace (§11).

use domain::{Timestamp, WorkspaceId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Moment;

/// Whose key this is (§11).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Workspace {
    /// `org_` and more.
    #[schema(example = "org_4rBKfb3K7Jyz9fUDzbOH")]
    pub id: String,
    /// How many apps it has.
    pub apps_count: u32,
    /// When it was made.
    #[serde(rename = "createdAt")]
    pub created_at_moment: Moment,
    /// The same in whole seconds since 1970.
    pub created_at: i64,
}

impl Workspace {
    /// The workspace as it is shown.
    #[must_use]
    pub fn new(id: &WorkspaceId, apps_count: u32, created_at: Timestamp) -> Self {
        Self {
            id: id.as_str().to_owned(),
            apps_count,
            created_at_moment: created_at.into(),
            created_at: created_at.as_millis().div_euclid(1000),
        }
    }
}
