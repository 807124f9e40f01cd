//! Providers of an order that cannot be tested (§5).

use domain::eligibility::{Reason, Refusal};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::shortened_text;

/// A provider in an order that cannot be tested (§5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefusedProvider {
    /// The provider id as given; shortened if long.
    #[schema(example = "passport")]
    pub provider_id: String,
    /// The first reason against it.
    pub reason: RefusalReason,
}

/// Why a provider cannot be tested (§5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefusalReason {
    /// The catalogue does not contain it.
    NotRegistered,
    /// It reads a chip, which production tests do not cover.
    ChipBased,
    /// It is not available in this environment.
    NotAvailable,
    /// The app has not enabled it.
    NotEnabled,
}

impl From<&Refusal> for RefusedProvider {
    fn from(refusal: &Refusal) -> Self {
        let Refusal { provider_id, reason } = refusal;
        let reason = match reason {
            Reason::NotRegistered => RefusalReason::NotRegistered,
            Reason::ChipBased => RefusalReason::ChipBased,
            Reason::NotAvailable => RefusalReason::NotAvailable,
            Reason::NotEnabled => RefusalReason::NotEnabled,
        };
        Self { provider_id: shortened_text(provider_id), reason }
    }
}
