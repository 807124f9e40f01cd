//! Files that are the same for everybody: compressed for browsers that accept it, and not sent
//! again to those that have them (§14).

use std::io::Write;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

/// A file in memory. It is compressed once, when it is first asked for.
pub struct StaticFile {
    content: Bytes,
    content_type: &'static str,
    cache_control: &'static str,
    policy: Option<&'static str>,
    digest: String,
    compressed: OnceCell<Option<Bytes>>,
}

/// How a body is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Identity,
    Gzip,
}

impl StaticFile {
    /// A file of this type, which browsers keep as `cache_control` says.
    pub fn new(
        content: impl Into<Bytes>,
        content_type: &'static str,
        cache_control: &'static str,
    ) -> Self {
        let content = content.into();
        let digest = hex::encode(Sha256::digest(&content));
        let compressed = OnceCell::new();
        Self { content, content_type, cache_control, policy: None, digest, compressed }
    }

    /// Sets the content security policy of a file that is a page.
    #[must_use]
    pub fn with_policy(self, policy: &'static str) -> Self {
        Self { policy: Some(policy), ..self }
    }

    /// The first 16 hexadecimal digits of the SHA-256 of the content.
    pub fn version(&self) -> &str {
        self.digest.get(..16).unwrap_or_default()
    }

    /// The file, or 304 if the browser has it.
    pub async fn respond(&self, asked: &HeaderMap) -> Response {
        let (encoding, body) = match self.gzip(asked).await {
            Some(compressed) => (Encoding::Gzip, compressed),
            None => (Encoding::Identity, self.content.clone()),
        };
        // A strong tag stands for the bytes that are sent, so each encoding has its own.
        let tag = match encoding {
            Encoding::Identity => format!("\"{}\"", self.version()),
            Encoding::Gzip => format!("\"{}-gzip\"", self.version()),
        };
        let is_known = is_known(asked, &tag);
        let mut response = match is_known {
            true => StatusCode::NOT_MODIFIED.into_response(),
            false => body.into_response(),
        };
        let headers = response.headers_mut();
        if let Ok(value) = HeaderValue::from_str(&tag) {
            headers.insert(header::ETAG, value);
        }
        if encoding == Encoding::Gzip && !is_known {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if let Some(policy) = self.policy {
            crate::page::secure(headers, policy);
        }
        let fixed: [(HeaderName, &'static str); 4] = [
            (header::CONTENT_TYPE, self.content_type),
            (header::CACHE_CONTROL, self.cache_control),
            (header::VARY, "accept-encoding"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ];
        for (name, value) in fixed {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }

    /// The compressed content; `None` if the browser does not accept it, or it is not smaller.
    async fn gzip(&self, asked: &HeaderMap) -> Option<Bytes> {
        if !accepts_gzip(asked) {
            return None;
        }
        let compressed = self.compressed.get_or_init(async || {
            let content = self.content.clone();
            // A few hundred milliseconds for the largest file: too long between other requests.
            let compressed = tokio::task::spawn_blocking(move || compress(&content)).await;
            compressed.ok().flatten()
        });
        compressed.await.clone()
    }
}

fn compress(content: &Bytes) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).ok()?;
    let compressed = encoder.finish().ok()?;
    (compressed.len() < content.len()).then(|| compressed.into())
}

fn is_known(asked: &HeaderMap, tag: &str) -> bool {
    let known = asked.get_all(header::IF_NONE_MATCH).iter();
    let mut known = known.filter_map(|value| value.to_str().ok()).flat_map(|list| list.split(','));
    known.any(|one| {
        let one = one.trim();
        one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag
    })
}

/// Whether `Accept-Encoding` allows gzip (RFC 9110, 12.5.3).
fn accepts_gzip(asked: &HeaderMap) -> bool {
    let values = asked.get_all(header::ACCEPT_ENCODING).iter();
    let codings = values.filter_map(|value| value.to_str().ok()).flat_map(|list| list.split(','));
    let mut any = false;
    for coding in codings {
        let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = parameters.trim().to_ascii_lowercase();
        let weight = weight.strip_prefix("q=").unwrap_or("1").trim().parse().unwrap_or(0.0);
        match name.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => return weight > 0.0,
            "*" => any = weight > 0.0,
            _ => {}
        }
    }
    any
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn gzip_is_sent_to_those_who_accept_it() {
        let accepts = |value: &'static str| {
            let value = HeaderValue::from_static(value);
            accepts_gzip(&HeaderMap::from_iter([(header::ACCEPT_ENCODING, value)]))
        };
        for accepted in ["gzip", "br, GZIP;q=0.5", "x-gzip", "*", "deflate, *;q=0.1", "gzip;q=1.0"]
        {
            assert!(accepts(accepted), "{accepted}");
        }
        for refused in ["", "br", "identity", "gzip;q=0", "gzip; q=0.0, *", "*;q=0", "gzip;q=x"] {
            assert!(!accepts(refused), "{refused}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }

    #[test]
    fn what_is_compressed_is_the_content() {
        let content = Bytes::from("an example ".repeat(100));
        let compressed = compress(&content).unwrap();
        let mut unpacked = String::new();
        flate2::read::GzDecoder::new(&*compressed).read_to_string(&mut unpacked).unwrap();
        assert_eq!(unpacked, content);
        assert_eq!(compress(&Bytes::from_static(b"short")), None);
    }
}
