//! The tester's browser, which a random cookie identifies (§10).
//!
//! The cookie is parsed and written here, and not by the `cookie` crate: parsing is one split, and
//! that crate brings the `time` crate for an expiry date that we do not send.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use domain::base62;

use crate::origin::Origin;
use crate::service::ChallengeService;

const COOKIE: &str = "fieldtest_tester";

/// The cookie's length in base62 digits: 131 random bits.
const LENGTH: usize = 22;

/// A browser that sent its cookie, or a new browser with a new cookie. Never logged.
pub(crate) struct Browser {
    pub(crate) value: String,
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

/// The value of our cookie. There can be several `Cookie` headers, and other cookies can contain
/// bytes that are not ASCII, so the headers are read as bytes.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .flat_map(|header| header.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|pair| pair.trim_ascii().strip_prefix(COOKIE.as_bytes())?.strip_prefix(b"="))
        .filter(|value| value.len() == LENGTH && value.iter().all(u8::is_ascii_alphanumeric))
        .find_map(|value| str::from_utf8(value).ok())
}

impl Browser {
    /// Whether the browser sent its cookie.
    pub(crate) fn is_returning(&self) -> bool {
        !self.is_new
    }

    /// The cookie to set, if the browser is new. It is valid for a year, for the API and the pages
    /// of testers, and hidden from scripts.
    pub(crate) fn set_cookie(&self, origin: &Origin) -> Option<HeaderValue> {
        let secure = if origin.is_encrypted() { "; Secure" } else { "" };
        let cookie = format!(
            "{COOKIE}={}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax{secure}",
            self.value
        );
        self.is_new.then(|| HeaderValue::from_str(&cookie).ok()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUE: &str = "0123456789abcdefABCDEF";

    fn cookie_in(values: &[&[u8]]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::COOKIE, HeaderValue::from_bytes(value).unwrap());
        }
        cookie(&headers).map(str::to_owned)
    }

    #[test]
    fn our_cookie_is_found_among_others() {
        let pair = format!("{COOKIE}={VALUE}");
        for headers in [
            &[pair.as_bytes()][..],
            &[format!("a=b; {pair};c=d").as_bytes()],
            &[format!("name=Göran; {pair}").as_bytes()],
            &[&[b"name=G\xf6ran; ", pair.as_bytes()].concat()],
            &[b"a=b", pair.as_bytes()],
            &[format!("{COOKIE}=forged").as_bytes(), pair.as_bytes()],
        ] {
            assert_eq!(cookie_in(headers).as_deref(), Some(VALUE), "{headers:?}");
        }
    }

    #[test]
    fn a_value_that_is_not_ours_is_no_cookie() {
        for header in [
            format!("{COOKIE}={VALUE}0"),
            format!("{COOKIE}=\"{VALUE}\""),
            format!("other={VALUE}"),
            format!("x{COOKIE}={VALUE}"),
            String::new(),
        ] {
            assert_eq!(cookie_in(&[header.as_bytes()]), None, "{header}");
        }
    }
}
