//! Apps (§11).

use std::collections::BTreeMap;

use domain::Timestamp;
use domain::app::{App as Record, AppName, RedirectUri};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::Moment;
use crate::error::{ErrorBody, FieldError};
use crate::fields::{Fields, text, texts};

/// An app (§11).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct App {
    /// What the API calls it: for good.
    #[schema(example = "FK5b0KSM")]
    pub client_id: String,
    /// The end of its secret. All of it is shown only when it is made.
    #[schema(example = "****1a2b")]
    pub client_secret: String,
    /// Its name for people; testers see it as the host of its challenges.
    #[schema(example = "Acme Bank")]
    pub name: String,
    /// Where its users may be sent back to.
    pub redirect_uris: Vec<String>,
    /// The providers that it wants, by their ids.
    pub providers: BTreeMap<String, AppProvider>,
    /// Whose it is.
    #[schema(example = "org_4rBKfb3K7Jyz9fUDzbOH")]
    pub organization_id: String,
    /// Null: webhooks are not in this version.
    #[schema(required = true)]
    pub webhook_config: Option<Value>,
    /// Always `default`: fieldtest runs no workflows.
    pub default_workflow_id: String,
    /// Always empty: fieldtest runs no workflows.
    pub workflows: Vec<Value>,
    /// When it was made.
    pub created_at: Moment,
    /// When it last changed.
    pub updated_at: Moment,
}

/// How an app stands with a provider that it wants (§11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AppProvider {
    /// Whether it can use it; otherwise it waits for the operator's approval.
    pub enabled: bool,
}

impl App {
    /// An app as it is shown.
    #[must_use]
    pub fn new(
        app: &Record,
        client_secret: String,
        redirect_uris: Vec<String>,
        updated_at: Timestamp,
    ) -> Self {
        let Record {
            workspace_id,
            client_id,
            name,
            enabled_providers,
            requested_providers,
            created_at,
        } = app;
        let enabled = enabled_providers
            .iter()
            .map(|id| (id.as_str().to_owned(), AppProvider { enabled: true }));
        let requested = requested_providers
            .iter()
            .map(|id| (id.as_str().to_owned(), AppProvider { enabled: false }));
        Self {
            client_id: client_id.as_str().to_owned(),
            client_secret,
            name: name.clone(),
            redirect_uris,
            providers: enabled.chain(requested).collect(),
            organization_id: workspace_id.as_str().to_owned(),
            webhook_config: None,
            default_workflow_id: "default".to_owned(),
            workflows: Vec::new(),
            created_at: (*created_at).into(),
            updated_at: updated_at.into(),
        }
    }
}

/// Where an app's users may be sent back to: an absolute URI without a fragment (§11).
#[derive(ToSchema)]
#[schema(
    as = RedirectUri,
    max_length = 2048,
    pattern = r"^[A-Za-z][A-Za-z0-9+.-]*:/*[!$-.0-;=?-\[\]_a-z~][!$-;=?-\[\]_a-z~]*$",
    example = "https://bank.example/back"
)]
pub struct RedirectUriText(#[expect(dead_code, reason = "a schema only")] String);

/// A part of a workspace's apps (§11).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AppPage {
    /// The part, oldest first.
    pub data: Vec<App>,
    /// How many there are in all.
    pub total: u64,
    /// How many there are at most in a part.
    pub limit: u32,
    /// How many come before this part.
    pub offset: u64,
}

/// What is to be different about an app (§11). What is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UpdateApp {
    /// Its new name: 1 to 100 characters.
    #[schema(
        required = false,
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\u0000]*[^\s\u0000-\u001f\u007f-\u009f\ufeff][^\u0000]*$",
        example = "Acme Bank"
    )]
    pub name: Option<String>,
    /// Where its users may be sent back to: at most 100.
    #[schema(required = false, max_items = 100, value_type = Option<Vec<RedirectUriText>>)]
    pub redirect_uris: Option<Vec<String>>,
}

/// An app to be made (§11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateApp {
    /// Its name: 1 to 100 characters. Testers see it as the host of its challenges.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\u0000]*[^\s\u0000-\u001f\u007f-\u009f\ufeff][^\u0000]*$",
        example = "Acme Bank"
    )]
    pub name: String,
    /// Where its users may be sent back to: at most 100.
    #[schema(required = false, max_items = 100, value_type = Option<Vec<RedirectUriText>>)]
    pub redirect_uris: Option<Vec<String>>,
}

/// Many apps to be made (§11).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateApps {
    /// The apps: 1 to 100.
    #[schema(min_items = 1, max_items = 100, value_type = Vec<CreateAppItem>)]
    pub items: Vec<Map<String, Value>>,
    /// Whether to go on after one that cannot be made; false if left out.
    #[schema(required = false)]
    pub continue_on_error: Option<bool>,
}

/// One of many apps to be made (§11). What is wrong with it is said in its result.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "a schema only: each item is read by itself")]
pub struct CreateAppItem {
    /// Its name: 1 to 100 characters. Testers see it as the host of its challenges.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"[^\s\u0000-\u001f\u007f-\u009f\ufeff]",
        example = "Acme Bank"
    )]
    name: String,
    /// Where its users may be sent back to: at most 100.
    #[schema(required = false, max_items = 100)]
    redirect_uris: Option<Vec<RedirectUriText>>,
    /// As the header `Idempotency-Key`, for this app alone.
    #[schema(required = false, min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}

/// What became of many apps (§11).
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CreateAppsResult)]
pub struct CreatedApps {
    /// A result for each item that was tried, in their order.
    pub results: Vec<CreatedApp>,
    /// How many were made, now or earlier under the same key.
    pub success_count: u32,
    /// How many could not be made.
    pub error_count: u32,
}

/// What became of one of many apps: `app` or `error` (§11).
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CreateAppResult)]
pub struct CreatedApp {
    /// The app, with its secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub app: Option<App>,
    /// Why it could not be made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub error: Option<ErrorBody>,
    /// Its idempotency key, if it had one.
    #[schema(required = true)]
    pub idempotency_key: Option<String>,
}

/// Where an app's users may be sent back to (§11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AppRedirectUris)]
pub struct RedirectUris {
    /// At most 100.
    #[schema(max_items = 100, value_type = Vec<RedirectUriText>)]
    pub redirect_uris: Vec<String>,
}

/// A new secret, shown this once (§11).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClientSecret {
    /// 64 hexadecimal digits.
    pub client_secret: String,
}

const REDIRECT_URIS_RULE: &str =
    "a list of at most 100 absolute URIs without a fragment, such as \"https://bank.example/back\"";

fn redirect_uris(value: &Value) -> Option<Vec<String>> {
    let uris = texts(value).filter(|uris| uris.len() <= RedirectUri::MOST)?;
    uris.into_iter().map(|uri| RedirectUri::new(uri).ok().map(RedirectUri::into_string)).collect()
}

/// Reads an app to be made.
///
/// # Errors
/// Every offending field.
pub fn read_app(body: &Map<String, Value>) -> Result<CreateApp, Vec<FieldError>> {
    let mut fields = Fields::of(body);
    let name = fields.required("name", "name", &name_rule(), read_name);
    let uris = fields.optional("redirectUris", "redirectUris", REDIRECT_URIS_RULE, redirect_uris);
    let made = name.zip(uris).map(|(name, redirect_uris)| CreateApp { name, redirect_uris });
    fields.finish(made)
}

/// Reads many apps to be made; each is still to be read by itself.
///
/// # Errors
/// Every offending field.
pub fn read_apps(body: &Map<String, Value>) -> Result<CreateApps, Vec<FieldError>> {
    let mut fields = Fields::of(body);
    let rule = format!("a list of 1 to {MOST_AT_ONCE} apps");
    let items = fields.required("items", "items", &rule, |value| {
        let items = value.as_array().filter(|items| items.len() <= MOST_AT_ONCE)?;
        items.iter().map(|item| item.as_object().cloned()).collect::<Option<Vec<_>>>()
    });
    let rule = "true or false";
    let continue_on_error =
        fields.optional("continueOnError", "continueOnError", rule, Value::as_bool);
    let made = items
        .zip(continue_on_error)
        .map(|(items, continue_on_error)| CreateApps { items, continue_on_error });
    fields.finish(made)
}

/// How many apps can be made at once.
const MOST_AT_ONCE: usize = 100;

fn name_rule() -> String {
    format!("text of 1 to {} characters that is not blank", AppName::LONGEST)
}

fn read_name(value: &Value) -> Option<String> {
    AppName::new(text(value)?).ok().map(AppName::into_string)
}

/// Reads what is to be different about an app. Its client id and secret cannot be changed so; they
/// are ignored.
///
/// # Errors
/// Every offending field.
pub fn read_update(body: &Map<String, Value>) -> Result<UpdateApp, Vec<FieldError>> {
    let mut fields = Fields::of(body);
    let name = fields.optional("name", "name", &name_rule(), read_name);
    let uris = fields.optional("redirectUris", "redirectUris", REDIRECT_URIS_RULE, redirect_uris);
    let made = name.zip(uris).map(|(name, redirect_uris)| UpdateApp { name, redirect_uris });
    fields.finish(made)
}

/// Reads where an app's users may be sent back to.
///
/// # Errors
/// Every offending field.
pub fn read_redirect_uris(body: &Map<String, Value>) -> Result<RedirectUris, Vec<FieldError>> {
    let mut fields = Fields::of(body);
    // An empty list is a list: nobody may be sent back anywhere.
    let uris = fields.optional("redirectUris", "redirectUris", REDIRECT_URIS_RULE, redirect_uris);
    if uris == Some(None) {
        fields.refuse(FieldError::missing(
            "redirectUris",
            format!("redirectUris is required: it must be {REDIRECT_URIS_RULE}."),
        ));
    }
    fields.finish(uris.flatten().map(|redirect_uris| RedirectUris { redirect_uris }))
}
