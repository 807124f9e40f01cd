//! Which providers a production test can cover (§5).

use std::collections::{BTreeSet, HashSet};

use crate::catalogue::{Catalogue, Provider, ProviderType};
use crate::{Environment, ProviderId};

/// Why a provider cannot be tested (§5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The catalogue does not contain it.
    NotRegistered,
    /// It reads a chip, which production tests do not cover.
    ChipBased,
    /// It is not available in this deployment's environment.
    NotAvailable,
    /// The app has not enabled it.
    NotEnabled,
}

/// A requested provider that cannot be tested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The provider id as requested.
    pub provider_id: String,
    /// The first reason against it.
    pub reason: Reason,
}

/// Why no providers could be selected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SelectionError {
    /// The requested list is empty.
    Empty,
    /// Some requested providers cannot be tested; all of them are named.
    Refused(Vec<Refusal>),
    /// No list was given, and the app has no eligible provider.
    NoneEligible,
}

/// Selects the providers that a test covers: the requested ones without repetitions, in their
/// order, or every eligible one in the order of the catalogue.
///
/// # Errors
/// When the list is empty, when a requested provider is not eligible, or when none is eligible.
pub fn select(
    requested: Option<&[String]>,
    enabled: &BTreeSet<ProviderId>,
    catalogue: &Catalogue,
    environment: Environment,
) -> Result<Vec<ProviderId>, SelectionError> {
    match requested {
        Some([]) => Err(SelectionError::Empty),
        Some(requested) => check_each(requested, enabled, catalogue, environment),
        None => every_eligible(enabled, catalogue, environment),
    }
}

fn check_each(
    requested: &[String],
    enabled: &BTreeSet<ProviderId>,
    catalogue: &Catalogue,
    environment: Environment,
) -> Result<Vec<ProviderId>, SelectionError> {
    let mut seen = HashSet::new();
    let mut selected = Vec::new();
    let mut refusals = Vec::new();
    for id in requested.iter().filter(|id| seen.insert(id.as_str())) {
        let checked = catalogue.get(id).ok_or(Reason::NotRegistered).and_then(|provider| {
            check(provider, enabled, environment).map(|()| provider.id.clone())
        });
        match checked {
            Ok(id) => selected.push(id),
            Err(reason) => refusals.push(Refusal { provider_id: id.clone(), reason }),
        }
    }
    if refusals.is_empty() { Ok(selected) } else { Err(SelectionError::Refused(refusals)) }
}

fn every_eligible(
    enabled: &BTreeSet<ProviderId>,
    catalogue: &Catalogue,
    environment: Environment,
) -> Result<Vec<ProviderId>, SelectionError> {
    let eligible: Vec<ProviderId> = catalogue
        .providers()
        .iter()
        .filter(|provider| check(provider, enabled, environment).is_ok())
        .map(|provider| provider.id.clone())
        .collect();
    if eligible.is_empty() { Err(SelectionError::NoneEligible) } else { Ok(eligible) }
}

/// Of several reasons, the one that is hardest to change comes first: what the catalogue rules out
/// before what the app can enable.
fn check(
    provider: &Provider,
    enabled: &BTreeSet<ProviderId>,
    environment: Environment,
) -> Result<(), Reason> {
    if provider.kind == ProviderType::ChipBased {
        Err(Reason::ChipBased)
    } else if !provider.environments.contains(&environment) {
        Err(Reason::NotAvailable)
    } else if !enabled.contains(&provider.id) {
        Err(Reason::NotEnabled)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn enabled(ids: &[&str]) -> BTreeSet<ProviderId> {
        ids.iter().map(|id| id.parse().unwrap()).collect()
    }

    fn select_in(
        environment: Environment,
        requested: Option<&[&str]>,
        on: &[&str],
    ) -> Result<Vec<String>, SelectionError> {
        let requested: Option<Vec<String>> =
            requested.map(|ids| ids.iter().map(ToString::to_string).collect());
        select(requested.as_deref(), &enabled(on), &Catalogue::built_in(), environment)
            .map(|ids| ids.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn requested_providers_keep_their_order_without_repetitions() {
        let selected = select_in(
            Environment::Sandbox,
            Some(&["mitid", "bankidse", "mitid"]),
            &["bankidse", "mitid"],
        );
        assert_eq!(selected, Ok(vec!["mitid".into(), "bankidse".into()]));
    }

    #[test]
    fn every_ineligible_provider_is_named_with_its_reason() {
        let requested = ["nope", "passport", "us-mdl", "mitid", "bankidse", ""];
        let refused = select_in(Environment::Production, Some(&requested), &["bankidse", "us-mdl"]);
        let refusal = |id: &str, reason| Refusal { provider_id: id.into(), reason };
        assert_eq!(
            refused,
            Err(SelectionError::Refused(vec![
                refusal("nope", Reason::NotRegistered),
                refusal("passport", Reason::ChipBased),
                refusal("us-mdl", Reason::NotAvailable),
                refusal("mitid", Reason::NotEnabled),
                refusal("", Reason::NotRegistered),
            ]))
        );
    }

    #[test]
    fn without_a_list_every_eligible_provider_is_selected() {
        let on = ["mitid", "passport", "bankidse", "us-mdl"];
        assert_eq!(
            select_in(Environment::Production, None, &on),
            Ok(vec!["bankidse".into(), "mitid".into()])
        );
        assert_eq!(
            select_in(Environment::Sandbox, None, &on),
            Ok(vec!["bankidse".into(), "mitid".into(), "us-mdl".into()])
        );
    }

    #[test]
    fn an_empty_list_and_an_app_without_eligible_providers_are_refused() {
        assert_eq!(
            select_in(Environment::Sandbox, Some(&[]), &["mitid"]),
            Err(SelectionError::Empty)
        );
        assert_eq!(
            select_in(Environment::Sandbox, None, &["passport"]),
            Err(SelectionError::NoneEligible)
        );
    }

    proptest! {
        #[test]
        fn every_selected_provider_is_eligible(
            requested in proptest::collection::vec("mitid|bankidse|passport|us-mdl|x", 1..6),
        ) {
            let catalogue = Catalogue::built_in();
            let on = enabled(&["mitid", "us-mdl", "passport"]);
            let environment = Environment::Production;
            if let Ok(selected) = select(Some(&requested), &on, &catalogue, environment) {
                let unique: HashSet<_> = selected.iter().collect();
                prop_assert_eq!(unique.len(), selected.len());
                for id in &selected {
                    let provider = catalogue.get(id.as_str()).unwrap();
                    prop_assert_eq!(check(provider, &on, environment), Ok(()));
                }
            }
        }
    }
}
