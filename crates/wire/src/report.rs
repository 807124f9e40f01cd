//! The report of a production test (§8).

use std::collections::HashMap;

use domain::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::challenge::{Challenge, NotAChallenge};

/// The report of a production test (§8).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// The challenge.
    pub challenge: Challenge,
    /// The counts.
    pub stats: Stats,
}

/// The counts of a report (§8).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReportStats)]
pub struct Stats {
    /// Started participations, whatever their outcome.
    #[schema(example = 4)]
    pub total_participations: u64,
    /// Granted stamps.
    #[schema(example = 2)]
    pub total_claims: u64,
    /// One row per provider of the challenge, in the order of its payload.
    pub provider_breakdown: Vec<ProviderRow>,
}

/// One provider in a report (§8).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProviderStats)]
pub struct ProviderRow {
    /// The provider's id.
    #[schema(example = "bankidse")]
    pub provider_id: String,
    /// The display name.
    #[schema(example = "BankID SE")]
    pub provider_name: String,
    /// Granted stamps.
    #[schema(example = 2)]
    pub claim_count: u64,
    /// The mean time from joining to the stamp, in seconds; null without stamps.
    #[schema(required = true, example = 41.5)]
    pub average_completion_seconds: Option<f64>,
}

impl Report {
    /// The body for this report at `now`. A provider that is not in `names` is named by its id.
    #[must_use]
    pub fn at(
        now: Timestamp,
        report: &domain::report::Report,
        names: &HashMap<&str, &str>,
    ) -> Self {
        let domain::report::Report { challenge, total_participations, total_claims, providers } =
            report;
        Self {
            challenge: Challenge::at(now, challenge),
            stats: Stats {
                total_participations: *total_participations,
                total_claims: *total_claims,
                provider_breakdown: providers
                    .iter()
                    .map(|row| ProviderRow::new(row, names))
                    .collect(),
            },
        }
    }

    /// The report that the challenge service sent at `now`. Rows whose provider id is not valid are
    /// dropped.
    ///
    /// # Errors
    /// When the challenge's id is not valid.
    pub fn into_domain(self, now: Timestamp) -> Result<domain::report::Report, NotAChallenge> {
        let Self {
            challenge,
            stats: Stats { total_participations, total_claims, provider_breakdown },
        } = self;
        Ok(domain::report::Report {
            challenge: challenge.into_domain(now)?,
            total_participations,
            total_claims,
            providers: provider_breakdown
                .into_iter()
                .filter_map(ProviderRow::into_domain)
                .collect(),
        })
    }
}

impl ProviderRow {
    fn into_domain(self) -> Option<domain::report::ProviderRow> {
        let Self { provider_id, provider_name: _, claim_count, average_completion_seconds } = self;
        Some(domain::report::ProviderRow {
            provider_id: provider_id.parse().ok()?,
            claim_count,
            average_completion_seconds,
        })
    }

    fn new(row: &domain::report::ProviderRow, names: &HashMap<&str, &str>) -> Self {
        let domain::report::ProviderRow { provider_id, claim_count, average_completion_seconds } =
            row;
        let id = provider_id.as_str();
        Self {
            provider_id: id.to_owned(),
            provider_name: names.get(id).copied().unwrap_or(id).to_owned(),
            claim_count: *claim_count,
            average_completion_seconds: *average_completion_seconds,
        }
    }
}
