//! Reading a catalogue from a TOML file, with errors that name the line (§11).

use std::collections::HashMap;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::{Activation, AssuranceLevel, FlowType, Provider, ProviderType};
use crate::{Environment, ProviderId};

/// Why a file is no catalogue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct CatalogueError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong there, and what would be right.
    pub message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    provider: Vec<Spanned<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: Spanned<String>,
    name: Spanned<String>,
    description: String,
    #[serde(default)]
    logo_url: String,
    countries: Spanned<Vec<String>>,
    flow_types: Vec<FlowType>,
    scopes: Vec<String>,
    loa: Vec<AssuranceLevel>,
    default_loa: Spanned<AssuranceLevel>,
    #[serde(rename = "type")]
    kind: Spanned<u8>,
    environments: Spanned<Vec<Environment>>,
    activation: Activation,
}

pub(super) fn parse(text: &str) -> Result<Vec<Provider>, CatalogueError> {
    let fail = |span: Range<usize>, message: String| CatalogueError {
        line: line_of(text, span.start),
        message,
    };
    let file: File = toml::from_str(text)
        .map_err(|error| fail(error.span().unwrap_or_default(), error.message().to_owned()))?;
    if file.provider.is_empty() {
        return Err(fail(0..0, "there is no [[provider]]: a catalogue has at least one".into()));
    }
    let mut providers = Vec::with_capacity(file.provider.len());
    let mut lines = HashMap::new();
    for entry in file.provider {
        let entry = entry.into_inner();
        let id_span = entry.id.span();
        let provider = check(entry).map_err(|(span, message)| fail(span, message))?;
        let line = line_of(text, id_span.start);
        if let Some(first) = lines.insert(provider.id.clone(), line) {
            return Err(fail(
                id_span,
                format!("the id {:?} stands on line {first} already", provider.id.as_str()),
            ));
        }
        providers.push(provider);
    }
    Ok(providers)
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or_default();
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

fn check(entry: Entry) -> Result<Provider, (Range<usize>, String)> {
    let Entry {
        id,
        name,
        description,
        logo_url,
        countries,
        flow_types,
        scopes,
        loa,
        default_loa,
        kind,
        environments,
        activation,
    } = entry;
    let id_text = id.get_ref();
    let Ok(provider_id) = id_text.parse::<ProviderId>() else {
        let message = format!("the id {id_text:?} must have 1 to 64 characters of a-z, 0-9 and -");
        return Err((id.span(), message));
    };
    if crate::production_test::is_blank(name.get_ref()) {
        return Err((name.span(), "name must not be blank".into()));
    }
    let is_code =
        |code: &String| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    if let Some(wrong) = countries.get_ref().iter().find(|code| !is_code(code)) {
        return Err((
            countries.span(),
            format!("{wrong:?} is no country: write two capital letters, as in \"SE\""),
        ));
    }
    if !loa.contains(default_loa.get_ref()) {
        return Err((default_loa.span(), "default_loa must be one of loa".into()));
    }
    if environments.get_ref().is_empty() {
        return Err((
            environments.span(),
            "environments must name sandbox, production or both".into(),
        ));
    }
    let kind = match kind.get_ref() {
        1 => ProviderType::Centralized,
        2 => ProviderType::ChipBased,
        3 => ProviderType::Wallet,
        other => {
            let message =
                format!("type {other} is unknown: 1 is centralized, 2 chip-based, 3 a wallet");
            return Err((kind.span(), message));
        }
    };
    Ok(Provider {
        id: provider_id,
        name: name.into_inner(),
        description,
        logo_url,
        countries: countries.into_inner(),
        flow_types,
        scopes,
        assurance_levels: loa,
        default_assurance_level: default_loa.into_inner(),
        kind,
        environments: environments.into_inner(),
        activation,
    })
}

#[cfg(test)]
mod tests {
    use super::super::Catalogue;
    use super::*;

    const VALID: &str = r#"
[[provider]]
id = "bankidse"
name = "BankID SE"
description = "Sweden's"
countries = ["SE"]
flow_types = ["redirect", "qr"]
scopes = ["openid"]
loa = ["high"]
default_loa = "high"
type = 1
environments = ["sandbox", "production"]
activation = "contract"
"#;

    fn refusal(from: &str, to: &str) -> String {
        assert!(VALID.contains(from));
        parse(&VALID.replace(from, to)).unwrap_err().to_string()
    }

    #[test]
    fn the_shipped_catalogue_has_what_the_documentation_promises() {
        let catalogue = Catalogue::built_in();
        let kind = |id| catalogue.get(id).map(|provider| provider.kind);
        for id in [
            "bankidse",
            "no-bankid",
            "mitid",
            "ftn",
            "frejaid",
            "smartid",
            "skmobileid",
            "audkenni",
            "evrotrust",
            "idin",
            "spid-ig",
            "id-austria",
            "singpass",
            "uae-pass",
            "diia",
        ] {
            assert_eq!(kind(id), Some(ProviderType::Centralized), "{id}");
        }
        assert_eq!(kind("passport"), Some(ProviderType::ChipBased));
        assert_eq!(kind("eudi-wallet"), Some(ProviderType::Wallet));
        let licence = catalogue.get("us-mdl").unwrap();
        assert_eq!(
            (licence.kind, &licence.environments[..]),
            (ProviderType::Wallet, &[Environment::Sandbox][..])
        );
    }

    #[test]
    fn a_valid_file_is_read() {
        assert_eq!(parse(VALID).unwrap().len(), 1);
    }

    #[test]
    fn every_error_names_its_line_and_what_would_be_right() {
        assert_eq!(
            refusal("\"bankidse\"", "\"Bank ID\""),
            "line 3: the id \"Bank ID\" must have 1 to 64 characters of a-z, 0-9 and -"
        );
        assert_eq!(refusal("\"BankID SE\"", "\" \""), "line 4: name must not be blank");
        assert_eq!(
            refusal("[\"SE\"]", "[\"Sweden\"]"),
            "line 6: \"Sweden\" is no country: write two capital letters, as in \"SE\""
        );
        assert_eq!(
            refusal("default_loa = \"high\"", "default_loa = \"low\""),
            "line 10: default_loa must be one of loa"
        );
        assert_eq!(
            refusal("type = 1", "type = 4"),
            "line 11: type 4 is unknown: 1 is centralized, 2 chip-based, 3 a wallet"
        );
        assert_eq!(
            refusal("[\"sandbox\", \"production\"]", "[]"),
            "line 12: environments must name sandbox, production or both"
        );
        assert!(refusal("\"qr\"", "\"carrier pigeon\"").starts_with("line 7: "));
        assert!(
            refusal("scopes = [\"openid\"]", "scope = []")
                .starts_with("line 8: unknown field `scope`")
        );
        assert!(refusal("type = 1", "type = ").starts_with("line 11: "));
        assert_eq!(
            parse("").unwrap_err().to_string(),
            "line 1: there is no [[provider]]: a catalogue has at least one"
        );
    }

    #[test]
    fn an_id_stands_once() {
        let twice = format!("{VALID}{VALID}");
        assert_eq!(
            parse(&twice).unwrap_err().to_string(),
            "line 16: the id \"bankidse\" stands on line 3 already"
        );
    }
}
