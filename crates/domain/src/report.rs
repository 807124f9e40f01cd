//! The report of a production test: participations and stamps per provider (§8).

use std::collections::HashMap;
use std::time::Duration;

use crate::ProviderId;
use crate::challenge::Challenge;

/// The counts for one provider of a challenge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Started participations.
    pub participations: u64,
    /// Granted stamps.
    pub claims: u64,
    /// The sum of the times from joining to the stamp.
    pub time_to_claim: Duration,
}

/// One provider in a report (§8).
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderRow {
    /// The provider.
    pub provider_id: ProviderId,
    /// Granted stamps.
    pub claim_count: u64,
    /// The mean time from joining to the stamp, in seconds, rounded to the millisecond; `None`
    /// without stamps.
    pub average_completion_seconds: Option<f64>,
}

/// A challenge's report (§8).
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The challenge.
    pub challenge: Challenge,
    /// Started participations.
    pub total_participations: u64,
    /// Granted stamps.
    pub total_claims: u64,
    /// One row per provider of the challenge, in the order of its payload.
    pub providers: Vec<ProviderRow>,
}

impl Report {
    /// Makes a report with one row per entry of `provider_ids`, in their order. A provider without
    /// a tally has a row of zeros.
    #[must_use]
    pub fn new(
        challenge: Challenge,
        provider_ids: &[ProviderId],
        tallies: &HashMap<ProviderId, Tally>,
    ) -> Self {
        let providers = provider_ids
            .iter()
            .map(|provider_id| {
                row(provider_id, tallies.get(provider_id).copied().unwrap_or_default())
            })
            .collect();
        Self {
            challenge,
            total_participations: tallies.values().map(|tally| tally.participations).sum(),
            total_claims: tallies.values().map(|tally| tally.claims).sum(),
            providers,
        }
    }
}

fn row(provider_id: &ProviderId, tally: Tally) -> ProviderRow {
    let Tally { participations: _, claims, time_to_claim } = tally;
    ProviderRow {
        provider_id: provider_id.clone(),
        claim_count: claims,
        average_completion_seconds: average_seconds(claims, time_to_claim),
    }
}

#[expect(clippy::cast_precision_loss, reason = "f64 holds milliseconds exactly for 285,000 years")]
fn average_seconds(claims: u64, sum: Duration) -> Option<f64> {
    let count = u128::from(claims);
    if count == 0 {
        return None;
    }
    let millis = (sum.as_millis() + count / 2) / count;
    Some(millis as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Timestamp, test_data};

    #[test]
    fn every_provider_has_a_row_in_the_order_of_the_payload() {
        let challenge = test_data::challenge(Timestamp::EPOCH);
        let order: Vec<ProviderId> = ["smartid", "bankidse"].map(|id| id.parse().unwrap()).to_vec();
        let tally = Tally { participations: 4, claims: 2, time_to_claim: Duration::from_secs(83) };
        let report = Report::new(challenge, &order, &HashMap::from([(order[1].clone(), tally)]));

        assert_eq!((report.total_participations, report.total_claims), (4, 2));
        let rows: Vec<_> = report
            .providers
            .iter()
            .map(|row| (row.provider_id.as_str(), row.claim_count, row.average_completion_seconds))
            .collect();
        assert_eq!(rows, [("smartid", 0, None), ("bankidse", 2, Some(41.5))]);
    }

    #[test]
    fn an_average_is_rounded_to_the_millisecond() {
        assert_eq!(average_seconds(3, Duration::from_secs(1)), Some(0.333));
        assert_eq!(average_seconds(3, Duration::from_secs(2)), Some(0.667));
    }
}
