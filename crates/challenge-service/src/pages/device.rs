//! What a browser says about the device it runs on. It decides what a page suggests, and nothing
//! that matters: a tester chooses the platform.

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use domain::Platform;

/// The device of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Device {
    /// The platform of a phone; `None` for a computer, and for a browser that does not say.
    pub(super) platform: Option<Platform>,
    /// Whether the page is shown inside another app, such as a messenger. Such browsers often
    /// cannot open an eID's app, or forget cookies.
    pub(super) is_inside_app: bool,
}

/// What the built-in browsers of other apps say in their `User-Agent`.
const APPS: [&str; 11] = [
    "FBAN",
    "FBAV",
    "FB_IAB",
    "Instagram",
    "LinkedInApp",
    "Snapchat",
    "Twitter",
    "MicroMessenger",
    "BytedanceWebview",
    " Line/",
    "; wv)",
];

impl<S: Send + Sync> FromRequestParts<S> for Device {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        let agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        Ok(Self::of(agent.unwrap_or_default()))
    }
}

impl Device {
    /// The device with this `User-Agent`.
    fn of(agent: &str) -> Self {
        let says = |name: &str| agent.contains(name);
        let platform = if says("iPhone") || says("iPad") || says("iPod") {
            Some(Platform::Ios)
        } else {
            says("Android").then_some(Platform::Android)
        };
        Self { platform, is_inside_app: APPS.into_iter().any(says) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_are_known_and_computers_are_not() {
        for (agent, platform) in [
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Safari", Some(Platform::Ios)),
            ("Mozilla/5.0 (Linux; Android 16; Pixel 9) Chrome Mobile", Some(Platform::Android)),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 15_0) Safari", None),
            ("", None),
        ] {
            assert_eq!(Device::of(agent).platform, platform, "{agent}");
        }
    }

    #[test]
    fn a_browser_inside_an_app_is_known() {
        for agent in [
            "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) [FBAN/FBIOS;FBAV/500.0]",
            "Mozilla/5.0 (Linux; Android 16; Pixel 9; wv) Chrome Mobile",
        ] {
            assert!(Device::of(agent).is_inside_app, "{agent}");
        }
        assert!(!Device::of("Mozilla/5.0 (Linux; Android 16; Pixel 9) Chrome").is_inside_app);
    }
}
