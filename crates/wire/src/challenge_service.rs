//! The request body that schedules a challenge at the challenge service (§10).

use domain::Environment;
use domain::ProviderId;
use domain::app::{AppName, RedirectUri};
use domain::challenge::{Host, ReturnUris};
use domain::production_test::{Description, Payload, StampLimit};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::Moment;
use crate::error::FieldError;
use crate::fields::{Fields, integer, text, texts};
use crate::production_test::{
    self, MOMENT_RULE, Platform, read_allow_duplicates, read_description, read_target_platform,
    read_title, stamp_limit_rule,
};

/// The challenge to create for a challenge request (§10).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleChallenge {
    /// The title of the production test.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\u0000]*[^\s\u0000-\u001f\u007f-\u009f\ufeff][^\u0000]*$",
        example = "BankID SE Test"
    )]
    pub title: String,
    /// Instructions for testers.
    #[serde(default)]
    #[schema(max_length = 1000, pattern = r"^[^\u0000]*$")]
    pub description: Option<String>,
    /// The providers under test, without repetitions.
    #[schema(value_type = Vec<ProviderIdText>, min_items = 1, example = json!(["bankidse"]))]
    pub provider_ids: Vec<String>,
    /// How many stamps the challenge grants.
    #[schema(minimum = 1, maximum = 2_147_483_647, example = 3)]
    pub max_stamp_claims: u32,
    /// The only platform that can take part; null means all.
    #[serde(default)]
    pub target_platform: Option<Platform>,
    /// Whether one person can hold several stamps for one provider.
    #[serde(default)]
    pub allow_duplicate_participation: Option<bool>,
    /// When the challenge expires; null means at 23:59:59 UTC of the seventh day from now.
    #[serde(default)]
    pub expires_at: Option<Moment>,
    /// The app's name. Testers see it as the host.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\u0000]*[^\s\u0000-\u001f\u007f-\u009f\ufeff][^\u0000]*$",
        example = "Acme Bank"
    )]
    pub host_name: String,
    /// Where a tester may go on after a stamp.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::app::RedirectUriText>)]
    pub default_success_redirect_uri: Option<String>,
    /// Where a tester may go on after a participation without a stamp.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::app::RedirectUriText>)]
    pub default_failure_redirect_uri: Option<String>,
}

/// A provider's id in the catalogue.
#[derive(ToSchema)]
#[schema(as = ProviderId, value_type = String, pattern = "^[a-z0-9-]{1,64}$", example = "bankidse")]
#[expect(dead_code, reason = "describes a string in the OpenAPI document")]
pub struct ProviderIdText(String);

impl ScheduleChallenge {
    /// The body for a challenge with this payload.
    #[must_use]
    pub fn new(payload: &Payload, host: &Host) -> Self {
        let production_test::Payload {
            title,
            description,
            provider_ids,
            max_stamp_claims,
            target_platform,
            allow_duplicate_participation,
            expires_at,
        } = payload.into();
        Self {
            title,
            description,
            provider_ids,
            max_stamp_claims,
            target_platform,
            allow_duplicate_participation,
            expires_at,
            host_name: host.name.clone(),
            default_success_redirect_uri: host.return_uris.success.clone(),
            default_failure_redirect_uri: host.return_uris.failure.clone(),
        }
    }
}

/// Reads the payload and the host.
///
/// # Errors
/// One error per invalid field.
pub fn read_schedule(body: &Map<String, Value>) -> Result<(Payload, Host), Vec<FieldError>> {
    let mut fields = Fields::of(body);
    let title = read_title(&mut fields);
    let description = read_description(&mut fields);
    let provider_ids = fields.required("providerIds", "providerIds", PROVIDERS_RULE, providers);
    let max_stamp_claims =
        fields.required("maxStampClaims", "maxStampClaims", &stamp_limit_rule(), |value| {
            StampLimit::new(integer(value)?).ok()
        });
    let target_platform = read_target_platform(&mut fields);
    let allow_duplicate_participation = read_allow_duplicates(&mut fields);
    let expires_at = fields
        .optional("expiresAt", "expiresAt", MOMENT_RULE, |value| value.as_str()?.parse().ok());
    let host_name = fields.required("hostName", "hostName", &host_name_rule(), |value| {
        AppName::new(text(value)?).ok()
    });
    let success = read_return_uri(&mut fields, "defaultSuccessRedirectUri");
    let failure = read_return_uri(&mut fields, "defaultFailureRedirectUri");
    let payload = || {
        Some(Payload {
            title: title?.into_string(),
            description: description?.map(Description::into_string),
            provider_ids: provider_ids?,
            max_stamp_claims: max_stamp_claims?.get(),
            target_platform: target_platform?,
            allow_duplicate_participation: allow_duplicate_participation?,
            expires_at: expires_at?,
        })
    };
    let host = || {
        let return_uris = ReturnUris { success: success?, failure: failure? };
        Some(Host { name: host_name?.into_string(), return_uris })
    };
    let schedule = payload().zip(host());
    fields.finish(schedule)
}

/// Reads where testers may go on. Whatever the app's own API has accepted is accepted, so the rules are
/// those of a sandbox: an order must not fail because two servers differ.
fn read_return_uri(fields: &mut Fields<'_>, name: &'static str) -> Option<Option<String>> {
    fields.optional(name, name, "a redirect URI", |value| {
        RedirectUri::new(&text(value)?, Environment::Sandbox).ok().map(RedirectUri::into_string)
    })
}

const PROVIDERS_RULE: &str =
    "an array of at least one provider id (1 to 64 characters of a-z, 0-9 and -)";

fn host_name_rule() -> String {
    format!("a text of at most {} characters, without U+0000", AppName::MAX_LENGTH)
}

/// At least one provider, without repetitions. The catalogue need not contain the ids: the
/// catalogue of the Workspace API may be newer than this one.
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
