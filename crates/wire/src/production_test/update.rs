//! The body that gives a production test more room and more time, and how it is read (§7).

use domain::challenge_update::ChallengeUpdate;
use domain::production_test::StampLimit;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::stamp_limit_rule;
use crate::Moment;
use crate::error::FieldError;
use crate::fields::{Fields, integer};

/// More room and more time for a production test (§7). A null member counts as omitted, and unknown
/// members are ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({ "maxStamps": 5 }))]
pub struct UpdateProductionTest {
    /// How many stamps are granted. The number can only grow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 2_147_483_647, example = 5)]
    pub max_stamps: Option<u32>,
    /// When it ends: between now and 30 days from now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Moment>,
}

impl From<ChallengeUpdate> for UpdateProductionTest {
    fn from(update: ChallengeUpdate) -> Self {
        let ChallengeUpdate { max_stamps, expires_at } = update;
        Self {
            max_stamps: max_stamps.map(StampLimit::get),
            expires_at: expires_at.map(Moment::from),
        }
    }
}

/// What errors say a point in time must be.
pub(crate) const MOMENT_RULE: &str =
    "a point in time in ISO 8601 with an offset, such as 2026-04-08T10:00:00.000Z";

/// Reads an update.
///
/// # Errors
/// One error per invalid field.
pub fn read_update(body: &Map<String, Value>) -> Result<ChallengeUpdate, Vec<FieldError>> {
    let mut fields = Fields::of(body);
    let max_stamps = fields.optional("maxStamps", "maxStamps", &stamp_limit_rule(), |value| {
        StampLimit::new(integer(value)?).ok()
    });
    let expires_at = fields
        .optional("expiresAt", "expiresAt", MOMENT_RULE, |value| value.as_str()?.parse().ok());
    let update = max_stamps
        .zip(expires_at)
        .map(|(max_stamps, expires_at)| ChallengeUpdate { max_stamps, expires_at });
    fields.finish(update)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(body: &Value) -> Result<ChallengeUpdate, Vec<&'static str>> {
        read_update(body.as_object().unwrap())
            .map_err(|errors| errors.iter().map(|error| error.parameter).collect())
    }

    #[test]
    fn each_member_is_optional_and_every_invalid_one_is_named() {
        assert_eq!(read(&json!({ "maxStamps": null })), Ok(ChallengeUpdate::default()));
        let both = json!({ "maxStamps": 5, "expiresAt": "2026-04-08T12:00:00+02:00" });
        let update = read(&both).unwrap();
        assert_eq!(update.max_stamps.map(StampLimit::get), Some(5));
        assert_eq!(
            UpdateProductionTest::from(update).expires_at.unwrap().to_string(),
            "2026-04-08T10:00:00.000Z"
        );
        let wrong = json!({ "maxStamps": 0, "expiresAt": "tomorrow" });
        assert_eq!(read(&wrong), Err(vec!["maxStamps", "expiresAt"]));
    }
}
