//! Which providers a production test may cover (§5).

use std::collections::{BTreeSet, HashSet};

use crate::catalogue::{Catalogue, Provider, ProviderType};
use crate::{Environment, ProviderId};

/// Why a provider cannot be tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The catalogue does not know it.
    NotRegistered,
    /// It reads a chip, which a production test does not cover.
    ChipBased,
    /// It does not work in this deployment's environment.
    NotAvailable,
    /// The app has not enabled it.
    NotEnabled,
}

/// A provider that was asked for and cannot be tested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The provider, as it was written.
    pub provider_id: String,
    /// Why not.
    pub reason: Reason,
}

/// Why no set of providers could be settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SelectionError {
    /// The list was given, but empty.
    Empty,
    /// These of the list cannot be tested.
    Refused(Vec<Refusal>),
    /// None was asked for, and none of the app's is eligible.
    NoneEligible,
}

/// Settles which providers a test covers: those asked for, each once and in their order, or else
/// every eligible one in the catalogue's order.
///
/// # Errors
/// When the list is empty, when one of it is not eligible (all such are named), or when there is
/// none to choose.
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
        let verdict = catalogue.get(id).ok_or(Reason::NotRegistered).and_then(|provider| {
            check(provider, enabled, environment).map(|()| provider.id.clone())
        });
        match verdict {
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

/// Names the reason that lasts longest: what the catalogue rules out comes before what the app
/// could still enable.
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
    fn what_is_asked_for_is_kept_in_order_each_once() {
        let selected = select_in(
            Environment::Sandbox,
            Some(&["mitid", "bankidse", "mitid"]),
            &["bankidse", "mitid"],
        );
        assert_eq!(selected, Ok(vec!["mitid".into(), "bankidse".into()]));
    }

    #[test]
    fn every_refused_provider_is_named_with_its_reason() {
        let asked = ["nope", "passport", "us-mdl", "mitid", "bankidse", ""];
        let refused = select_in(Environment::Production, Some(&asked), &["bankidse", "us-mdl"]);
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
    fn omitted_means_every_eligible_one() {
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
        fn whatever_is_selected_is_eligible_on_its_own(asked in proptest::collection::vec("mitid|bankidse|passport|us-mdl|x", 1..6)) {
            let catalogue = Catalogue::built_in();
            let on = enabled(&["mitid", "us-mdl", "passport"]);
            if let Ok(selected) = select(Some(&asked), &on, &catalogue, Environment::Production) {
                let unique: HashSet<_> = selected.iter().collect();
                prop_assert_eq!(unique.len(), selected.len());
                for id in &selected {
                    prop_assert_eq!(check(catalogue.get(id.as_str()).unwrap(), &on, Environment::Production), Ok(()));
                }
            }
        }
    }
}
