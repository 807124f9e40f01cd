//! The layout and the design system of all pages (§14): one column, phone first, light and dark.
//! They work without scripts; the script adds comfort.

pub mod assets;
mod error;
pub mod parts;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use crate::static_file::StaticFile;

pub use self::error::is_wanted;
pub(crate) use self::error::respond_to_error;

/// Scripts and styles from this server only, no framing.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; form-action 'self'; frame-ancestors 'none'; \
                      base-uri 'none'";

/// A page. It is never cached, because it shows the state of one moment to one person.
pub struct Page {
    title: String,
    description: Option<String>,
    main: Markup,
    navigation: Option<Markup>,
    refresh_seconds: Option<u8>,
    status: StatusCode,
}

impl Page {
    /// A page with this title and this content.
    pub fn new(title: impl Into<String>, main: Markup) -> Self {
        Self {
            title: title.into(),
            description: None,
            main,
            navigation: None,
            refresh_seconds: None,
            status: StatusCode::OK,
        }
    }

    /// Sets what a message shows beside the link when somebody shares it.
    #[must_use]
    pub fn with_description(self, description: impl Into<String>) -> Self {
        Self { description: Some(description.into()), ..self }
    }

    /// Puts a bar with this content above the page, which gets wider.
    #[must_use]
    pub fn with_navigation(self, navigation: Markup) -> Self {
        Self { navigation: Some(navigation), ..self }
    }

    /// Loads the page again after this many seconds where scripts are off.
    #[must_use]
    pub fn with_refresh(self, seconds: u8) -> Self {
        Self { refresh_seconds: Some(seconds), ..self }
    }

    /// Sets the HTTP status, which is otherwise 200.
    #[must_use]
    pub fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// The page as a file, if it is the same for everybody. Browsers ask each time whether it has
    /// changed.
    pub fn into_file(self) -> StaticFile {
        let content = self.document().into_string();
        StaticFile::new(content, "text/html; charset=utf-8", "no-cache").with_policy(POLICY)
    }

    fn document(&self) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head { (self.head()) }
                body {
                    @if let Some(navigation) = &self.navigation {
                        header.bar { (navigation) }
                        main.wide #main { (self.main) }
                    } @else {
                        main { (self.main) }
                    }
                    footer { "fieldtest" }
                }
            }
        }
    }

    fn head(&self) -> Markup {
        html! {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            meta name="referrer" content="same-origin";
            title { (self.title) " · fieldtest" }
            meta property="og:title" content=(self.title);
            meta property="og:site_name" content="fieldtest";
            @if let Some(description) = &self.description {
                meta name="description" content=(description);
                meta property="og:description" content=(description);
            }
            @if let Some(seconds) = self.refresh_seconds {
                noscript { meta http-equiv="refresh" content=(seconds); }
            }
            link rel="icon" href="data:,";
            link rel="stylesheet" href=(assets::STYLE.path());
            script src=(assets::SCRIPT.path()) defer {}
        }
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let mut response = (self.status, Html(self.document().into_string())).into_response();
        response.extensions_mut().insert(IsPage);
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        secure(headers, POLICY);
        response
    }
}

/// Marks a response as a page, in its extensions.
#[derive(Clone, Copy)]
pub(crate) struct IsPage;

/// Sets the security headers of a page, with this content security policy.
pub fn secure(headers: &mut HeaderMap, policy: &'static str) {
    let fixed: [(HeaderName, &'static str); 3] = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
