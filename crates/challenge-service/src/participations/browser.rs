//! The tester's browser, known by a random cookie (§10).

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use domain::base62;

use crate::ChallengeService;
use crate::origin::Origin;

const COOKIE: &str = "fieldtest_tester";

/// 131 random bits.
const LENGTH: usize = 22;

/// A browser that has been here before, or a new one. Never logged.
pub(crate) struct Browser {
    pub(super) value: String,
    is_new: bool,
}

impl FromRequestParts<ChallengeService> for Browser {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &ChallengeService,
    ) -> Result<Self, Self::Rejection> {
        Ok(match cookie(&parts.headers) {
            Some(value) => Self { value: value.to_owned(), is_new: false },
            None => Self {
                value: base62::random(service.clock_and_rng().randomness(), LENGTH),
                is_new: true,
            },
        })
    }
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    let is_valid = |value: &str| {
        value.len() == LENGTH && value.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    pairs.find_map(|(name, value)| (name == COOKIE && is_valid(value)).then_some(value))
}

impl Browser {
    /// Its hash, if it has been here before.
    pub(super) fn known_as(&self, hash: [u8; 32]) -> Option<[u8; 32]> {
        (!self.is_new).then_some(hash)
    }

    /// The cookie to set, if this browser has none: kept for a year, sent to the challenge service
    /// only, hidden from scripts.
    pub(super) fn set_cookie(&self, origin: &Origin) -> Option<HeaderValue> {
        let secure = if origin.is_encrypted() { "; Secure" } else { "" };
        let cookie = format!(
            "{COOKIE}={}; Path=/tpas/v1; Max-Age=31536000; HttpOnly; SameSite=Lax{secure}",
            self.value
        );
        self.is_new.then(|| HeaderValue::from_str(&cookie).ok()).flatten()
    }
}
