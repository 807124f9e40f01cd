//! The origin of the console's own pages.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;

use crate::state::Console;

/// The public URL without a trailing slash: the operator's, or the one that this request was sent
/// to.
pub(crate) struct Origin(pub(crate) String);

impl FromRequestParts<Console> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers, console))
    }
}

impl Origin {
    pub(crate) fn of(headers: &HeaderMap, console: &Console) -> Self {
        Self(console.parts.public_url.for_request(headers))
    }

    /// Whether cookies can be limited to encrypted connections.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.0.starts_with("https://")
    }

    /// Whether a form was sent by a page of this origin, as far as the browser says. Browsers send
    /// `Origin` with every form, and `Sec-Fetch-Site` if they are not too old.
    pub(crate) fn sent(&self, headers: &HeaderMap) -> bool {
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
        let is_same = |origin: &str| origin.trim_end_matches('/') == self.0;
        match (text("sec-fetch-site"), text("origin")) {
            // Where a policy hides the referrer, browsers hide the origin of a form as well.
            (Some("same-origin"), None | Some("null")) | (None, None) => true,
            (Some("same-origin") | None, Some(origin)) => is_same(origin),
            (Some(_), _) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(origin: &str, headers: &[(&'static str, &str)]) -> bool {
        let headers = headers.iter().map(|(name, value)| {
            (axum::http::HeaderName::from_static(name), value.parse().unwrap())
        });
        Origin(origin.into()).sent(&headers.collect())
    }

    #[test]
    fn a_form_of_another_site_is_recognised() {
        const OURS: &str = "https://fieldtest.example";
        assert!(sent(OURS, &[]));
        assert!(sent(OURS, &[("origin", "null"), ("sec-fetch-site", "same-origin")]));
        assert!(sent(OURS, &[("origin", OURS), ("sec-fetch-site", "same-origin")]));
        for headers in [
            &[("origin", "https://evil.example")][..],
            &[("origin", "null")],
            &[("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")],
            &[("origin", "http://fieldtest.example")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site"), ("origin", OURS)],
            &[("sec-fetch-site", "none"), ("origin", OURS)],
        ] {
            assert!(!sent(OURS, headers), "{headers:?}");
        }
    }
}
