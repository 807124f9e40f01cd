//! The body that orders a production test, and how it is read (§3, §5).

use domain::production_test::{Description, Order, StampLimit, Title};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::Platform;
use crate::error::FieldError;
use crate::fields::{Fields, integer, text, texts};

/// An order for a production test (§5). A null member counts as omitted, and unknown members are
/// ignored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(
    example = json!({ "title": "BankID SE Test", "providerIds": ["bankidse"], "maxStamps": 3 })
)]
pub struct CreateProductionTest {
    /// The title: at most 200 characters, not blank.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\u0000]*[^\s\u0000-\u001f\u007f-\u009f\ufeff][^\u0000]*$",
        example = "BankID SE Test"
    )]
    pub title: String,
    /// Instructions for testers: at most 1000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000, pattern = r"^[^\u0000]*$")]
    pub description: Option<String>,
    /// The providers to test. Each must be registered, enabled for the app, not chip-based and
    /// available in this deployment. Omitted means every such provider. Repetitions are ignored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_items = 1, example = json!(["bankidse"]))]
    pub provider_ids: Option<Vec<String>>,
    /// The only platform that can take part. Omitted means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_platform: Option<Platform>,
    /// How many stamps the challenge grants, first come, first served. 3 if omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 2_147_483_647, example = 3)]
    pub max_stamps: Option<u32>,
    /// Whether one person can hold several stamps for one provider. Not if omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_duplicate_participation: Option<bool>,
}

/// Reads an order.
///
/// # Errors
/// One error per invalid field, in the order of the documentation.
pub fn read_order(body: &Map<String, Value>) -> Result<Order, Vec<FieldError>> {
    let mut fields = Fields::of(body);
    let title = read_title(&mut fields);
    let description = read_description(&mut fields);
    let provider_ids = fields.optional("providerIds", "providerIds", "an array of strings", texts);
    let target_platform = read_target_platform(&mut fields);
    let max_stamps = fields.optional("maxStamps", "maxStamps", &stamp_limit_rule(), |value| {
        StampLimit::new(integer(value)?).ok()
    });
    let allow_duplicate_participation = read_allow_duplicates(&mut fields);
    let order = || {
        Some(Order {
            title: title?,
            description: description?,
            provider_ids: provider_ids?,
            target_platform: target_platform?,
            max_stamps: max_stamps?.unwrap_or_default(),
            allow_duplicate_participation: allow_duplicate_participation?,
        })
    };
    let order = order();
    fields.finish(order)
}

/// What errors say a platform must be.
pub(crate) const PLATFORM_RULE: &str = "\"ios\" or \"android\"";

/// What errors say a stamp limit must be.
pub(crate) fn stamp_limit_rule() -> String {
    format!("an integer from 1 to {}", StampLimit::MAX)
}

fn text_rule(max_length: usize) -> String {
    format!("a text of at most {max_length} characters, without U+0000")
}

/// Reads the required member `title`.
pub(crate) fn read_title(fields: &mut Fields<'_>) -> Option<Title> {
    let rule = text_rule(Title::MAX_LENGTH);
    fields.required("title", "title", &rule, |value| Title::new(text(value)?).ok())
}

/// Reads the optional member `description`.
pub(crate) fn read_description(fields: &mut Fields<'_>) -> Option<Option<Description>> {
    let rule = text_rule(Description::MAX_LENGTH);
    fields
        .optional("description", "description", &rule, |value| Description::new(text(value)?).ok())
}

/// Reads the optional member `targetPlatform`.
pub(crate) fn read_target_platform(fields: &mut Fields<'_>) -> Option<Option<domain::Platform>> {
    fields.optional("targetPlatform", "targetPlatform", PLATFORM_RULE, platform)
}

/// Reads the optional member `allowDuplicateParticipation`.
pub(crate) fn read_allow_duplicates(fields: &mut Fields<'_>) -> Option<Option<bool>> {
    const NAME: &str = "allowDuplicateParticipation";
    fields.optional(NAME, NAME, "true or false", Value::as_bool)
}

/// The platform with the name in this JSON string.
pub(crate) fn platform(value: &Value) -> Option<domain::Platform> {
    value.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn read(body: &Value) -> Result<Order, Vec<(&'static str, &'static str)>> {
        read_order(body.as_object().unwrap()).map_err(|errors| {
            errors.iter().map(|error| (error.parameter, error.code.as_str())).collect()
        })
    }

    const MISSING: &str = "VALIDATION_MISSING_PARAMETER";
    const INVALID: &str = "VALIDATION_INVALID_PARAMETER";

    #[test]
    fn only_the_title_is_required() {
        let order = read(&json!({ "title": "BankID" })).unwrap();
        assert_eq!(order.max_stamps.get(), 3);
        assert_eq!(
            (order.description, order.provider_ids, order.target_platform),
            (None, None, None)
        );
        assert_eq!(order.allow_duplicate_participation, None);
    }

    #[test]
    fn null_counts_as_omitted_and_unknown_members_are_ignored() {
        let with_nulls = json!({
            "title": "BankID", "description": null, "providerIds": null, "targetPlatform": null,
            "maxStamps": null, "allowDuplicateParticipation": null, "hostName": "Evil Corp"
        });
        assert_eq!(read(&with_nulls), read(&json!({ "title": "BankID" })));
        assert_eq!(read(&json!({ "title": null })), Err(vec![("title", MISSING)]));
    }

    #[test]
    fn every_invalid_field_is_named() {
        let body = json!({
            "title": " ", "description": 1, "providerIds": ["a", 1], "targetPlatform": "windows",
            "maxStamps": 0, "allowDuplicateParticipation": "yes"
        });
        let expected = vec![
            ("title", MISSING),
            ("description", INVALID),
            ("providerIds", INVALID),
            ("targetPlatform", INVALID),
            ("maxStamps", INVALID),
            ("allowDuplicateParticipation", INVALID),
        ];
        assert_eq!(read(&body), Err(expected));
    }

    #[test]
    fn max_stamps_is_a_whole_number_in_any_spelling() {
        for valid in ["1", "3.0", "3e0", "2147483647"] {
            let body = format!(r#"{{"title":"x","maxStamps":{valid}}}"#);
            assert!(read(&serde_json::from_str(&body).unwrap()).is_ok(), "{valid}");
        }
        for invalid in ["0", "-1", "1.5", "2147483648", "\"3\"", "true", "1e400", "[]"] {
            let body = format!(r#"{{"title":"x","maxStamps":{invalid}}}"#);
            if let Ok(body) = serde_json::from_str(&body) {
                assert_eq!(read(&body), Err(vec![("maxStamps", INVALID)]), "{invalid}");
            }
        }
    }

    proptest! {
        #[test]
        fn what_a_client_sends_is_what_the_server_reads(
            title in "[a-z]{1,20}",
            description in proptest::option::of("\\PC{0,50}"),
            max_stamps in proptest::option::of(1_u32..=2_147_483_647),
            duplicates in proptest::option::of(any::<bool>()),
        ) {
            let sent = CreateProductionTest {
                title: title.clone(),
                description: description.clone(),
                max_stamps,
                allow_duplicate_participation: duplicates,
                ..CreateProductionTest::default()
            };
            let order = read(&serde_json::to_value(&sent).unwrap()).unwrap();
            prop_assert_eq!(order.title.into_string(), title);
            prop_assert_eq!(order.description.map(Description::into_string), description);
            prop_assert_eq!(order.max_stamps.get(), max_stamps.unwrap_or(3));
            prop_assert_eq!(order.allow_duplicate_participation, duplicates);
        }
    }
}
