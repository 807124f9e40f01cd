//! Parses the verifiers' file (§13), with errors that name the line.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use domain::text::without_byte_order_mark;
use domain::{Environment, ProviderId};
use openid_connect::{
    Algorithm, AssertionAudience, ClientAuthentication, Configuration, PushedAuthorization,
    RelyingParty, Secret,
};
use serde::Deserialize;
use toml::Spanned;

use super::{CALLBACK_PATH, Verifier, VerifierContext};

/// Why a file is not valid. It shows no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct VerifiersError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong and what is expected.
    pub message: String,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
enum Table {
    Simulator {},
    External { url: String },
    Oidc(Box<OpenIdConnect>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenIdConnect {
    issuer: String,
    client_id: String,
    #[serde(default)]
    client_auth: ClientAuth,
    client_secret_env: Option<String>,
    client_secret_file: Option<PathBuf>,
    #[serde(default)]
    private_key_file: Vec<PathBuf>,
    client_assertion_audience: Option<Audience>,
    #[serde(default)]
    decryption_key_file: Vec<PathBuf>,
    scopes: Option<Vec<String>>,
    #[serde(default)]
    acr_values: Vec<String>,
    #[serde(default)]
    accepted_acr: Vec<String>,
    prompt: Option<String>,
    login_hint: Option<String>,
    #[serde(default)]
    extra: BTreeMap<String, String>,
    subject_claim: Option<String>,
    #[serde(default)]
    userinfo: bool,
    #[serde(default)]
    par: Par,
    signing_algorithms: Option<Vec<String>>,
    ca_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ClientAuth {
    #[default]
    None,
    ClientSecretBasic,
    ClientSecretPost,
    PrivateKeyJwt,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Audience {
    Issuer,
    TokenEndpoint,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Par {
    #[default]
    Auto,
    Required,
    Off,
}

pub(super) fn parse(
    text: &str,
    context: &VerifierContext<'_>,
) -> Result<BTreeMap<ProviderId, Verifier>, VerifiersError> {
    let fail = |span: Range<usize>, message: String| VerifiersError {
        line: line_of(text, span.start),
        message,
    };
    let mut tables: BTreeMap<Spanned<String>, Spanned<Table>> = toml::from_str(text)
        .map_err(|error| fail(error.span().unwrap_or_default(), error.message().to_owned()))?;
    share_decryption_keys(tables.values_mut().map(Spanned::get_mut));
    let mut verifiers = BTreeMap::new();
    for (name, table) in tables {
        let span = name.span();
        let id: ProviderId = name
            .as_ref()
            .parse()
            .ok()
            .filter(|id: &ProviderId| context.catalogue.get(id.as_str()).is_some())
            .ok_or_else(|| {
                fail(span.clone(), format!("the catalogue has no provider {:?}", name.as_ref()))
            })?;
        let verifier = verifier(table.into_inner(), context)
            .map_err(|message| fail(span, format!("[{id}] {message}")))?;
        verifiers.insert(id, verifier);
    }
    Ok(verifiers)
}

/// Lets each provider that encrypts use the key of any other: all of them read one key set, and
/// choose a key there themselves. A table's own keys stay the first.
fn share_decryption_keys<'a>(tables: impl Iterator<Item = &'a mut Table>) {
    let lists = tables.filter_map(|table| match table {
        Table::Oidc(table) => Some(&mut table.decryption_key_file),
        Table::Simulator {} | Table::External { .. } => None,
    });
    let mut lists: Vec<_> = lists.filter(|list| !list.is_empty()).collect();
    let all: Vec<PathBuf> = lists.iter().flat_map(|list| list.iter().cloned()).collect();
    for list in &mut lists {
        for path in &all {
            if !list.contains(path) {
                list.push(path.clone());
            }
        }
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or_default();
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

fn verifier(table: Table, context: &VerifierContext<'_>) -> Result<Verifier, String> {
    let is_production = context.environment == Environment::Production;
    match table {
        Table::Simulator {} if is_production => {
            Err("kind \"simulator\" exists in a sandbox only".into())
        }
        Table::Simulator {} => Ok(Verifier::Simulator),
        Table::External { url } => {
            check_url("url", &url, is_production)?;
            Ok(Verifier::External(url))
        }
        Table::Oidc(table) => {
            check_url("issuer", &table.issuer, is_production)?;
            let public_url = context
                .public_url
                .ok_or("kind \"oidc\" needs --public-url, from which its redirect URI is made")?;
            let redirect_uri = format!("{}{CALLBACK_PATH}", public_url.trim_end_matches('/'));
            let configuration = configuration(*table)?;
            RelyingParty::new(configuration, redirect_uri, context.clock_and_rng.clone())
                .map(|party| Verifier::OpenIdConnect(Arc::new(party)))
                .map_err(|error| error.to_string())
        }
    }
}

/// An address that browsers are sent to: `https`, and `http` in a sandbox.
fn check_url(key: &str, url: &str, is_production: bool) -> Result<(), String> {
    let rest = match url.split_once("://") {
        Some(("https", rest)) => rest,
        Some(("http", rest)) if !is_production => rest,
        _ if is_production => return Err(format!("{key} must begin with https://")),
        _ => return Err(format!("{key} must begin with https:// or http://")),
    };
    let is_plain = rest.chars().all(|part| part.is_ascii_graphic() && !"#\"<>\\".contains(part));
    if is_plain && !rest.is_empty() && !rest.starts_with('/') {
        Ok(())
    } else {
        Err(format!("{key} is no URL without a fragment"))
    }
}

fn configuration(table: OpenIdConnect) -> Result<Configuration, String> {
    let client_authentication = client_authentication(&table)?;
    let assertion_audience = assertion_audience(&table)?;
    let default = Configuration::new(table.issuer, table.client_id);
    let algorithm = |name: &String| {
        Algorithm::from_name(name).ok_or(format!(
            "signing_algorithms: {name:?} is not one of {}",
            Algorithm::ALL.map(Algorithm::as_str).join(", ")
        ))
    };
    let signing_algorithms = match table.signing_algorithms {
        Some(names) => names.iter().map(algorithm).collect::<Result<_, _>>()?,
        None => default.signing_algorithms.clone(),
    };
    let keys = table.decryption_key_file.iter().map(|path| secret("decryption_key_file", path));
    let ca_certificates = match &table.ca_file {
        Some(path) => Some(read("ca_file", path)?),
        None => None,
    };
    Ok(Configuration {
        client_authentication,
        assertion_audience,
        scopes: table.scopes.unwrap_or(default.scopes.clone()),
        acr_values: table.acr_values,
        accepted_acr: table.accepted_acr,
        prompt: table.prompt,
        login_hint: table.login_hint,
        extra: table.extra,
        subject_claim: table.subject_claim.unwrap_or(default.subject_claim.clone()),
        userinfo: table.userinfo,
        pushed_authorization: match table.par {
            Par::Auto => PushedAuthorization::Auto,
            Par::Required => PushedAuthorization::Required,
            Par::Off => PushedAuthorization::Off,
        },
        signing_algorithms,
        decryption_keys: keys.collect::<Result<_, _>>()?,
        ca_certificates,
        ..default
    })
}

fn client_authentication(table: &OpenIdConnect) -> Result<ClientAuthentication, String> {
    let client_secret = || match (&table.client_secret_env, &table.client_secret_file) {
        (Some(variable), None) => std::env::var(variable)
            .map(Secret::new)
            .map_err(|_| format!("client_secret_env: there is no variable {variable}")),
        (None, Some(path)) => secret("client_secret_file", path),
        (None, None) => Err("client_auth needs client_secret_env or client_secret_file".to_owned()),
        (Some(_), Some(_)) => {
            Err("give client_secret_env or client_secret_file, not both".to_owned())
        }
    };
    Ok(match table.client_auth {
        ClientAuth::None => ClientAuthentication::None,
        ClientAuth::ClientSecretBasic => ClientAuthentication::SecretBasic(client_secret()?),
        ClientAuth::ClientSecretPost => ClientAuthentication::SecretPost(client_secret()?),
        ClientAuth::PrivateKeyJwt => {
            let keys = table.private_key_file.iter().map(|path| secret("private_key_file", path));
            ClientAuthentication::PrivateKeyJwt(keys.collect::<Result<_, _>>()?)
        }
    })
}

/// Whom the assertion of `private_key_jwt` is for; elsewhere there is no assertion.
fn assertion_audience(table: &OpenIdConnect) -> Result<AssertionAudience, String> {
    match (table.client_assertion_audience, table.client_auth) {
        (None, _) => Ok(AssertionAudience::default()),
        (Some(Audience::Issuer), ClientAuth::PrivateKeyJwt) => Ok(AssertionAudience::Issuer),
        (Some(Audience::TokenEndpoint), ClientAuth::PrivateKeyJwt) => {
            Ok(AssertionAudience::TokenEndpoint)
        }
        (Some(_), _) => {
            Err("client_assertion_audience needs client_auth = \"private_key_jwt\"".to_owned())
        }
    }
}

/// A secret in a file, without the line break at its end and a byte order mark in front.
fn secret(key: &str, path: &PathBuf) -> Result<Secret, String> {
    let text = read(key, path)?;
    Ok(Secret::new(without_byte_order_mark(&text).trim_end_matches(['\r', '\n'])))
}

fn read(key: &str, path: &PathBuf) -> Result<String, String> {
    fs::read_to_string(path)
        .map_err(|error| format!("{key}: {} cannot be read: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use domain::catalogue::Catalogue;
    use domain::{ManualClock, SeededRandomness, Timestamp};

    use super::*;

    fn parsed(text: &str, environment: Environment) -> Result<usize, String> {
        let clock = ManualClock::at(Timestamp::EPOCH);
        let randomness = SeededRandomness::from_seed(1);
        let clock_and_rng = domain::ClockAndRng::new(Arc::new(clock), Arc::new(randomness));
        let context = VerifierContext {
            environment,
            catalogue: &Catalogue::built_in(),
            public_url: Some("https://test.example"),
            clock_and_rng: &clock_and_rng,
        };
        parse(text, &context).map(|it| it.len()).map_err(|error| error.to_string())
    }

    #[test]
    fn each_kind_is_read() {
        let text = "[bankidse]\nkind = \"simulator\"\n\n[smartid]\nkind = \"external\"\n\
            url = \"https://bank.example/login\"\n\n[mitid]\nkind = \"oidc\"\n\
            issuer = \"https://broker.example\"\nclient_id = \"fieldtest\"\n\
            acr_values = [\"high\"]\nextra = { ui_locales = \"en\" }\npar = \"required\"\n";
        assert_eq!(parsed(text, Environment::Sandbox), Ok(3));
        assert_eq!(parsed(&format!("\u{feff}{text}"), Environment::Sandbox), Ok(3));
    }

    #[test]
    fn a_secret_has_no_byte_order_mark_and_no_line_break() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "\u{feff}hunter2\r\n").unwrap();
        let secret = secret("client_secret_file", &file.path().to_owned()).unwrap();
        assert_eq!(secret, Secret::new("hunter2"));
    }

    #[test]
    fn mistakes_name_their_line_and_no_secret() {
        for (text, line, part) in [
            ("\n[nobody]\nkind = \"simulator\"\n", 2, "no provider"),
            ("[mitid]\nkind = \"saml\"\n", 2, "saml"),
            ("[mitid]\nkind = \"oidc\"\nclient_id = \"x\"\n", 1, "issuer"),
            ("[mitid]\nkind = \"external\"\nurl = \"http://x.example\"\n", 1, "https://"),
            ("[mitid]\nkind = \"simulator\"\n", 1, "sandbox only"),
            (
                "[mitid]\nkind = \"oidc\"\nissuer = \"https://x.example\"\nclient_id = \"x\"\n\
                 client_auth = \"client_secret_basic\"\n",
                1,
                "client_secret_env",
            ),
            (
                "[mitid]\nkind = \"oidc\"\nissuer = \"https://x.example\"\nclient_id = \"x\"\n\
                 client_secret = \"hunter2\"\n",
                1,
                "client_secret",
            ),
            (
                "[mitid]\nkind = \"oidc\"\nissuer = \"https://x.example\"\nclient_id = \"x\"\n\
                 client_assertion_audience = \"issuer\"\n",
                1,
                "private_key_jwt",
            ),
            (
                "[mitid]\nkind = \"oidc\"\nissuer = \"https://x.example\"\nclient_id = \"x\"\n\
                 signing_algorithms = [\"HS256\"]\n",
                1,
                "HS256",
            ),
        ] {
            let error = parsed(text, Environment::Production).unwrap_err();
            assert!(error.starts_with(&format!("line {line}")), "{text}: {error}");
            assert!(error.contains(part) && !error.contains("hunter2"), "{text}: {error}");
        }
    }
}
