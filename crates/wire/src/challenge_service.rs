//! What the scheduler asks of the challenge service (§10).

use domain::ProviderId;
use domain::app::AppName;
use domain::production_test::{Description, Payload, StampLimit, Title};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::error::FieldError;
use crate::fields::{Fields, integer, text, texts};
use crate::production_test::{
    PLATFORM_RULE, Platform, description_rule, platform, stamp_limit_rule, title_rule,
};

/// The challenge that a request is to become (§10).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleChallenge {
    /// What the test is called.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\u0000]*[^\s\u0000-\u001f\u007f-\u009f\ufeff][^\u0000]*$",
        example = "BankID SE Test"
    )]
    pub title: String,
    /// What testers should know, if anything was said.
    #[serde(default)]
    #[schema(max_length = 1000, pattern = r"^[^\u0000]*$")]
    pub description: Option<String>,
    /// The providers under test, each once.
    #[schema(value_type = Vec<ProviderIdText>, min_items = 1, example = json!(["bankidse"]))]
    pub provider_ids: Vec<String>,
    /// How many stamps there are.
    #[schema(minimum = 1, maximum = 2_147_483_647, example = 3)]
    pub max_stamp_claims: u32,
    /// The only platform that may take part, if it is limited to one.
    #[serde(default)]
    pub target_platform: Option<Platform>,
    /// Whether one person may hold several stamps for one provider.
    #[serde(default)]
    pub allow_duplicate_participation: Option<bool>,
    /// The app's name, as testers see it.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\u0000]*[^\s\u0000-\u001f\u007f-\u009f\ufeff][^\u0000]*$",
        example = "Acme Bank"
    )]
    pub host_name: String,
}

/// A provider's id, as the catalogue writes it.
#[derive(ToSchema)]
#[schema(as = ProviderId, value_type = String, pattern = "^[a-z0-9-]{1,64}$", example = "bankidse")]
#[expect(dead_code, reason = "describes a string in the OpenAPI document")]
pub struct ProviderIdText(String);

impl ScheduleChallenge {
    /// What is asked for a request with this payload.
    #[must_use]
    pub fn new(payload: &Payload, host_name: &str) -> Self {
        let Payload {
            title,
            description,
            provider_ids,
            max_stamp_claims,
            target_platform,
            allow_duplicate_participation,
        } = payload;
        Self {
            title: title.clone(),
            description: description.clone(),
            provider_ids: provider_ids.iter().map(ToString::to_string).collect(),
            max_stamp_claims: *max_stamp_claims,
            target_platform: target_platform.map(Platform::from),
            allow_duplicate_participation: *allow_duplicate_participation,
            host_name: host_name.to_owned(),
        }
    }
}

/// Reads what a request is to become: its payload and the host's name.
///
/// # Errors
/// Every offending field.
pub fn read_schedule(body: &Map<String, Value>) -> Result<(Payload, String), Vec<FieldError>> {
    let mut fields = Fields::of(body);
    let title =
        fields.required("title", "title", &title_rule(), |value| Title::new(text(value)?).ok());
    let description = fields.optional("description", "description", &description_rule(), |value| {
        Description::new(text(value)?).ok()
    });
    let provider_ids = fields.required("providerIds", "providerIds", PROVIDERS_RULE, providers);
    let max_stamp_claims =
        fields.required("maxStampClaims", "maxStampClaims", &stamp_limit_rule(), |value| {
            StampLimit::new(integer(value)?).ok()
        });
    let target_platform =
        fields.optional("targetPlatform", "targetPlatform", PLATFORM_RULE, platform);
    let allow_duplicate_participation = fields.optional(
        "allowDuplicateParticipation",
        "allowDuplicateParticipation",
        "true or false",
        Value::as_bool,
    );
    let host_name = fields.required("hostName", "hostName", &host_name_rule(), |value| {
        AppName::new(text(value)?).ok()
    });
    let payload = || {
        Some(Payload {
            title: title?.into_string(),
            description: description?.map(Description::into_string),
            provider_ids: provider_ids?,
            max_stamp_claims: max_stamp_claims?.get(),
            target_platform: target_platform?,
            allow_duplicate_participation: allow_duplicate_participation?,
        })
    };
    let made = payload().zip(host_name.map(AppName::into_string));
    fields.finish(made)
}

const PROVIDERS_RULE: &str =
    "an array of at least one provider id (1 to 64 characters of a-z, 0-9 and -)";

fn host_name_rule() -> String {
    format!("a text of at most {} characters, without U+0000", AppName::LONGEST)
}

/// At least one provider, each once; the ids need not be in anybody's catalogue.
fn providers(value: &Value) -> Option<Vec<ProviderId>> {
    let mut ids: Vec<ProviderId> = Vec::new();
    for id in texts(value)? {
        let id = id.parse().ok()?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    (!ids.is_empty()).then_some(ids)
}
