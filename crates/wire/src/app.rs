//! Apps: bodies of the app endpoints and how they are read (§11).

use std::collections::BTreeMap;

use domain::app::{App as Record, AppName, RedirectUri};
use domain::logo::Logo;
use domain::{Environment, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::Moment;
use crate::error::{ErrorBody, FieldError};
use crate::fields::{Fields, text, texts};
use crate::webhook::{UpdateWebhookConfig, WebhookConfig};

/// An app (§11).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct App {
    /// The app's permanent id in the API.
    #[schema(example = "FK5b0KSM")]
    pub client_id: String,
    /// The last four characters of the secret. The whole secret is shown only when it is created.
    #[schema(example = "****1a2b")]
    pub client_secret: String,
    /// The display name. Testers see it as the host of the app's challenges.
    #[schema(example = "Acme Bank")]
    pub name: String,
    /// The logo: a data URL with a PNG, JPEG or SVG image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub logo: Option<String>,
    /// The redirect URIs.
    pub redirect_uris: Vec<String>,
    /// Where a tester may go on after a stamp.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub default_success_redirect_uri: Option<String>,
    /// Where a tester may go on after a participation without a stamp.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub default_failure_redirect_uri: Option<String>,
    /// The requested providers, by id.
    pub providers: BTreeMap<String, AppProvider>,
    /// The id of the workspace that the app belongs to.
    #[schema(example = "org_4rBKfb3K7Jyz9fUDzbOH")]
    pub organization_id: String,
    /// The webhook's configuration, without its secret.
    pub webhook_config: WebhookConfig,
    /// Always `default`: fieldtest has no workflows.
    pub default_workflow_id: String,
    /// One empty workflow: fieldtest runs none, and the published schema requires one.
    pub workflows: Vec<Workflow>,
    /// When the app was created.
    pub created_at: Moment,
    /// When the app last changed.
    pub updated_at: Moment,
}

/// The state of a provider that an app has requested (§11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AppProvider {
    /// Whether the app can use the provider. If not, it awaits the operator's approval.
    pub enabled: bool,
}

impl App {
    /// The body for this app, without a logo and default redirect URIs. `client_secret` is the whole secret or its redacted form.
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
            logo: None,
            redirect_uris,
            default_success_redirect_uri: None,
            default_failure_redirect_uri: None,
            providers: enabled.chain(requested).collect(),
            organization_id: workspace_id.as_str().to_owned(),
            webhook_config: WebhookConfig::default(),
            default_workflow_id: "default".to_owned(),
            workflows: vec![Workflow::empty(name)],
            created_at: (*created_at).into(),
            updated_at: updated_at.into(),
        }
    }
}

/// A workflow of an app (§11). fieldtest runs none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AppWorkflow)]
pub struct Workflow {
    /// Always `default`.
    pub workflow_id: String,
    /// The app's name.
    pub name: String,
    /// Always `start`.
    pub entry_node_id: String,
    /// Always empty.
    pub nodes: Vec<Value>,
}

impl Workflow {
    fn empty(name: &str) -> Self {
        Self {
            workflow_id: "default".into(),
            name: name.to_owned(),
            entry_node_id: "start".into(),
            nodes: Vec::new(),
        }
    }
}

/// A redirect URI: absolute, with a host, without a user and a fragment; in production https (§11).
#[derive(ToSchema)]
#[schema(
    as = RedirectUri,
    max_length = 2048,
    pattern = r"^[A-Za-z][A-Za-z0-9+.-]*://[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?([/?][!$-;=?-\[\]_a-z~]*)?$",
    example = "https://bank.example/back"
)]
pub struct RedirectUriText(
    #[expect(dead_code, reason = "describes a string in the OpenAPI document")] String,
);

/// A default redirect URI: as a redirect URI is; or empty, for none (§11).
#[derive(ToSchema)]
#[schema(
    as = DefaultRedirectUri,
    max_length = 2048,
    pattern = r"^([A-Za-z][A-Za-z0-9+.-]*://[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?([/?][!$-;=?-\[\]_a-z~]*)?)?$",
    example = "https://bank.example/thanks"
)]
pub struct DefaultRedirectUriText(
    #[expect(dead_code, reason = "describes a string in the OpenAPI document")] String,
);

/// A logo: a data URL with a PNG, JPEG or SVG image in base64, at most 64 KiB; or empty, for none (§11).
#[derive(ToSchema)]
#[schema(
    as = Logo,
    max_length = 65_536,
    pattern = r"^((data:image/png;base64,iVBORw0KGg[o-r][A-Za-z0-9+/]|data:image/jpeg;base64,/9j/|data:image/svg\+xml;base64,(PHN2Z[w-z0-9+/][A-Za-z0-9+/]{2}|PD94bW[w-z][A-Za-z0-9+/]))([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?)?$",
    example = "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciLz4="
)]
pub struct LogoText(
    #[expect(dead_code, reason = "describes a string in the OpenAPI document")] String,
);

/// A page of a workspace's apps (§11).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AppPage {
    /// The apps on this page, oldest first.
    pub data: Vec<App>,
    /// The number of apps on all pages.
    pub total: u64,
    /// The maximum number of apps on a page.
    pub limit: u32,
    /// The number of apps before this page.
    pub offset: u64,
}

/// A change of an app (§11). Omitted fields do not change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UpdateApp {
    /// The new name: 1 to 100 characters.
    #[schema(
        required = false,
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\u0000]*[^\s\u0000-\u001f\u007f-\u009f\ufeff][^\u0000]*$",
        example = "Acme Bank"
    )]
    pub name: Option<String>,
    /// The redirect URIs: at most 20. Repetitions are dropped.
    #[schema(required = false, max_items = 20, value_type = Option<Vec<RedirectUriText>>)]
    pub redirect_uris: Option<Vec<String>>,
    /// The logo. An empty text removes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = Option<LogoText>)]
    pub logo: Option<String>,
    /// Where a tester may go on after a stamp. An empty text removes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = Option<DefaultRedirectUriText>)]
    pub default_success_redirect_uri: Option<String>,
    /// Where a tester may go on after a participation without a stamp. An empty text removes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = Option<DefaultRedirectUriText>)]
    pub default_failure_redirect_uri: Option<String>,
    /// A change of the webhook's configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = Option<UpdateWebhookConfig>)]
    pub webhook_config: Option<Map<String, Value>>,
}

/// A new app (§11).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateApp {
    /// The name: 1 to 100 characters. Testers see it as the host of the app's challenges.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\u0000]*[^\s\u0000-\u001f\u007f-\u009f\ufeff][^\u0000]*$",
        example = "Acme Bank"
    )]
    pub name: String,
    /// The redirect URIs: at most 20. Repetitions are dropped.
    #[schema(required = false, max_items = 20, value_type = Option<Vec<RedirectUriText>>)]
    pub redirect_uris: Option<Vec<String>>,
    /// The logo. An empty text removes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = Option<LogoText>)]
    pub logo: Option<String>,
    /// Where a tester may go on after a stamp. An empty text removes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = Option<DefaultRedirectUriText>)]
    pub default_success_redirect_uri: Option<String>,
    /// Where a tester may go on after a participation without a stamp. An empty text removes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = Option<DefaultRedirectUriText>)]
    pub default_failure_redirect_uri: Option<String>,
    /// The webhook's configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = Option<UpdateWebhookConfig>)]
    pub webhook_config: Option<Map<String, Value>>,
}

/// A batch of new apps (§11).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateApps {
    /// The apps: 1 to 100.
    #[schema(min_items = 1, max_items = 100, value_type = Vec<CreateAppItem>)]
    pub items: Vec<Map<String, Value>>,
    /// Whether to continue after an app that cannot be created. The default is false.
    #[schema(required = false)]
    pub continue_on_error: Option<bool>,
}

/// One app of a batch (§11). Its errors are reported in its result.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes an item in the OpenAPI document; each is read separately")]
pub struct CreateAppItem {
    /// The name: 1 to 100 characters. Testers see it as the host of the app's challenges.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"[^\s\u0000-\u001f\u007f-\u009f\ufeff]",
        example = "Acme Bank"
    )]
    name: String,
    /// The redirect URIs: at most 20. Repetitions are dropped.
    #[schema(required = false, max_items = 20)]
    redirect_uris: Option<Vec<RedirectUriText>>,
    /// The logo.
    #[schema(required = false)]
    logo: Option<LogoText>,
    /// Where a tester may go on after a stamp.
    #[schema(required = false)]
    default_success_redirect_uri: Option<DefaultRedirectUriText>,
    /// Where a tester may go on after a participation without a stamp.
    #[schema(required = false)]
    default_failure_redirect_uri: Option<DefaultRedirectUriText>,
    /// The webhook's configuration.
    #[schema(required = false)]
    webhook_config: Option<UpdateWebhookConfig>,
    /// Like the header `Idempotency-Key`, for this app only.
    #[schema(required = false, min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}

/// The result of a batch (§11).
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CreateAppsResult)]
pub struct CreatedApps {
    /// A result for each attempted item, in their order.
    pub results: Vec<CreatedApp>,
    /// The number of apps created by this request or an earlier one with the same key.
    pub success_count: u32,
    /// The number of apps that could not be created.
    pub error_count: u32,
}

/// The result of one app of a batch: `app` or `error` (§11).
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CreateAppResult)]
pub struct CreatedApp {
    /// The app, with its whole secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub app: Option<App>,
    /// Why the app could not be created.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub error: Option<ErrorBody>,
    /// The item's idempotency key; null if it had none.
    #[schema(required = true)]
    pub idempotency_key: Option<String>,
}

/// The redirect URIs of an app (§11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AppRedirectUris)]
pub struct RedirectUris {
    /// The redirect URIs: at most 20. Repetitions are dropped.
    #[schema(max_items = 20, value_type = Vec<RedirectUriText>)]
    pub redirect_uris: Vec<String>,
}

/// A new client secret, which is shown once (§11).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClientSecret {
    /// The secret: 64 hexadecimal digits.
    pub client_secret: String,
}

const REDIRECT_URIS_RULE: &str = "a list of at most 20 absolute URIs with a host, without a user and a fragment, in production https, \
     such as \"https://bank.example/back\"";

/// Reads the optional member `redirectUris`. `None` if it is invalid.
fn read_redirect_uris_member(
    fields: &mut Fields<'_>,
    environment: Environment,
) -> Option<Option<Vec<String>>> {
    fields.optional("redirectUris", "redirectUris", REDIRECT_URIS_RULE, |value| {
        let uris = texts(value).filter(|uris| uris.len() <= RedirectUri::MAX_PER_APP)?;
        let mut checked: Vec<String> = Vec::with_capacity(uris.len());
        for uri in uris {
            let uri = RedirectUri::new(&uri, environment).ok()?.into_string();
            if !checked.contains(&uri) {
                checked.push(uri);
            }
        }
        Some(checked)
    })
}

/// Reads an optional default redirect URI, which may be empty. `None` if it is invalid.
fn read_default_redirect_uri(
    fields: &mut Fields<'_>,
    name: &'static str,
    environment: Environment,
) -> Option<Option<String>> {
    const RULE: &str = "an absolute URI with a host, without a user and a fragment, in production \
        https, such as \"https://bank.example/thanks\"; or empty, for none";
    fields.optional(name, name, RULE, |value| match text(value)? {
        empty if empty.is_empty() => Some(empty),
        uri => RedirectUri::new(&uri, environment).ok().map(RedirectUri::into_string),
    })
}

/// Reads the optional member `logo`, which may be empty. `None` if it is invalid.
fn read_logo(fields: &mut Fields<'_>) -> Option<Option<String>> {
    const RULE: &str = "a data URL of at most 64 KiB with a PNG, JPEG or SVG image in base64, such as \
        \"data:image/png;base64,…\"; or empty, for none";
    fields.optional("logo", "logo", RULE, |value| match text(value)? {
        empty if empty.is_empty() => Some(empty),
        logo => Logo::new(logo).ok().map(Logo::into_string),
    })
}

/// The names of the members with default redirect URIs.
const SUCCESS: &str = "defaultSuccessRedirectUri";
const FAILURE: &str = "defaultFailureRedirectUri";

/// Reads the optional member `webhookConfig`, whose own members are read by the crate that knows where
/// deliveries may go.
fn read_webhook_member(fields: &mut Fields<'_>) -> Option<Option<Map<String, Value>>> {
    const NAME: &str = "webhookConfig";
    fields.optional(NAME, NAME, "an object", |value| value.as_object().cloned())
}

/// Reads a new app.
///
/// # Errors
/// One error per invalid field.
pub fn read_app(
    body: &Map<String, Value>,
    environment: Environment,
) -> Result<CreateApp, Vec<FieldError>> {
    let mut fields = Fields::of(body);
    let name = fields.required("name", "name", &name_rule(), read_name);
    let uris = read_redirect_uris_member(&mut fields, environment);
    let logo = read_logo(&mut fields);
    let success = read_default_redirect_uri(&mut fields, SUCCESS, environment);
    let failure = read_default_redirect_uri(&mut fields, FAILURE, environment);
    let webhook = read_webhook_member(&mut fields);
    let app = || {
        Some(CreateApp {
            name: name?,
            redirect_uris: uris?,
            logo: logo?,
            default_success_redirect_uri: success?,
            default_failure_redirect_uri: failure?,
            webhook_config: webhook?,
        })
    };
    let app = app();
    fields.finish(app)
}

/// Reads a batch of new apps. [`read_app`] reads each item.
///
/// # Errors
/// One error per invalid field of the batch itself.
pub fn read_apps(body: &Map<String, Value>) -> Result<CreateApps, Vec<FieldError>> {
    let mut fields = Fields::of(body);
    let rule = format!("a list of 1 to {MAX_BATCH_SIZE} apps");
    let items = fields.required("items", "items", &rule, |value| {
        let items = value.as_array().filter(|items| items.len() <= MAX_BATCH_SIZE)?;
        items.iter().map(|item| item.as_object().cloned()).collect::<Option<Vec<_>>>()
    });
    let rule = "true or false";
    let continue_on_error =
        fields.optional("continueOnError", "continueOnError", rule, Value::as_bool);
    let batch = items
        .zip(continue_on_error)
        .map(|(items, continue_on_error)| CreateApps { items, continue_on_error });
    fields.finish(batch)
}

/// The maximum number of apps in a batch.
const MAX_BATCH_SIZE: usize = 100;

fn name_rule() -> String {
    format!("text of 1 to {} characters that is not blank", AppName::MAX_LENGTH)
}

fn read_name(value: &Value) -> Option<String> {
    AppName::new(text(value)?).ok().map(AppName::into_string)
}

/// Reads a change of an app. Unknown members are ignored, so are the client id and the secret,
/// which cannot be changed.
///
/// # Errors
/// One error per invalid field.
pub fn read_update(
    body: &Map<String, Value>,
    environment: Environment,
) -> Result<UpdateApp, Vec<FieldError>> {
    let mut fields = Fields::of(body);
    let name = fields.optional("name", "name", &name_rule(), read_name);
    let uris = read_redirect_uris_member(&mut fields, environment);
    let logo = read_logo(&mut fields);
    let success = read_default_redirect_uri(&mut fields, SUCCESS, environment);
    let failure = read_default_redirect_uri(&mut fields, FAILURE, environment);
    let webhook = read_webhook_member(&mut fields);
    let change = || {
        Some(UpdateApp {
            name: name?,
            redirect_uris: uris?,
            logo: logo?,
            default_success_redirect_uri: success?,
            default_failure_redirect_uri: failure?,
            webhook_config: webhook?,
        })
    };
    let change = change();
    fields.finish(change)
}

/// Reads the redirect URIs of an app.
///
/// # Errors
/// One error per invalid field.
pub fn read_redirect_uris(
    body: &Map<String, Value>,
    environment: Environment,
) -> Result<RedirectUris, Vec<FieldError>> {
    let mut fields = Fields::of(body);
    // `required` would refuse the empty list, which removes all redirect URIs.
    let uris = read_redirect_uris_member(&mut fields, environment);
    if uris == Some(None) {
        fields.refuse(FieldError::missing(
            "redirectUris",
            format!("redirectUris is required: it must be {REDIRECT_URIS_RULE}."),
        ));
    }
    fields.finish(uris.flatten().map(|redirect_uris| RedirectUris { redirect_uris }))
}
