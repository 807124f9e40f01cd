//! The logo of an app (§11).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A logo: a data URL with a PNG, JPEG or SVG image in base64 (§11). It is kept as text and never decoded
/// for anybody: whoever shows it, shows it as an image, in which an SVG runs no script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logo(String);

/// The text is not a valid logo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be a data URL of at most {} characters with a PNG, JPEG or SVG image",
    Logo::MAX_LENGTH
)]
pub struct LogoError;

/// What a data URL begins with, and what its image may begin with.
const KINDS: [(&str, &[&[u8]]); 3] = [
    ("data:image/png;base64,", &[b"\x89PNG\r\n\x1a\n"]),
    ("data:image/jpeg;base64,", &[b"\xff\xd8\xff"]),
    ("data:image/svg+xml;base64,", &[b"<svg", b"<?xml"]),
];

impl Logo {
    /// The greatest length of the data URL, in characters: 64 KiB.
    pub const MAX_LENGTH: usize = 64 * 1024;

    /// Checks a data URL, and that its image begins as its media type says.
    ///
    /// # Errors
    /// When it is too long, of another media type, not in base64, or begins differently.
    pub fn new(text: String) -> Result<Self, LogoError> {
        if text.len() > Self::MAX_LENGTH {
            return Err(LogoError);
        }
        let (image, beginnings) = KINDS
            .iter()
            .find_map(|(prefix, beginnings)| Some((text.strip_prefix(prefix)?, beginnings)))
            .ok_or(LogoError)?;
        let image = STANDARD.decode(image).map_err(|_| LogoError)?;
        if beginnings.iter().any(|beginning| image.starts_with(beginning)) {
            Ok(Self(text))
        } else {
            Err(LogoError)
        }
    }

    /// The data URL.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_logo(media_type: &str, image: &[u8]) -> bool {
        Logo::new(format!("data:{media_type};base64,{}", STANDARD.encode(image))).is_ok()
    }

    #[test]
    fn a_logo_is_an_image_that_begins_as_its_media_type_says() {
        let (png, jpeg) = (b"\x89PNG\r\n\x1a\n...", b"\xff\xd8\xff\xe0");
        assert!(is_logo("image/png", png));
        assert!(is_logo("image/jpeg", jpeg));
        assert!(is_logo("image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'/>"));
        assert!(is_logo("image/svg+xml", b"<?xml version='1.0'?><svg/>"));
        for (media_type, image) in [
            ("image/png", &jpeg[..]),
            ("image/jpeg", png),
            ("image/svg+xml", b"<html><script>alert(1)</script></html>"),
            ("image/gif", b"GIF89a"),
            ("text/html", b"<svg/>"),
            ("image/png", b""),
        ] {
            assert!(!is_logo(media_type, image), "{media_type}");
        }
        for wrong in ["", "https://bank.example/logo.png", "data:image/svg+xml,<svg/>"] {
            assert!(Logo::new(wrong.into()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_logo_has_at_most_64_kib_as_text() {
        let prefix = "data:image/svg+xml;base64,PHN2ZyAg";
        let longest = prefix.len() + (Logo::MAX_LENGTH - prefix.len()) / 4 * 4;
        let logo = |length: usize| format!("{prefix}{}", "A".repeat(length - prefix.len()));
        assert!(Logo::new(logo(longest)).is_ok());
        assert!(Logo::new(logo(longest + 4)).is_err());
    }
}
