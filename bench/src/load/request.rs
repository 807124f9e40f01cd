//! The bytes of a request, with a new idempotency key each time if it has one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The idempotency keys of a request.
#[derive(Clone)]
pub(crate) enum Keys {
    /// No key.
    None,
    /// A key that is unique in this run of the bench, which may use the same data with several
    /// servers.
    Unique,
    /// This number of different keys, in turn.
    Repeated(u64),
}

/// How many unique keys were made.
static UNIQUE: AtomicU64 = AtomicU64::new(0);

/// A request that is sent repeatedly. Clones share the count of keys.
#[derive(Clone)]
pub(crate) struct Request {
    head: Arc<str>,
    body: Arc<str>,
    keys: Keys,
    count: Arc<AtomicU64>,
    /// The expected status of the response.
    pub(crate) status: u16,
}

impl Request {
    pub(crate) fn get(path: &str, api_key: &str) -> Self {
        Self::new("GET", path, api_key, "", 200)
    }

    pub(crate) fn post(path: &str, api_key: &str, body: &str, status: u16) -> Self {
        Self::new("POST", path, api_key, body, status)
    }

    fn new(method: &str, path: &str, api_key: &str, body: &str, status: u16) -> Self {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n");
        if !api_key.is_empty() {
            head.push_str(&format!("Authorization: Bearer {api_key}\r\n"));
        }
        if !body.is_empty() {
            head.push_str(&format!(
                "Content-Type: application/json\r\nContent-Length: {}\r\n",
                body.len()
            ));
        }
        Self {
            head: head.into(),
            body: body.into(),
            keys: Keys::None,
            count: Arc::default(),
            status,
        }
    }

    pub(crate) fn with(self, keys: Keys) -> Self {
        Self { keys, ..self }
    }

    pub(crate) fn with_header(self, name: &str, value: &str) -> Self {
        Self { head: format!("{}{name}: {value}\r\n", self.head).into(), ..self }
    }

    /// Replaces the content of `bytes` with the next request.
    pub(crate) fn write(&mut self, bytes: &mut Vec<u8>) {
        bytes.clear();
        bytes.extend_from_slice(self.head.as_bytes());
        let number = match self.keys {
            Keys::None => None,
            Keys::Unique => Some(UNIQUE.fetch_add(1, Ordering::Relaxed)),
            Keys::Repeated(different) => {
                Some(self.count.fetch_add(1, Ordering::Relaxed) % different)
            }
        };
        if let Some(number) = number {
            bytes.extend_from_slice(b"Idempotency-Key: ");
            push_key(number, bytes);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(self.body.as_bytes());
    }
}

/// Appends 32 hexadecimal digits that look random, like those of a UUID.
pub(crate) fn push_key(number: u64, bytes: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for half in [mix(number), mix(number ^ 0x5bd1_e995_9d1c_a3b5)] {
        let digits = (0..16).map(|index| usize::try_from(half >> (4 * index) & 15).unwrap_or(0));
        bytes.extend(digits.filter_map(|digit| DIGITS.get(digit)));
    }
}

/// A bijection whose results look random: the finaliser of SplitMix64.
fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
