//! Parses the catalogue file, with errors that name the line (§11).

use std::collections::HashMap;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::{Activation, AssuranceLevel, FlowType, Provider, ProviderType};
use crate::{Environment, ProviderId};

/// Why a file is not a valid catalogue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct CatalogueError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong and what is expected.
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
        return Err(fail(0..0, "there is no [[provider]]: a catalogue needs at least one".into()));
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
                format!("the id {:?} is already defined on line {first}", provider.id.as_str()),
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

/// What is wrong in an entry, and where.
type Mistake = (Range<usize>, String);

fn check(entry: Entry) -> Result<Provider, Mistake> {
    let id = check_id(&entry.id)?;
    check_name(&entry.name)?;
    check_countries(&entry.countries)?;
    check_default_level(&entry.default_loa, &entry.loa)?;
    check_environments(&entry.environments)?;
    let kind = check_type(&entry.kind)?;
    let Entry {
        id: _,
        name,
        description,
        logo_url,
        countries,
        flow_types,
        scopes,
        loa,
        default_loa,
        kind: _,
        environments,
        activation,
    } = entry;
    Ok(Provider {
        id,
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

fn check_id(id: &Spanned<String>) -> Result<ProviderId, Mistake> {
    let text = id.get_ref();
    let message = || format!("the id {text:?} must have 1 to 64 characters of a-z, 0-9 and -");
    text.parse().map_err(|_| (id.span(), message()))
}

fn check_name(name: &Spanned<String>) -> Result<(), Mistake> {
    let is_blank = crate::production_test::is_blank(name.get_ref());
    if is_blank { Err((name.span(), "name must not be blank".into())) } else { Ok(()) }
}

fn check_countries(countries: &Spanned<Vec<String>>) -> Result<(), Mistake> {
    let is_code =
        |code: &&String| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    match countries.get_ref().iter().find(|code| !is_code(code)) {
        None => Ok(()),
        Some(wrong) => Err((
            countries.span(),
            format!("{wrong:?} is not a country code: write two capital letters, as in \"SE\""),
        )),
    }
}

fn check_default_level(
    default: &Spanned<AssuranceLevel>,
    offered: &[AssuranceLevel],
) -> Result<(), Mistake> {
    let is_offered = offered.contains(default.get_ref());
    if is_offered { Ok(()) } else { Err((default.span(), "default_loa must be one of loa".into())) }
}

fn check_environments(environments: &Spanned<Vec<Environment>>) -> Result<(), Mistake> {
    if !environments.get_ref().is_empty() {
        return Ok(());
    }
    Err((environments.span(), "environments must name sandbox, production or both".into()))
}

fn check_type(number: &Spanned<u8>) -> Result<ProviderType, Mistake> {
    match number.get_ref() {
        1 => Ok(ProviderType::Centralized),
        2 => Ok(ProviderType::ChipBased),
        3 => Ok(ProviderType::Wallet),
        other => Err((
            number.span(),
            format!("type {other} is unknown: 1 is centralized, 2 chip-based, 3 a wallet"),
        )),
    }
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
    fn the_built_in_catalogue_has_the_documented_providers() {
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
    fn every_error_names_its_line_and_what_is_expected() {
        assert_eq!(
            refusal("\"bankidse\"", "\"Bank ID\""),
            "line 3: the id \"Bank ID\" must have 1 to 64 characters of a-z, 0-9 and -"
        );
        assert_eq!(refusal("\"BankID SE\"", "\" \""), "line 4: name must not be blank");
        assert_eq!(
            refusal("[\"SE\"]", "[\"Sweden\"]"),
            "line 6: \"Sweden\" is not a country code: write two capital letters, as in \"SE\""
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
            "line 1: there is no [[provider]]: a catalogue needs at least one"
        );
    }

    #[test]
    fn ids_are_unique() {
        let twice = format!("{VALID}{VALID}");
        assert_eq!(
            parse(&twice).unwrap_err().to_string(),
            "line 16: the id \"bankidse\" is already defined on line 3"
        );
    }
}
