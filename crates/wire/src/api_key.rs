//! API keys of a workspace: the bodies to list and create them (§11).

use domain::Timestamp;
use domain::api_key::{Access, ApiKey as Record};
use domain::production_test::is_blank;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::Moment;
use crate::error::FieldError;
use crate::fields::{Fields, text};
use crate::production_test::MOMENT_RULE;

/// The largest length of a key's name, in characters.
const MAX_NAME: usize = 100;

/// An API key of the workspace, without its secret (§11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiKey {
    /// The id: `key_` and a UUID.
    #[schema(example = "key_019d6c8b-6c00-7b1e-8f1a-0c3d5b6e7f8a")]
    pub id: String,
    /// What it is for.
    #[schema(example = "CI")]
    pub name: String,
    /// What it may do.
    pub access: KeyAccess,
    /// When it was created.
    pub created_at: Moment,
    /// When it expires; null if it does not.
    #[schema(required = true)]
    pub expires_at: Option<Moment>,
    /// When it was last used, to about a minute; null if it never was.
    #[schema(required = true)]
    pub last_used_at: Option<Moment>,
}

/// A new API key (§11).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreatedApiKey {
    /// The key.
    #[serde(flatten)]
    pub key: ApiKey,
    /// The secret, which is shown only here.
    #[schema(example = "sk_workspace_test_…")]
    pub secret: String,
}

/// What an API key may do (§2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyAccess {
    /// Read and write.
    Full,
    /// Read only.
    ReadOnly,
}

impl From<Access> for KeyAccess {
    fn from(access: Access) -> Self {
        match access {
            Access::Full => Self::Full,
            Access::ReadOnly => Self::ReadOnly,
        }
    }
}

impl From<&Record> for ApiKey {
    fn from(key: &Record) -> Self {
        let Record {
            id,
            workspace_id: _,
            name,
            access,
            created_at,
            expires_at,
            revoked_at: _,
            last_used_at,
        } = key;
        Self {
            id: id.to_string(),
            name: name.clone(),
            access: (*access).into(),
            created_at: (*created_at).into(),
            expires_at: expires_at.map(Moment::from),
            last_used_at: last_used_at.map(Moment::from),
        }
    }
}

/// A request to create an API key (§11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({ "name": "CI", "access": "read_only" }))]
pub struct CreateApiKey {
    /// What it is for: at most 100 characters, not blank.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\u0000]*[^\s\u0000-\u001f\u007f-\u009f\ufeff][^\u0000]*$"
    )]
    pub name: String,
    /// What it may do. Omitted means `full`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<KeyAccess>,
    /// When it expires, in the future. Omitted means never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Moment>,
}

/// A new key's name, its access, and when it expires.
pub type NewKey = (String, Access, Option<Timestamp>);

/// Reads a request to create an API key at `now`.
///
/// # Errors
/// One error per invalid field.
pub fn read_create_key(
    body: &Map<String, Value>,
    now: Timestamp,
) -> Result<NewKey, Vec<FieldError>> {
    let mut fields = Fields::of(body);
    let name_rule = format!("a text of at most {MAX_NAME} characters, without U+0000");
    let name = fields.required("name", "name", &name_rule, |value| {
        let name = text(value)?;
        let fits = name.chars().count() <= MAX_NAME && !name.contains('\0') && !is_blank(&name);
        fits.then_some(name)
    });
    let access = fields.optional("access", "access", "\"full\" or \"read_only\"", |value| {
        value.as_str().and_then(Access::from_name)
    });
    let end_rule = format!("{MOMENT_RULE}, in the future");
    let expires_at = fields.optional("expiresAt", "expiresAt", &end_rule, |value| {
        value.as_str()?.parse().ok().filter(|end| *end > now)
    });
    let key = || Some((name?, access?.unwrap_or(Access::Full), expires_at?));
    let key = key();
    fields.finish(key)
}

/// A link that signs in to the console once (§14).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConsoleLink {
    /// The link. Whoever opens it first is signed in.
    pub url: String,
    /// When it expires.
    pub expires_at: Moment,
}
