//! Bearer tokens (§2).

use axum::http::{HeaderMap, header};

/// The bearer token of a request. `None` unless there is exactly one `Authorization` header, with
/// the scheme `Bearer` in any case.
pub fn token(headers: &HeaderMap) -> Option<&str> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(only), None) = (given.next(), given.next()) else { return None };
    let (scheme, token) = only.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token_of(values: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, value.parse().unwrap());
        }
        token(&headers).map(str::to_owned)
    }

    #[test]
    fn the_scheme_is_bearer_in_any_case_and_the_header_is_not_repeated() {
        assert_eq!(token_of(&["Bearer abc"]), Some("abc".into()));
        assert_eq!(token_of(&["bEARER  abc "]), Some("abc".into()));
        for refused in [&[][..], &["Basic abc"], &["abc"], &["Bearer"], &["Bearer a", "Bearer b"]] {
            assert_eq!(token_of(refused), None, "{refused:?}");
        }
    }
}
