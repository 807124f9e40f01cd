//! Which stamps are new (§7): the challenge service says how many there are, and each is told of
//! once.

use std::collections::BTreeMap;

use crate::ProviderId;
use crate::report::ProviderRow;

/// How many stamps of each provider are known. It never goes down.
pub type KnownClaims = BTreeMap<ProviderId, u32>;

/// What is new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StampNews {
    /// The provider of each new stamp, and how many there were in all with it.
    pub stamps: Vec<(ProviderId, u32)>,
    /// What is known once these have been told of.
    pub known: KnownClaims,
    /// Whether there are more, for another time.
    pub has_more: bool,
}

impl StampNews {
    /// Compares what is known with what the challenge service says: the first `limit` new stamps,
    /// in the order of its report. There are never more than `max_stamp_claims`, whatever it says.
    #[must_use]
    pub fn of(
        mut known: KnownClaims,
        seen: &[ProviderRow],
        max_stamp_claims: u32,
        limit: usize,
    ) -> Self {
        let mut total = total(&known);
        let mut stamps = Vec::new();
        for ProviderRow { provider_id, claim_count, .. } in seen {
            while u64::from(known.get(provider_id).copied().unwrap_or_default()) < *claim_count
                && total < max_stamp_claims
            {
                if stamps.len() == limit {
                    return Self { stamps, known, has_more: true };
                }
                total += 1;
                *known.entry(provider_id.clone()).or_default() += 1;
                stamps.push((provider_id.clone(), total));
            }
        }
        Self { stamps, known, has_more: false }
    }
}

/// How many stamps are known in all.
#[must_use]
pub fn total(known: &KnownClaims) -> u32 {
    known.values().fold(0, |sum, claims| sum.saturating_add(*claims))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn seen(counts: &[u64]) -> Vec<ProviderRow> {
        let row = |(number, claim_count): (usize, &u64)| ProviderRow {
            provider_id: format!("provider-{number}").parse().unwrap(),
            claim_count: *claim_count,
            average_completion_seconds: None,
        };
        counts.iter().enumerate().map(row).collect()
    }

    fn news(known: KnownClaims, counts: &[u64]) -> StampNews {
        StampNews::of(known, &seen(counts), 100, 100)
    }

    #[test]
    fn each_new_stamp_is_told_of_once_with_the_number_of_all() {
        let first = news(KnownClaims::new(), &[1, 2]);
        let told: Vec<_> =
            first.stamps.iter().map(|(provider, total)| (provider.as_str(), *total)).collect();
        assert_eq!(told, [("provider-0", 1), ("provider-1", 2), ("provider-1", 3)]);
        assert_eq!(news(first.known.clone(), &[1, 2]).stamps, []);
        assert_eq!(news(first.known, &[2, 2]).stamps, [("provider-0".parse().unwrap(), 4)]);
    }

    #[test]
    fn an_older_report_is_no_news_and_takes_nothing_back() {
        let newer = news(KnownClaims::new(), &[3, 1]);
        let older = news(newer.known.clone(), &[1, 1]);
        assert_eq!((older.stamps, older.known), (vec![], newer.known));
    }

    #[test]
    fn a_service_that_says_nonsense_does_not_make_more_stamps_than_there_are() {
        let news = StampNews::of(KnownClaims::new(), &seen(&[u64::MAX, 5]), 3, 100);
        assert_eq!((news.stamps.len(), news.has_more, total(&news.known)), (3, false, 3));
    }

    proptest! {
        #[test]
        fn bit_by_bit_is_as_good_as_all_at_once(counts in vec(0_u64..20, 0..5), max in 0_u32..100, limit in 1_usize..10) {
            let whole = StampNews::of(KnownClaims::new(), &seen(&counts), max, usize::MAX);
            let mut told = Vec::new();
            let mut known = KnownClaims::new();
            loop {
                let part = StampNews::of(known, &seen(&counts), max, limit);
                prop_assert!(part.stamps.len() <= limit);
                told.extend(part.stamps);
                known = part.known;
                if !part.has_more {
                    break;
                }
            }
            prop_assert_eq!((told, known), (whole.stamps, whole.known));
        }
    }
}
