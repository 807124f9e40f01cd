//! Request ids (§1).

use axum::http::{HeaderMap, HeaderName};
use domain::Randomness;

/// The header that carries the id, in requests and responses.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request, as an extension that handlers can extract.
#[derive(Clone)]
pub struct RequestId(
    /// A UUID in its usual form.
    pub String,
);

/// The id that the caller sent, if it is a valid UUID; otherwise a new one.
pub fn of(headers: &HeaderMap, randomness: &dyn Randomness) -> String {
    let given =
        headers.get(HEADER).and_then(|value| value.to_str().ok()).filter(|text| is_uuid(text));
    given.map_or_else(|| random_uuid(randomness), str::to_owned)
}

/// Whether this is a hyphenated UUID: hexadecimal digits in groups of 8, 4, 4, 4 and 12.
fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn random_uuid(randomness: &dyn Randomness) -> String {
    let mut bytes = [0; 16];
    randomness.fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_hyphenated_uuid_is_accepted() {
        assert!(is_uuid("228aaefb-3ce2-4dd0-a73b-b96f71c5779f"));
        assert!(is_uuid("228AAEFB-3CE2-4DD0-A73B-B96F71C5779F"));
        for wrong in [
            "",
            "228aaefb3ce24dd0a73bb96f71c5779f",
            "228aaefb-3ce2-4dd0-a73b-b96f71c5779g",
            "{28aaefb-3ce2-4dd0-a73b-b96f71c5779}",
        ] {
            assert!(!is_uuid(wrong), "{wrong}");
        }
    }
}
