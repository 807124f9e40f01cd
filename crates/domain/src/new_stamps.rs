//! Which stamps are new (§7). The challenge service reports totals per provider, and each stamp
//! becomes exactly one event.

use std::collections::BTreeMap;

use crate::ProviderId;
use crate::report::ProviderRow;

/// Stamps per provider for which an event was recorded. A count never decreases.
pub type ClaimCounts = BTreeMap<ProviderId, u32>;

/// The stamps that a report adds to the recorded ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewStamps {
    /// The provider of each new stamp, and the challenge's total up to and including it.
    pub stamps: Vec<(ProviderId, u32)>,
    /// The counts once these stamps are recorded.
    pub counts: ClaimCounts,
    /// Whether the report has more new stamps than the limit allowed.
    pub has_more: bool,
}

impl NewStamps {
    /// The first `limit` stamps in `reported` that `recorded` does not count, in the order of the
    /// report. The total never exceeds `max_stamp_claims`, whatever the report says.
    #[must_use]
    pub fn since(
        recorded: ClaimCounts,
        reported: &[ProviderRow],
        max_stamp_claims: u32,
        limit: usize,
    ) -> Self {
        let mut counts = recorded;
        let mut total = total(&counts);
        let mut stamps = Vec::new();
        for ProviderRow { provider_id, claim_count, .. } in reported {
            while u64::from(counts.get(provider_id).copied().unwrap_or_default()) < *claim_count
                && total < max_stamp_claims
            {
                if stamps.len() == limit {
                    return Self { stamps, counts, has_more: true };
                }
                total += 1;
                *counts.entry(provider_id.clone()).or_default() += 1;
                stamps.push((provider_id.clone(), total));
            }
        }
        Self { stamps, counts, has_more: false }
    }
}

/// The number of recorded stamps of all providers together.
#[must_use]
pub fn total(counts: &ClaimCounts) -> u32 {
    counts.values().fold(0, |sum, claims| sum.saturating_add(*claims))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn report(counts: &[u64]) -> Vec<ProviderRow> {
        let row = |(number, claim_count): (usize, &u64)| ProviderRow {
            provider_id: format!("provider-{number}").parse().unwrap(),
            claim_count: *claim_count,
            average_completion_seconds: None,
        };
        counts.iter().enumerate().map(row).collect()
    }

    fn since(recorded: ClaimCounts, counts: &[u64]) -> NewStamps {
        NewStamps::since(recorded, &report(counts), 100, 100)
    }

    #[test]
    fn each_new_stamp_is_reported_once_with_the_running_total() {
        let first = since(ClaimCounts::new(), &[1, 2]);
        let stamps: Vec<_> =
            first.stamps.iter().map(|(provider, total)| (provider.as_str(), *total)).collect();
        assert_eq!(stamps, [("provider-0", 1), ("provider-1", 2), ("provider-1", 3)]);
        assert_eq!(since(first.counts.clone(), &[1, 2]).stamps, []);
        assert_eq!(since(first.counts, &[2, 2]).stamps, [("provider-0".parse().unwrap(), 4)]);
    }

    #[test]
    fn an_older_report_has_no_new_stamps_and_lowers_no_count() {
        let newer = since(ClaimCounts::new(), &[3, 1]);
        let older = since(newer.counts.clone(), &[1, 1]);
        assert_eq!((older.stamps, older.counts), (vec![], newer.counts));
    }

    #[test]
    fn an_implausible_report_does_not_exceed_the_stamp_limit() {
        let new = NewStamps::since(ClaimCounts::new(), &report(&[u64::MAX, 5]), 3, 100);
        assert_eq!((new.stamps.len(), new.has_more, total(&new.counts)), (3, false, 3));
    }

    proptest! {
        #[test]
        fn batches_add_up_to_the_whole(
            counts in vec(0_u64..20, 0..5),
            max in 0_u32..100,
            limit in 1_usize..10,
        ) {
            let whole = NewStamps::since(ClaimCounts::new(), &report(&counts), max, usize::MAX);
            let mut stamps = Vec::new();
            let mut recorded = ClaimCounts::new();
            loop {
                let batch = NewStamps::since(recorded, &report(&counts), max, limit);
                prop_assert!(batch.stamps.len() <= limit);
                stamps.extend(batch.stamps);
                recorded = batch.counts;
                if !batch.has_more {
                    break;
                }
            }
            prop_assert_eq!((stamps, recorded), (whole.stamps, whole.counts));
        }
    }
}
